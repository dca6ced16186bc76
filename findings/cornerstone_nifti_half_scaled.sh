#!/bin/sh
# @cornerstonejs/nifti-volume-loader 5.0.13 scales the values of a NIfTI only where slope AND intercept do something:
# both of slope != 1 and intercept != 0 must hold. A CT that is stored from 0 on, slope 1 and intercept -1024, is 1024
# HU too high (air at 24 HU), and a PET of slope 2 and intercept 0 has half of each value. With 2 and -1024 the values
# are right, and they are at slope 1 and intercept 0. NIfTI-1 has all voxels scaled where the slope isn't 0. Windows and
# probes show the wrong numbers; nothing warns. No report found. Expected: one of them is enough. Needs Node.js. Ends
# with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @cornerstonejs/nifti-volume-loader@5.0.13 \
    @cornerstonejs/core@5.0.13 esbuild@0.25.10 >"$folder/npm"
cat >run.mjs <<'JAVASCRIPT'
import { cornerstoneNiftiImageLoader, createNiftiImageIdsAndCacheMetadata } from "@cornerstonejs/nifti-volume-loader";
import { version } from "./node_modules/@cornerstonejs/nifti-volume-loader/package.json";

process.on("unhandledRejection", () => {});  // the loader aborts its own request for the header
console.error = console.log = () => {};
globalThis.XMLHttpRequest = class {  // the browser's, as far as the loader uses it
    addEventListener(name, listener) { this[name] = listener; }
    open(method, url) { this.url = url; }
    setRequestHeader() {}
    async send() {
        this.response = await (await fetch(this.url)).arrayBuffer();
        this.load({});
    }
};

// A NIfTI-1 file with one slice of 2 x 2 voxels of 16 bits.
function nifti(voxels, slope, intercept) {
    const file = Buffer.alloc(1000);
    file.writeInt32LE(348, 0);
    [3, 2, 2, 1, 1, 1, 1, 1].forEach((value, i) => file.writeInt16LE(value, 40 + 2 * i));
    file.writeInt16LE(4, 70);
    file.writeInt16LE(16, 72);
    [1, 1, 1, 1].forEach((value, i) => file.writeFloatLE(value, 76 + 4 * i));
    [352, slope, intercept].forEach((value, i) => file.writeFloatLE(value, 108 + 4 * i));
    file.writeInt8(2, 123);
    file.writeInt16LE(1, 254);
    [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0].forEach((value, i) => file.writeFloatLE(value, 280 + 4 * i));
    file.write("n+1\0", 344, "latin1");
    voxels.forEach((value, i) => file.writeInt16LE(value, 352 + 2 * i));
    return "data:application/octet-stream;base64," + file.toString("base64");
}

async function main() {
    const lines = [`@cornerstonejs/nifti-volume-loader ${version}, Node.js ${process.version}`], found = [];
    for (const [slope, intercept] of [[1, 0], [1, -1024], [2, 0], [2, -1024]]) {
        const voxels = [24, 500, 1024, 2000], right = voxels.map((value) => value * slope + intercept);
        const [imageId] = await createNiftiImageIdsAndCacheMetadata({ url: nifti(voxels, slope, intercept) });
        const values = Array.from((await cornerstoneNiftiImageLoader(imageId).promise).getPixelData());
        found.push(values.join() === right.join() ? "right" : values.join() === voxels.join() ? "unscaled" : "other");
        lines.push(`slope ${slope}, intercept ${intercept}: ${values.join(" ")}, expected ${right.join(" ")}`);
    }
    process.stdout.write(lines.join("\n") + "\n");
    process.exit(found.join() === "right,unscaled,unscaled,right" ? 0 : 1);
}

main();
JAVASCRIPT
npx esbuild run.mjs --bundle --platform=node --format=cjs --outfile=run.cjs --log-level=error
node run.cjs
