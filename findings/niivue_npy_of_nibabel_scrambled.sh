#!/bin/sh
# niivue 0.69.0 scrambles a scan that numpy has saved as nibabel gives it: nibabel's arrays have the first axis
# fastest, numpy.save keeps that and says so in the file ('fortran_order': True), and niivue reads the shape and the
# type and not this. A block of 1000 voxels comes apart into 123 pieces all over the image; of the same array with the
# last axis fastest, equal number for number, it stays one. So a mask made with numpy.zeros is right, and the scan that
# it belongs to is not. Nothing warns. Expected: the same image of equal arrays, as numpy.load, and by the format
# (numpy.lib.format: fortran_order says whether the data are contiguous in that order). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 scipy==1.15.3 numpy==2.2.6
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @niivue/niivue@0.69.0 >"$folder/npm"
cat >read.mjs <<'JAVASCRIPT'
import { NVImage } from '@niivue/niivue';
import { readFileSync, writeFileSync } from 'node:fs';

console.warn = console.info = console.debug = () => {};
for (const name of ['last', 'first']) {
  const image = await NVImage.new(new Uint8Array(readFileSync(`${name}.npy`)).buffer, `${name}.npy`);
  const voxels = image.img;
  writeFileSync(`${name}.raw`, new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength));
  console.log(image.hdr.dims.slice(0, 4).join(' '));
}
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

package = json.loads(Path("node_modules/@niivue/niivue/package.json").read_text())
print(f"niivue {package['version']}, nibabel {nib.__version__}, numpy {np.__version__}")
block = np.zeros((30, 24, 20))
block[5:15, 5:15, 5:15] = 1
nib.save(nib.Nifti1Image(block.astype(np.int16), np.eye(4)), "scan.nii")
scan = nib.load("scan.nii").get_fdata()
np.save("first.npy", scan)  # the first axis fastest, as nibabel gives it
np.save("last.npy", np.ascontiguousarray(scan))
same = np.array_equal(np.load("first.npy"), np.load("last.npy"))
print(f"numpy.load of both files: equal {same}; nibabel's array has the first axis fastest: {scan.flags.f_contiguous}")
subprocess.run(["node", "read.mjs"], capture_output=True, check=True)
pieces = {}
for name in ("last", "first"):
    voxels = np.fromfile(f"{name}.raw", dtype=np.float64).reshape(scan.shape)  # niivue: the last axis is its first
    pieces[name] = ndimage.label(voxels)[1], int(voxels.sum()), np.array_equal(voxels, scan)
    print(f"niivue, {name} axis fastest: {pieces[name][1]} voxels in {pieces[name][0]} pieces, equal {pieces[name][2]}")
right = same and scan.flags.f_contiguous and pieces["last"] == (1, 1000, True)
sys.exit(0 if right and pieces["first"][0] > 10 and pieces["first"][1] == 1000 else 1)
PYTHON
