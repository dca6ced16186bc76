#!/bin/sh
# niivue 0.69.0 halves a label map of 32-bit integers that it has opened and saved: it turns the voxels into 64-bit
# floats and says so in the header's datatype, but leaves 32 bits per voxel there, and itself reads by these: of 1000
# voxels 500 are left, the lower half of the scan, so that a label of the upper lobes is gone. nibabel and SimpleITK
# read by the datatype and see 1000. And the loop that turns them leaves the last voxel out, of 32- and 64-bit integers
# alike: it is 0, in the file as well, where a scan has -1024. 16 bits are right. Nothing warns. Expected: the labels
# as they were. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 numpy==2.2.6
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @niivue/niivue@0.69.0 >"$folder/npm"
cat >again.mjs <<'JAVASCRIPT'
import { NVImage } from '@niivue/niivue';
import { readFileSync, writeFileSync } from 'node:fs';

console.warn = console.info = console.debug = () => {};
const open = (name) => NVImage.new(new Uint8Array(readFileSync(name)).buffer, name);
const counts = {};
for (const kind of ['int16', 'int32']) {
  const image = await open(`${kind}.nii`);
  const name = `${kind}-saved.nii`;
  writeFileSync(name, await image.saveToUint8Array(name));
  const voxels = (await open(name)).img;
  counts[kind] = [1, 2].map((label) => voxels.filter((value) => value === label).length);
}
console.log(JSON.stringify(counts));
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np

package = json.loads(Path("node_modules/@niivue/niivue/package.json").read_text())
print(f"niivue {package['version']}, nibabel {nib.__version__}")
labels = np.zeros((10, 10, 10), dtype=int)
labels[2:8, 2:8, 1:5] = 1
labels[2:, 2:, 6:] = 2  # up to the last voxel
for kind in ("int16", "int32"):
    nib.save(nib.Nifti1Image(labels.astype(kind), np.eye(4)), f"{kind}.nii")
output = subprocess.run(["node", "again.mjs"], capture_output=True, check=True, text=True).stdout
niivue = json.loads(output.splitlines()[-1])
other = {}
for kind in ("int16", "int32"):
    saved = np.asarray(nib.load(f"{kind}-saved.nii").dataobj)
    other[kind] = [int((saved == label).sum()) for label in (1, 2)]
    print(f"{kind}: voxels of labels 1 and 2 in niivue {niivue[kind]}, in nibabel {other[kind]}, written [144, 256]")
right = niivue["int16"] == other["int16"] == [144, 256]
sys.exit(0 if right and niivue["int32"] == [144, 0] and other["int32"] == [144, 255] else 1)
PYTHON
