#!/bin/sh
# nifti-reader-js 0.8.0, which web viewers read NIfTI with, gives a NIfTI-2 that has a qform and no sform (qform_code 1,
# sform_code 0) a matrix of zeros: all voxels lie at the same point, 0, 0, 0. It reads srow_x, y and z whatever
# sform_code is. The same image as NIfTI-1 has the right matrix, by its quaternion (nifti1.h, method 2, which NIfTI-2
# keeps). Nothing warns. Expected: the same matrix for both. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" nifti-reader-js@0.8.0 >"$folder/npm"
cat >"$folder/run.mjs" <<'JAVASCRIPT'
import { readFileSync } from "fs";
import { readHeader } from "nifti-reader-js";

const { version } = JSON.parse(readFileSync("node_modules/nifti-reader-js/package.json"));
const dims = [3, 4, 5, 6, 1, 1, 1, 1], sizes = [1, 0.7, 0.7, 2.5], quaternion = [0, 0, 1], offset = [120, 100, -30];

// An image of int16 whose columns and rows run to -x and -y, its place in the qform alone (a half turn around z).
function nifti1() {
    const view = new DataView(new ArrayBuffer(352 + 2 * 4 * 5 * 6));
    view.setInt32(0, 348, true);
    dims.forEach((value, i) => view.setInt16(40 + 2 * i, value, true));
    view.setInt16(70, 4, true), view.setInt16(72, 16, true);
    sizes.forEach((value, i) => view.setFloat32(76 + 4 * i, value, true));
    view.setFloat32(108, 352, true), view.setFloat32(112, 1, true);
    view.setInt16(252, 1, true), view.setInt16(254, 0, true);
    [...quaternion, ...offset].forEach((value, i) => view.setFloat32(256 + 4 * i, value, true));
    [..."n+1"].forEach((letter, i) => view.setUint8(344 + i, letter.charCodeAt(0)));
    return view.buffer;
}

function nifti2() {
    const view = new DataView(new ArrayBuffer(544 + 2 * 4 * 5 * 6));
    view.setInt32(0, 540, true);
    [0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a].forEach((value, i) => view.setUint8(4 + i, value));
    view.setInt16(12, 4, true), view.setInt16(14, 16, true);
    dims.forEach((value, i) => view.setBigInt64(16 + 8 * i, BigInt(value), true));
    sizes.forEach((value, i) => view.setFloat64(104 + 8 * i, value, true));
    view.setBigInt64(168, 544n, true), view.setFloat64(176, 1, true);
    view.setInt32(344, 1, true), view.setInt32(348, 0, true);
    [...quaternion, ...offset].forEach((value, i) => view.setFloat64(352 + 8 * i, value, true));
    return view.buffer;
}

console.log(`nifti-reader-js ${version}, Node.js ${process.version}`);
const found = [["NIfTI-1", nifti1()], ["NIfTI-2", nifti2()]].map(([name, buffer]) => {
    const header = readHeader(buffer);
    const rows = header.affine.map(row => row.map(value => Math.round(100 * value) / 100 || 0));
    const codes = `qform_code ${header.qform_code}, sform_code ${header.sform_code}`;
    console.log(`${name}: ${codes}, voxels of ${header.pixDims.slice(1, 4).map(value => value.toFixed(1))} mm`);
    console.log(`    matrix ${JSON.stringify(rows)}`);
    return JSON.stringify(rows);
});
const right = "[[-0.7,0,0,120],[0,-0.7,0,100],[0,0,2.5,-30],[0,0,0,1]]";
process.exit(found[0] === right && found[1] === "[[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,1]]" ? 0 : 1);
JAVASCRIPT
node "$folder/run.mjs"
