#!/bin/sh
# A .vti file of an oblique scan written by VTK 9.6.2 lies elsewhere in vtk.js 37.4.3, and the other way round: VTK
# writes the direction matrix row by row, vtk.js takes the nine numbers column by column, as its own getDirection gives
# them, and writes them so. The scan is turned the wrong way: with a tilt of 30 degrees the last of 100 slices of 3 mm
# lies 297 mm away, and of a sagittal series, whose axes are exchanged in a ring, the slices go where the rows should.
# Only if the matrix is symmetric, as of axial scans, also flipped ones, the two agree. VTK's writer of .vtkjs files
# gives the numbers column by column, as vtk.js wants them. Nothing warns. Expected: the same place of the same voxel
# of the same file. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vtk==9.6.2
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @kitware/vtk.js@37.4.3 >"$folder/npm"
cat >read.mjs <<'JAVASCRIPT'
import vtkXMLImageDataReader from '@kitware/vtk.js/IO/XML/XMLImageDataReader.js';
import vtkXMLImageDataWriter from '@kitware/vtk.js/IO/XML/XMLImageDataWriter.js';
import vtkXMLWriter from '@kitware/vtk.js/IO/XML/XMLWriter.js';
import { readFileSync, writeFileSync } from 'node:fs';

const places = {};
for (const name of ['axial', 'tilted', 'sagittal']) {
  const reader = vtkXMLImageDataReader.newInstance();
  reader.parseAsArrayBuffer(new Uint8Array(readFileSync(`${name}.vti`)).buffer);
  const image = reader.getOutputData();
  places[name] = Array.from(image.indexToWorld([0, 0, 1]));
  const writer = vtkXMLImageDataWriter.newInstance({ format: vtkXMLWriter.FormatTypes.ASCII });
  writeFileSync(`${name}-again.vti`, writer.write(image));
}
console.log(JSON.stringify(places));
JAVASCRIPT
venv/bin/python - <<'PYTHON'
import json
import math
import subprocess
import sys
from pathlib import Path

import vtk

package = json.loads(Path("node_modules/@kitware/vtk.js/package.json").read_text())
print(f"vtk {vtk.VTK_VERSION}, vtk.js {package['version']}")
cosine, sine = math.cos(math.radians(30)), math.sin(math.radians(30))
directions = {
    "axial": (1, 0, 0, 0, 1, 0, 0, 0, -1),
    "tilted": (1, 0, 0, 0, cosine, -sine, 0, sine, cosine),
    "sagittal": (0, 0, 1, 1, 0, 0, 0, 1, 0),
}


def second_slice(image):
    place = [0.0, 0.0, 0.0]
    image.TransformContinuousIndexToPhysicalPoint(0, 0, 1, place)
    return [round(number, 2) + 0.0 for number in place]


places = {}
for name, direction in directions.items():
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.SetSpacing(1, 1, 3)
    image.SetDirectionMatrix(*direction)
    image.AllocateScalars(vtk.VTK_SHORT, 1)
    image.GetPointData().GetScalars().FillComponent(0, 0)
    writer = vtk.vtkXMLImageDataWriter()
    writer.SetInputData(image)
    writer.SetFileName(f"{name}.vti")
    writer.SetDataModeToAscii()
    writer.Write()
    places[name] = second_slice(image)


def read(path):
    reader = vtk.vtkXMLImageDataReader()
    reader.SetFileName(path)
    reader.Update()
    return second_slice(reader.GetOutput())


other = json.loads(subprocess.run(["node", "read.mjs"], capture_output=True, check=True, text=True).stdout)
same = {}
for name, place in places.items():
    found = [round(number, 2) + 0.0 for number in other[name]]
    again = read(f"{name}-again.vti")
    same[name] = found == place, again == found
    print(f"{name}: second slice at {place} mm in VTK, at {found} in vtk.js, whose file has it at {again} in VTK")
sys.exit(0 if same == {"axial": (True, True), "tilted": (False, False), "sagittal": (False, False)} else 1)
PYTHON
