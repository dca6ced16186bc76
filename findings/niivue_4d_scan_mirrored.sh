#!/bin/sh
# niivue 0.69.0 exchanges left and right of a 4D scan in MetaImage or NRRD, such as a CT of the breathing lungs, and
# puts it at the origin: of .mha it reads the first 9 of the 16 numbers of TransformMatrix, whose rows have four, and
# of .nrrd it wants 9 numbers of space directions, where a fourth axis has "none". What is left are axes to the right,
# front and top, while both formats give LPS here, and of .nrrd not even the size of the voxels, which become 1 mm. The
# same scan in 3D is right. Nothing warns. Expected: voxel (0, 0, 0) at x 150, y 140 and z -300 mm (RAS) and the
# columns going by -0.7 mm, as SimpleITK reads both files. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 pynrrd==1.1.3 numpy==2.2.6
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @niivue/niivue@0.69.0 >"$folder/npm"
cat >affine.mjs <<'JAVASCRIPT'
import { NVImage } from '@niivue/niivue';
import { readFileSync } from 'node:fs';

console.warn = console.info = console.debug = () => {};
const affines = {};
for (const name of ['3d.mha', '4d.mha', '3d.nrrd', '4d.nrrd']) {
  const image = await NVImage.new(new Uint8Array(readFileSync(name)).buffer, name);
  affines[name] = image.hdr.affine;
}
console.log(JSON.stringify(affines));
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import json
import subprocess
import sys
from pathlib import Path

import nrrd
import numpy as np
import SimpleITK as sitk

package = json.loads(Path("node_modules/@niivue/niivue/package.json").read_text())
print(f"niivue {package['version']}, SimpleITK {sitk.__version__}, pynrrd {nrrd.__version__}")
scan = sitk.Image(4, 3, 2, sitk.sitkInt16) + 1
scan.SetOrigin((-150, -140, -300))  # mm, LPS
scan.SetSpacing((0.7, 0.7, 2.5))
sitk.WriteImage(scan, "3d.mha")
sitk.WriteImage(sitk.JoinSeries([scan, scan]), "4d.mha")
voxels = np.ones((4, 3, 2), dtype=np.int16)
header = {"space": "left-posterior-superior", "space origin": [-150, -140, -300], "encoding": "raw"}
directions = np.diag([0.7, 0.7, 2.5])
nrrd.write("3d.nrrd", voxels, {**header, "space directions": directions})
times = np.stack([voxels, voxels], axis=-1)
header["kinds"] = ["domain", "domain", "domain", "list"]
nrrd.write("4d.nrrd", times, {**header, "space directions": np.vstack([directions, [np.nan] * 3])})
for name in ("4d.mha", "4d.nrrd"):
    print(f"SimpleITK, {name}: origin {sitk.ReadImage(name).GetOrigin()[:3]} (LPS)")
output = subprocess.run(["node", "affine.mjs"], capture_output=True, check=True, text=True).stdout
found = {}
for name, affine in json.loads(output.splitlines()[-1]).items():
    affine = np.round(affine, 3) + 0.0
    found[name] = affine[:3, 3].tolist(), float(affine[0, 0])
    print(f"niivue, {name}: first voxel at {found[name][0]} mm (RAS), columns go by {found[name][1]} mm along x")
right, wrong, units = ([150, 140, -300], -0.7), ([0, 0, 0], 0.7), ([0, 0, 0], 1)
sys.exit(0 if found == {"3d.mha": right, "4d.mha": wrong, "3d.nrrd": right, "4d.nrrd": units} else 1)
PYTHON
