#!/bin/sh
# daikon 1.2.46's buildSeries does not sort the slices of an oblique series: it sorts them by one coordinate of Image
# Position (Patient), x, y or z, and for slices that are not near one of the planes (a direction of rows or columns
# whose largest cosine is below 0.8, as in scans along the heart's or a nodule's axis) it looks up a fourth coordinate,
# which no position has. The slices then stay in the order in which the files were read, and concatenateImageData makes
# a volume of it: read as 4, 1, 6, 2, 5, 3, six slices tilted by 30 degrees about x and z stay so; tilted by 20 degrees
# they are 1 to 6. Instance Number and Slice Location are not used either. Nothing warns. Expected: 1 to 6 both times,
# by the position along the slices' normal (PS3.3 C.7.6.2.1.1). Sorting the files before and useExplicitOrdering help.
# No report found. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" daikon@1.2.46 dcmjs@0.52.2 >"$folder/npm"
node - <<'JAVASCRIPT'
const { readFileSync } = require("fs");
const daikon = require("daikon");
const { DicomDict, DicomMetaDictionary } = require("dcmjs").data;
const version = name => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

function slice(number, series, orientation, normal) {
    const sopClass = "1.2.840.10008.5.1.4.1.1.2", instance = DicomMetaDictionary.uid();
    const file = new DicomDict(DicomMetaDictionary.denaturalizeDataset({
        FileMetaInformationVersion: new Uint8Array([0, 1]).buffer, MediaStorageSOPClassUID: sopClass,
        MediaStorageSOPInstanceUID: instance, TransferSyntaxUID: "1.2.840.10008.1.2.1",
        ImplementationClassUID: DicomMetaDictionary.uid(),
    }));
    file.dict = DicomMetaDictionary.denaturalizeDataset({
        SOPClassUID: sopClass, SOPInstanceUID: instance, SeriesInstanceUID: series, Modality: "CT",
        InstanceNumber: number, Rows: 2, Columns: 2, SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2",
        BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 0, PixelSpacing: [1, 1],
        SliceThickness: 5, SliceLocation: 5 * number, ImageOrientationPatient: orientation.map(x => x.toFixed(8)),
        ImagePositionPatient: normal.map(x => (5 * number * x).toFixed(6)),
        PixelData: new Uint16Array(4).fill(number).buffer, _vrMap: { PixelData: "OW" },
    });
    return new DataView(file.write());
}

function sorted(degrees) {
    const cos = Math.cos(degrees * Math.PI / 180), sin = Math.sin(degrees * Math.PI / 180);
    const orientation = [cos, sin, 0, -sin * cos, cos * cos, sin], normal = [sin * sin, -cos * sin, cos];
    const series = new daikon.Series(), uid = DicomMetaDictionary.uid();
    for (const number of [4, 1, 6, 2, 5, 3]) {
        series.addImage(daikon.Series.parseImage(slice(number, uid, orientation, normal)));
    }
    series.buildSeries();
    return series.images.map(image => image.getImageNumber()).join(" ");
}

console.log(`daikon ${version("daikon")}, dcmjs ${version("dcmjs")}, Node.js ${process.version}`);
const found = [0, 20, 30, 45].map(degrees => {
    const order = sorted(degrees);
    console.log(`tilted by ${degrees} degrees about x and z: slices ${order}`);
    return order;
});
const right = "1 2 3 4 5 6", read = "4 1 6 2 5 3";
process.exit(String(found) === String([right, right, read, read]) ? 0 : 1);
JAVASCRIPT
