#!/bin/sh
# dcmjs-imaging 0.2.5 renders an image half a window too dark if its VOI LUT Function (0028,1056) is LINEAR_EXACT: it
# leaves out the 0.5 of ((x - centre) / width + 0.5) (PS3.3 C.11.2.1.3.2), so that the window's centre is black instead
# of half grey, and all below it, too. With the window 40/400 water has 0 of 255 and not 102, and with the lung window
# -600/1500 a lung of -600 HU is black like the air around the patient. LINEAR and SIGMOID, with the same numbers, are
# right. Nothing warns. Expected: the grey values of LINEAR, but for a rounding. Adding half a width to the centre
# helps. No report found. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" dcmjs-imaging@0.2.5 >"$folder/npm"
node - <<'JAVASCRIPT'
const { DicomImage } = require("dcmjs-imaging");
const { version } = JSON.parse(require("fs").readFileSync("node_modules/dcmjs-imaging/package.json"));

const hounsfield = [-1000, -600, -150, 0, 150, 400];

function rendered(voiLutFunction, center, width) {
    const image = new DicomImage({
        Rows: 1, Columns: 6, SamplesPerPixel: 1, PhotometricInterpretation: "MONOCHROME2", BitsAllocated: 16,
        BitsStored: 16, HighBit: 15, PixelRepresentation: 1, RescaleSlope: 1, RescaleIntercept: 0,
        WindowCenter: center, WindowWidth: width, VOILUTFunction: voiLutFunction,
        PixelData: [Int16Array.from(hounsfield).buffer],
    }, "1.2.840.10008.1.2.1");
    const pixels = new Uint8Array(image.render().pixels);
    return hounsfield.map((_, i) => pixels[4 * i]);
}

function exact(center, width) {
    return hounsfield.map(x => Math.round(255 * Math.min(1, Math.max(0, (x - center) / width + 0.5))));
}

console.log(`dcmjs-imaging ${version}, Node.js ${process.version}`);
console.log(`HU ${hounsfield}`);
let wrong = true;
for (const [center, width] of [[40, 400], [-600, 1500]]) {
    const found = rendered("LINEAR_EXACT", center, width), linear = rendered("LINEAR", center, width);
    const expected = exact(center, width);
    console.log(`${center}/${width}: LINEAR_EXACT ${found}, expected ${expected}; LINEAR ${linear}`);
    const far = values => Math.max(...values.map((grey, i) => Math.abs(grey - expected[i])));
    wrong = wrong && far(found) > 100 && far(linear) < 3;
}
process.exit(wrong ? 0 : 1);
JAVASCRIPT
