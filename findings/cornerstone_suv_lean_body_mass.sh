#!/bin/sh
# @cornerstonejs/calculate-suv 1.1.0 (for OHIF and other viewers) gives wrong factors for SUVlbm and SUVbsa where the
# pixels are not Bq/ml: it multiplies each pixel by lean body mass or body surface per dose, whatever the units are. A
# PET in g/ml (Units GML) holds SUVbw already, so that the factor for SUVbw is 1, which is right, and the one for SUVlbm
# is lean body mass / weight: 57.8 kg / 70 kg = 0.83 for a man of 175 cm. It says 0.00024: an SUVbw of 5 has an SUVlbm
# of 0.0012 instead of 4.1. So for Philips' CNTS with an SUV Scale Factor (7053,1000). The same scan in Bq/ml has the
# ratio of 0.83. Nothing warns. suvbw times lean body mass / weight helps. No report found. Needs Node.js. Ends with 1
# when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @cornerstonejs/calculate-suv@1.1.0 >"$folder/npm"
node - <<'JAVASCRIPT'
const { calculateSUVScalingFactors } = require("@cornerstonejs/calculate-suv");
const { version } = JSON.parse(require("fs").readFileSync("node_modules/@cornerstonejs/calculate-suv/package.json"));

const weight = 70, height = 1.75;
const leanMass = 1.1 * weight - 120 * (weight / (100 * height)) ** 2;  // James' formula, as in the package
const scan = {
    CorrectedImage: ["ATTN", "DECY"], DecayCorrection: "START", PatientWeight: weight, PatientSex: "M",
    PatientSize: height, RadionuclideTotalDose: 350e6, RadionuclideHalfLife: 6586.2,
    RadiopharmaceuticalStartDateTime: "20260302090000", SeriesDate: "20260302", SeriesTime: "100000",
    AcquisitionDate: "20260302", AcquisitionTime: "100000",
};
const units = {
    BQML: { Units: "BQML" },
    GML: { Units: "GML" },
    CNTS: { Units: "CNTS", PhilipsPETPrivateGroup: { SUVScaleFactor: 0.001 } },
};
console.log(`@cornerstonejs/calculate-suv ${version}, Node.js ${process.version}`);
console.log(`lean body mass / weight: ${(leanMass / weight).toFixed(3)}`);
const ratios = {};
for (const [name, unit] of Object.entries(units)) {
    const { suvbw, suvlbm } = calculateSUVScalingFactors([{ ...scan, ...unit }])[0];
    ratios[name] = suvlbm / suvbw;
    console.log(`${name}: SUVbw = pixel * ${suvbw.toPrecision(3)}, SUVlbm = pixel * ${suvlbm.toPrecision(3)}, ` +
        `ratio ${ratios[name].toPrecision(3)}`);
}
const right = Math.abs(ratios.BQML - leanMass / weight) < 1e-9;
process.exit(right && ratios.GML < 0.001 && Math.abs(ratios.CNTS - leanMass / weight) > 0.1 ? 0 : 1);
JAVASCRIPT
