#!/bin/sh
# vtk.js 37.4.3's vtkImageData.getPoint(number) gives places between the voxels: it divides the number by the length of
# a row and does not round down. Of a scan of 512 x 400 x 100 voxels of 0.7 x 0.7 x 2.5 mm the first voxel of a row is
# right, and the last one of the first row lies nearly a row and of the first slice nearly a row and a slice too far,
# 0.7 and 2.6 mm away, so that the points of a mask's voxels are sheared. And it counts from 0 where the extent begins
# later, as of an image cropped by vtkImageCropFilter: its first point is 92.9 mm away, in what was cut off. Of an
# image that is made with its extent (newInstance({ extent })) it gives null. Nothing warns. Expected: GetPoint of VTK
# in C++ and Python. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vtk==9.6.2
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @kitware/vtk.js@37.4.3 >"$folder/npm"
cat >points.mjs <<'JAVASCRIPT'
import vtkImageData from '@kitware/vtk.js/Common/DataModel/ImageData.js';

const points = [];
for (const [extent, numbers] of JSON.parse(process.argv[2])) {
  const image = vtkImageData.newInstance({ spacing: [0.7, 0.7, 2.5] });
  image.setExtent(...extent);
  for (const number of numbers) points.push(Array.from(image.getPoint(number)));
}
console.log(JSON.stringify(points));
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import json
import math
import subprocess
import sys
from pathlib import Path

import vtk

package = json.loads(Path("node_modules/@kitware/vtk.js/package.json").read_text())
print(f"vtk.js {package['version']}, vtk {vtk.VTK_VERSION}")
whole, cropped = [0, 511, 0, 399, 0, 99], [100, 299, 50, 349, 20, 79]
tasks = [(whole, [0, 512, 511, 512 * 400 - 1]), (cropped, [0])]
found = json.loads(subprocess.run(["node", "points.mjs", json.dumps(tasks)], capture_output=True, check=True).stdout)
away = []
for (extent, numbers), start in zip(tasks, (0, 4), strict=True):
    image = vtk.vtkImageData()
    image.SetExtent(extent)
    image.SetSpacing(0.7, 0.7, 2.5)
    for position, number in enumerate(numbers):
        place, other = image.GetPoint(number), found[start + position]
        away.append(round(math.dist(place, other), 1))
        print(f"extent {extent}, point {number}: VTK {[round(value, 2) for value in place]} mm,")
        print(f"  vtk.js {[round(value, 2) for value in other]} mm, {away[-1]} mm away")
sys.exit(0 if away == [0.0, 0.0, 0.7, 2.6, 92.9] else 1)
PYTHON
