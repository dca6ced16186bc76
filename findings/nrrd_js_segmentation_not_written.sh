#!/bin/sh
# nrrd-js 0.2.1 can't write what it reads of a segmentation. Images of 8 bits lose their voxels: serialize writes a
# header alone, for it drops the byte order, which 8 bits don't need, and then finds none to write with (a warning on
# the console speaks of the "endianness in NRRD file"). Key/value pairs, in which 3D Slicer keeps the segments' names,
# end with "Cannot read properties of undefined": each key is looked for among the image's fields. A key with a field's
# name, as "content:=lungs" beside "content: CT", gets the field's value. An image of 16 bits without keys is written
# as it was read. Expected: the voxels and the pairs that parse returned. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" nrrd-js@0.2.1 >"$folder/npm"
cat >"$folder/run.js" <<'JAVASCRIPT'
const nrrd = require("nrrd-js");

console.log(`nrrd-js ${require("nrrd-js/package.json").version}, Node.js ${process.version}`);
console.warn = () => {};

// A NRRD file of 2 x 2 x 2 voxels, 0 and 1 in turn, of the given type and with the given lines in its header.
function file(type, lines) {
    const voxels = type === "uint8" ? [0, 1, 0, 1, 0, 1, 0, 1] : [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0];
    const header = ["NRRD0004", `type: ${type}`, "dimension: 3", "sizes: 2 2 2", "encoding: raw", "endian: little",
        "content: CT", ...lines, "", ""];
    return new Uint8Array([...Buffer.from(header.join("\n")), ...voxels]).buffer;
}

const found = [];
for (const [type, ...lines] of [["int16"], ["uint8"], ["int16", "Segment0_Name:=lung"], ["int16", "content:=lungs"]]) {
    const image = nrrd.parse(file(type, lines));
    let result;
    try {
        const written = nrrd.serialize(image), text = Buffer.from(written).toString("latin1");
        const start = text.indexOf("\n\n"), bytes = start < 0 ? 0 : written.byteLength - start - 2;
        result = `${bytes} bytes of voxels, ${text.match(/.*:=.*/) ?? "no key"}`;
    } catch (error) {
        result = error.constructor.name;
    }
    found.push(result);
    console.log(`${type}, voxels ${image.data}, keys ${JSON.stringify(image.keys)}; written: ${result}`);
}
const right = "16 bytes of voxels, no key", empty = "0 bytes of voxels, no key";
process.exit(found.join() === [right, empty, "TypeError", "16 bytes of voxels, content:=CT"].join() ? 0 : 1);
JAVASCRIPT
node "$folder/run.js"
