#!/bin/sh
# @cornerstonejs/nifti-volume-loader 5.0.13 puts the slices of a sagittal or coronal NIfTI at the wrong places: each
# step between slices takes its x from the voxels' first size, its y from the second and its z from the third, where all
# three belong to the slice distance. Axial slices of 5 mm come out right; sagittal ones with pixels of 0.75 mm lie 0.75
# mm apart, so that 3 slices of 5 mm fill 2.25 mm, and axial ones tilted by 0.5 rad lie 4.02 mm apart. Cornerstone
# itself takes the distance from these positions (sortImageIdsAndGetSpacing), while sliceThickness says 5. Lengths and
# volumes across slices are 1/6.7. Nothing warns; open issue: cornerstone3D 2601. Expected: the affine. Needs Node.js.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @cornerstonejs/nifti-volume-loader@5.0.13 \
    @cornerstonejs/core@5.0.13 esbuild@0.25.10 >"$folder/npm"
cat >run.mjs <<'JAVASCRIPT'
import { createNiftiImageIdsAndCacheMetadata } from "@cornerstonejs/nifti-volume-loader";
import { metaData, utilities } from "@cornerstonejs/core";
import { version } from "./node_modules/@cornerstonejs/nifti-volume-loader/package.json";

process.on("unhandledRejection", () => {});  // the loader aborts its own request for the header
console.error = console.log = () => {};

// A NIfTI-1 file of 2 x 2 x 3 voxels of 0.75 x 0.75 x 5 mm with the given rows of its affine.
function nifti(name, affine) {
    const file = Buffer.alloc(1000);
    file.writeInt32LE(348, 0);
    [3, 2, 2, 3, 1, 1, 1, 1].forEach((value, i) => file.writeInt16LE(value, 40 + 2 * i));
    file.writeInt16LE(4, 70);
    file.writeInt16LE(16, 72);
    [1, 0.75, 0.75, 5].forEach((value, i) => file.writeFloatLE(value, 76 + 4 * i));
    [352, 1, 0].forEach((value, i) => file.writeFloatLE(value, 108 + 4 * i));
    file.writeInt8(2, 123);
    file.writeInt16LE(1, 254);
    affine.flat().forEach((value, i) => file.writeFloatLE(value, 280 + 4 * i));
    file.write("n+1\0", 344, "latin1");
    return `data:application/octet-stream;name=${name};base64,` + file.toString("base64");
}

const [cos, sin] = [Math.cos(0.5), Math.sin(0.5)];
const scans = {
    axial: [[-0.75, 0, 0, 10], [0, -0.75, 0, 20], [0, 0, 5, -300]],
    sagittal: [[0, 0, 5, 10], [-0.75, 0, 0, 20], [0, 0.75, 0, -300]],
    coronal: [[-0.75, 0, 0, 10], [0, 0, 5, 20], [0, 0.75, 0, -300]],
    tilted: [[-0.75, 0, 0, 10], [0, -0.75 * cos, -5 * sin, 20], [0, -0.75 * sin, 5 * cos, -300]],
};

async function main() {
    const lines = [`@cornerstonejs/nifti-volume-loader ${version}, Node.js ${process.version}`], found = [];
    for (const [name, affine] of Object.entries(scans)) {
        const imageIds = await createNiftiImageIdsAndCacheMetadata({ url: nifti(name, affine) });
        const planes = imageIds.map((imageId) => metaData.get("imagePlaneModule", imageId));
        found.push(utilities.sortImageIdsAndGetSpacing(imageIds).zSpacing.toFixed(2));
        lines.push(`${name}: slices at ${planes.map((plane) => `(${plane.imagePositionPatient})`).join(" ")}, ` +
            `${found.at(-1)} mm apart, expected ${planes[0].sliceThickness.toFixed(2)}`);
    }
    process.stdout.write(lines.join("\n") + "\n");
    process.exit(found.join() === "5.00,0.75,0.75,4.02" ? 0 : 1);
}

main();
JAVASCRIPT
npx esbuild run.mjs --bundle --platform=node --format=cjs --outfile=run.cjs --log-level=error
node run.cjs
