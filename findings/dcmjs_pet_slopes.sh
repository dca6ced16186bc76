#!/bin/sh
# dcmjs 0.52.2's normalizeToDataset, with which web viewers make one multi-frame image of a series, gives all slices the
# first slice's Rescale Slope and Intercept: a PET with the slopes 1, 2, 3 and 4, as scanners choose one for each slice
# (PS3.3 C.8.9.4), and the pixel 100 everywhere becomes an Enhanced PET of 100 everywhere. It copies the stored pixels
# and puts the one pair of numbers into the shared groups, where each frame may have its own (Pixel Value
# Transformation, PS3.3 C.7.6.16.2.9). The same series, listed from above, is 400 everywhere. Nothing warns. Expected:
# 100, 200, 300 and 400. The slopes can be put into PerFrameFunctionalGroupsSequence afterwards. No report found. Needs
# Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" dcmjs@0.52.2 >"$folder/npm"
node - <<'JAVASCRIPT'
const dcmjs = require("dcmjs");
const { version } = JSON.parse(require("fs").readFileSync("node_modules/dcmjs/package.json"));
const { uid } = dcmjs.data.DicomMetaDictionary;

const series = uid(), study = uid();
const slices = [0, 1, 2, 3].map(number => ({
    _meta: {}, _vrMap: { PixelData: "OW" }, SOPClassUID: "1.2.840.10008.5.1.4.1.1.128", SOPInstanceUID: uid(),
    SeriesInstanceUID: series, StudyInstanceUID: study, Modality: "PT", Rows: 2, Columns: 2, SamplesPerPixel: 1,
    BitsAllocated: 16, BitsStored: 16, HighBit: 15, PixelRepresentation: 0, PhotometricInterpretation: "MONOCHROME2",
    RescaleSlope: number + 1, RescaleIntercept: 0, ImagePositionPatient: [0, 0, 4 * number], SliceThickness: 4,
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0], PixelSpacing: [4, 4], WindowCenter: 200, WindowWidth: 400,
    PixelData: new Uint16Array(4).fill(100).buffer,
}));

function item(sequence) {
    return Array.isArray(sequence) ? sequence[0] : sequence;
}

function values(datasets) {
    const image = dcmjs.normalizers.Normalizer.normalizeToDataset(datasets);
    const pixels = new Uint16Array(image.PixelData);
    const result = {};
    image.PerFrameFunctionalGroupsSequence.forEach((group, frame) => {
        const own = group.PixelValueTransformationSequence;
        const rescale = item(own || item(image.SharedFunctionalGroupsSequence).PixelValueTransformationSequence);
        const z = item(group.PlanePositionSequence).ImagePositionPatient[2];
        result[z] = pixels[frame * 4] * Number(rescale.RescaleSlope) + Number(rescale.RescaleIntercept);
    });
    return [0, 4, 8, 12].map(z => result[z]);
}

console.log(`dcmjs ${version}, Node.js ${process.version}`);
const upwards = values(slices), downwards = values([...slices].reverse());
console.log(`values at 0, 4, 8 and 12 mm: ${upwards}; the same series, listed from above: ${downwards}`);
process.exit(String(upwards) === "100,100,100,100" && String(downwards) === "400,400,400,400" ? 0 : 1);
JAVASCRIPT
