#!/bin/sh
# dwv 0.36.4, a DICOM viewer of the web, drops a window whose centre is 0: it keeps a window of the file only where centre
# and width are "truthy", and 0 isn't. A CT image with the centre 0 and the width 400 is shown from its least to its
# greatest value instead (here 1000 with 4000); where a second window follows, that is shown. A warning is given for a
# width of 0 alone. A centre of 0 suits values around 0, as those of difference and phase images. Expected: the window of
# the file, as with a centre of 40. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" dwv@0.36.4 >"$folder/npm"
cat >"$folder/run.mjs" <<'JAVASCRIPT'
import { DicomParser, createImage, createView, getDwvVersion } from "dwv";

function element(group, number, vr, value) {
    const odd = value.length % 2 === 1 ? [vr === "UI" ? 0 : 32] : [], long = vr === "OW";
    const head = Buffer.alloc(long ? 12 : 8), length = value.length + odd.length;
    head.writeUInt16LE(group, 0), head.writeUInt16LE(number, 2), head.write(vr, 4, "latin1");
    long ? head.writeUInt32LE(length, 8) : head.writeUInt16LE(length, 6);
    return Buffer.concat([head, value, Buffer.from(odd)]);
}

// A CT image of the four values -1000, -50, 40 and 3000 HU with the given windows.
function scan(centres, widths) {
    const text = (group, number, vr, value) => element(group, number, vr, Buffer.from(value));
    const short = (number, value) => element(0x28, number, "US", Buffer.from([value, 0]));
    const syntax = text(2, 0x10, "UI", "1.2.840.10008.1.2.1"), length = Buffer.from([syntax.length, 0, 0, 0]);
    return new Uint8Array(Buffer.concat([
        Buffer.alloc(128), Buffer.from("DICM"), element(2, 0, "UL", length), syntax,
        text(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2"), text(8, 0x18, "UI", "1.2.3"), text(8, 0x60, "CS", "CT"),
        text(0x20, 0x32, "DS", "0\\0\\0"), text(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"), short(2, 1),
        text(0x28, 4, "CS", "MONOCHROME2"), short(0x10, 2), short(0x11, 2), text(0x28, 0x30, "DS", "1\\1"),
        short(0x100, 16), short(0x101, 16), short(0x102, 15), short(0x103, 1), text(0x28, 0x1050, "DS", centres),
        text(0x28, 0x1051, "DS", widths), text(0x28, 0x1052, "DS", "0"), text(0x28, 0x1053, "DS", "1"),
        element(0x7fe0, 0x10, "OW", Buffer.from(Int16Array.from([-1000, -50, 40, 3000]).buffer)),
    ])).buffer;
}

console.log(`dwv ${getDwvVersion()}, Node.js ${process.version}`);
const found = [];
for (const [centres, widths] of [["40", "400"], ["0", "400"], ["0\\-600", "400\\1500"]]) {
    const parser = new DicomParser();
    parser.parse(scan(centres, widths));
    const elements = parser.getDicomElements(), image = createImage(elements);
    const shown = createView(elements, image).getWindowLevel();
    const ofFile = Object.keys(image.getMeta().windowPresets).filter(name => name.startsWith("Default")).length;
    found.push(`${shown.center} ${shown.width}`);
    console.log(`centres ${centres}, widths ${widths}: ${ofFile} windows of the file, shown: ${found.at(-1)}`);
}
process.exit(found.join() === "40 400,1000 4000,-600 1500" ? 0 : 1);
JAVASCRIPT
node "$folder/run.mjs"
