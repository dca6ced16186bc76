#!/bin/sh
# @cornerstonejs/adapters 5.14.0 returns a parametric map's frames in the file's order, though it is given the images
# that they belong to: generateToolState finds each frame's image, sorts the frames into a second array, and returns the
# first. A map stored from head to feet, over images from feet to head, gets each slice's values onto the slice
# opposite. OHIF takes the result for the images' order. A map of only some of the images ends with a RangeError. Its
# tolerance of 0.001 for the orientation doesn't arrive (Cornerstone3D's function hands on an argument more than
# Cornerstone's has, so "false" counts as the tolerance): an orientation that differs by 1e-7 is "oblique" and refused.
# No report found. Expected: the sorted array. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --legacy-peer-deps --cache "$folder/cache" @cornerstonejs/adapters@5.14.0 \
    @cornerstonejs/core@5.14.0 @cornerstonejs/metadata@5.14.0 @babel/runtime@7.28.4 esbuild@0.25.10 >"$folder/npm"
cat >run.mjs <<'JAVASCRIPT'
import { generateToolState } from "@cornerstonejs/adapters/cornerstone3D/ParametricMap/generateToolState";
import { version } from "@cornerstonejs/adapters/package.json";
import { data } from "dcmjs";

const images = [0, 1, 2].map((slice) => ({ id: `image:${slice}`, uid: `1.2.3.1.${slice + 1}`, slice }));
const provider = {
    get(type, id) {
        const { uid, slice } = images.find((image) => image.id === id);
        return {
            imagePlaneModule: { rowCosines: [1, 0, 0], columnCosines: [0, 1, 0], rows: 2, columns: 2 },
            generalImageModule: { sopInstanceUID: uid },
            instance: {
                Rows: 2, Columns: 2, ImagePositionPatient: [0, 0, slice], FrameOfReferenceUID: "1.2.3.7",
                SeriesInstanceUID: "1.2.3.6",
            },
        }[type];
    },
};

// A DICOM parametric map with a frame of 2 x 2 values, 10 times the slice's number, for each of the given slices.
function parametricMap(slices, orientation) {
    const dataset = {
        _vrMap: {}, SOPClassUID: "1.2.840.10008.5.1.4.1.1.30", SOPInstanceUID: "1.2.3.9", StudyInstanceUID: "1.2.3",
        SeriesInstanceUID: "1.2.3.8", FrameOfReferenceUID: "1.2.3.7", Modality: "OT", Rows: 2, Columns: 2,
        NumberOfFrames: slices.length, SamplesPerPixel: 1, BitsAllocated: 32, PhotometricInterpretation: "MONOCHROME2",
        SharedFunctionalGroupsSequence: [{
            PlaneOrientationSequence: [{ ImageOrientationPatient: orientation }],
            PixelMeasuresSequence: [{ PixelSpacing: [1, 1], SliceThickness: 1 }],
        }],
        PerFrameFunctionalGroupsSequence: slices.map((slice) => ({
            PlanePositionSequence: [{ ImagePositionPatient: [0, 0, slice] }],
            DerivationImageSequence: [{
                SourceImageSequence: [{
                    ReferencedSOPClassUID: "1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID: images[slice].uid,
                }],
            }],
        })),
        FloatPixelData: new Float32Array(slices.flatMap((slice) => Array(4).fill(10 * slice))).buffer,
    };
    const file = new data.DicomDict(data.DicomMetaDictionary.denaturalizeDataset({
        _vrMap: {}, MediaStorageSOPClassUID: dataset.SOPClassUID, MediaStorageSOPInstanceUID: dataset.SOPInstanceUID,
        TransferSyntaxUID: "1.2.840.10008.1.2.1", ImplementationClassUID: "1.2.3.5", ImplementationVersionName: "1",
    }));
    file.dict = data.DicomMetaDictionary.denaturalizeDataset(dataset);
    return file.write();
}

async function main() {
    console.log(`@cornerstonejs/adapters ${version}, Node.js ${process.version}`);
    const axial = [1, 0, 0, 0, 1, 0], found = [];
    for (const [slices, orientation] of [
        [[0, 1, 2], axial], [[2, 1, 0], axial], [[1, 2], axial], [[0, 1, 2], [1, 1e-7, 0, -1e-7, 1, 0]],
    ]) {
        let result;
        try {
            const ids = images.map((image) => image.id);
            const { pixelData } = await generateToolState(ids, parametricMap(slices, orientation), provider);
            result = Array.from(pixelData).filter((_, i) => i % 4 === 0).join();
        } catch (error) {
            result = `${error.name}: ${error.message}`;
        }
        found.push(result);
        console.log(`frames of the slices ${slices}, orientation ${orientation}: ${result}`);
    }
    const refused = found[2].startsWith("RangeError") && found[3].includes("oblique");
    process.exit(found[0] === "0,10,20" && found[1] === "20,10,0" && refused ? 0 : 1);
}

main();
JAVASCRIPT
npx esbuild run.mjs --bundle --platform=node --format=cjs --outfile=run.cjs --log-level=error
node run.cjs
