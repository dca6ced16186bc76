#!/bin/sh
# nifti-reader-js 0.8.0, which web viewers read NIfTI with, makes a matrix of NaN of half the tilted scans whose place
# is in the qform: it takes the root of 1 - (b^2 + c^2 + d^2), and where the rotation is a half turn the squares add up
# to 1, or, as the file has them in 32 bits, to a hair more. An axial scan whose columns and rows run as in DICOM (a
# half turn around z) and that is tilted around x, by any angle, is such a half turn: 16 of the tilts of 1 to 29 degrees
# are lost. Nothing warns. Expected: a = 0 there, as the format's own nifti_quatern_to_mat44 has it (a "special case"
# below 1e-7) and nibabel. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" nifti-reader-js@0.8.0 >"$folder/npm"
cat >"$folder/run.mjs" <<'JAVASCRIPT'
import { readFileSync } from "fs";
import { readHeader } from "nifti-reader-js";

const { version } = JSON.parse(readFileSync("node_modules/nifti-reader-js/package.json"));

// An image whose columns and rows run to -x and -y, tilted around x by some degrees, its place in the qform.
function tilted(degrees) {
    const view = new DataView(new ArrayBuffer(352 + 2 * 4 * 5 * 6)), half = degrees * Math.PI / 360;
    view.setInt32(0, 348, true);
    [3, 4, 5, 6, 1, 1, 1, 1].forEach((value, i) => view.setInt16(40 + 2 * i, value, true));
    view.setInt16(70, 4, true), view.setInt16(72, 16, true);
    [1, 0.7, 0.7, 2.5].forEach((value, i) => view.setFloat32(76 + 4 * i, value, true));
    view.setFloat32(108, 352, true), view.setFloat32(112, 1, true);
    view.setInt16(252, 1, true);
    const place = [0, -Math.sin(half), Math.cos(half), 120, 100, -30]; // b, c, d and the first voxel
    place.forEach((value, i) => view.setFloat32(256 + 4 * i, value, true));
    [..."n+1"].forEach((letter, i) => view.setUint8(344 + i, letter.charCodeAt(0)));
    return view.buffer;
}

console.log(`nifti-reader-js ${version}, Node.js ${process.version}`);
const lost = [], far = [];
for (let degrees = 0; degrees < 30; degrees++) {
    const matrix = readHeader(tilted(degrees)).affine, angle = degrees * Math.PI / 180;
    const expected = [-0.7, 0, 0, 0, -0.7 * Math.cos(angle), -2.5 * Math.sin(angle), 0, -0.7 * Math.sin(angle),
        2.5 * Math.cos(angle)];
    const entries = matrix.slice(0, 3).flatMap(row => row.slice(0, 3));
    if (entries.some(Number.isNaN)) lost.push(degrees);
    else if (entries.some((value, i) => Math.abs(value - expected[i]) > 1e-3)) far.push(degrees);
    if (degrees < 3) console.log(`${degrees} degrees: ${entries.map(value => value.toFixed(3))}`);
}
console.log(`a matrix of NaN at ${lost.length} of 30 tilts: ${lost} degrees`);
console.log(`another matrix than expected at ${far.length}`);
process.exit(lost.length > 8 && !lost.includes(0) && far.length === 0 ? 0 : 1);
JAVASCRIPT
node "$folder/run.mjs"
