#!/bin/sh
# daikon 1.2.46's getInterpretedData, which gives an image's values with slope and intercept, gives other values where
# the image is MONOCHROME1 (or its Presentation LUT Shape is INVERSE): it turns the stored values around first. Of a CT
# of 12 bits without sign and the intercept -1024, -1000, 40 and 2000 HU become 3047, 2007 and 47. With a sign it loses
# values: it takes half of 65535 for the greatest of 16 bits and cuts what is above, so -1000 and -500 HU are 32767
# both. MONOCHROME1 says that the least value is shown white, after all else, and changes no value (PS3.3 C.7.6.3.1.2).
# Nothing warns. Expected: the values of MONOCHROME2. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" daikon@1.2.46 >"$folder/npm"
cat >"$folder/run.js" <<'JAVASCRIPT'
const daikon = require("daikon");

function element(group, number, vr, value) {
    const odd = value.length % 2 === 1 ? [vr === "UI" ? 0 : 32] : [], long = vr === "OW";
    const head = Buffer.alloc(long ? 12 : 8), length = value.length + odd.length;
    head.writeUInt16LE(group, 0), head.writeUInt16LE(number, 2), head.write(vr, 4, "latin1");
    long ? head.writeUInt32LE(length, 8) : head.writeUInt16LE(length, 6);
    return Buffer.concat([head, value, Buffer.from(odd)]);
}

// A CT image of four stored values of 16 bits, of which so many are used.
function values(photometric, stored, bits, signed, intercept) {
    const text = (group, number, vr, value) => element(group, number, vr, Buffer.from(value));
    const short = (number, value) => element(0x28, number, "US", Buffer.from([value, 0]));
    const syntax = text(2, 0x10, "UI", "1.2.840.10008.1.2.1"), length = Buffer.from([syntax.length, 0, 0, 0]);
    const file = Buffer.concat([
        Buffer.alloc(128), Buffer.from("DICM"), element(2, 0, "UL", length), syntax,
        text(8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.2"), text(8, 0x60, "CS", "CT"),
        text(0x20, 0x32, "DS", "0\\0\\0"), text(0x20, 0x37, "DS", "1\\0\\0\\0\\1\\0"), short(2, 1),
        text(0x28, 4, "CS", photometric), short(0x10, 2), short(0x11, 2), text(0x28, 0x30, "DS", "1\\1"),
        short(0x100, 16), short(0x101, bits), short(0x102, bits - 1), short(0x103, signed ? 1 : 0),
        text(0x28, 0x1052, "DS", intercept), text(0x28, 0x1053, "DS", "1"),
        element(0x7fe0, 0x10, "OW", Buffer.from(Int16Array.from(stored).buffer)),
    ]);
    return Array.from(daikon.Series.parseImage(new DataView(new Uint8Array(file).buffer)).getInterpretedData());
}

console.log(`daikon ${require("daikon/package.json").version}, Node.js ${process.version}`);
const found = [];
for (const photometric of ["MONOCHROME2", "MONOCHROME1"]) {
    const unsigned = values(photometric, [24, 524, 1064, 3024], 12, false, "-1024");
    const signed = values(photometric, [-1000, -500, 40, 2000], 16, true, "0");
    found.push(`${unsigned} ${signed}`);
    console.log(`${photometric}: without sign ${unsigned}, with sign ${signed}; expected -1000,-500,40,2000`);
}
const turned = "3047,2547,2007,47 32767,32767,32727,30767";
process.exit(found[0] === "-1000,-500,40,2000 -1000,-500,40,2000" && found[1] === turned ? 0 : 1);
JAVASCRIPT
node "$folder/run.js"
