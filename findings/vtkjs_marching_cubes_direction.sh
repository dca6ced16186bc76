#!/bin/sh
# vtk.js 37.4.3's vtkImageMarchingCubes leaves the direction of a vtkImageData out: it makes the surface as if the axes
# were x, y and z. Of a mask in a scan whose columns and rows go towards -x and -y (NIfTI's RAS seen from DICOM) the
# surface is mirrored and lies 39.6 mm beside the mask here, of a scan tilted by 30 degrees 10.2 mm beside it. The
# image's own indexToWorld uses the direction, as its slices and its volume do in a view, so that surface and scan do
# not fit; vtk.js' own vtkImageMarchingSquares uses it, and so does vtkMarchingCubes of VTK in C++ and Python. Nothing
# warns. Expected: the middle of the surface at indexToWorld of the middle of the mask. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" @kitware/vtk.js@37.4.3 >"$folder/npm"
cat >surface.mjs <<'JAVASCRIPT'
import vtkDataArray from '@kitware/vtk.js/Common/Core/DataArray.js';
import vtkImageData from '@kitware/vtk.js/Common/DataModel/ImageData.js';
import vtkImageMarchingCubes from '@kitware/vtk.js/Filters/General/ImageMarchingCubes.js';
import { readFileSync } from 'node:fs';

console.time = console.timeEnd = () => {};
const { version } = JSON.parse(readFileSync('node_modules/@kitware/vtk.js/package.json'));
console.log(`vtk.js ${version}`);
const angle = Math.PI / 6;
const directions = {
  'axial': [1, 0, 0, 0, 1, 0, 0, 0, 1],
  'columns and rows to -x and -y': [-1, 0, 0, 0, -1, 0, 0, 0, 1],
  'tilted by 30 degrees': [1, 0, 0, 0, Math.cos(angle), Math.sin(angle), 0, -Math.sin(angle), Math.cos(angle)],
};
const away = {};
for (const [name, direction] of Object.entries(directions)) {
  const size = 30;
  const voxels = new Uint8Array(size ** 3);
  for (let k = 10; k < 19; ++k)
    for (let j = 10; j < 19; ++j) for (let i = 10; i < 19; ++i) voxels[i + size * (j + size * k)] = 1;
  const image = vtkImageData.newInstance({ extent: [0, size - 1, 0, size - 1, 0, size - 1], direction });
  image.getPointData().setScalars(vtkDataArray.newInstance({ values: voxels, numberOfComponents: 1 }));
  const filter = vtkImageMarchingCubes.newInstance({ contourValue: 0.5, mergePoints: true });
  filter.setInputData(image);
  const points = filter.getOutputData().getPoints().getData();
  const middle = [0, 1, 2].map((axis) => {
    const values = points.filter((_, index) => index % 3 === axis);
    return (Math.min(...values) + Math.max(...values)) / 2;
  });
  const expected = Array.from(image.indexToWorld([14, 14, 14]));
  away[name] = Math.hypot(...middle.map((number, axis) => number - expected[axis]));
  const shown = expected.map((number) => Number(number.toFixed(2)));
  console.log(`${name}: surface about ${middle} mm, mask about ${shown} mm, ${away[name].toFixed(1)} mm away`);
}
const [first, flipped, tilted] = Object.values(away);
process.exit(first < 0.01 && Math.abs(flipped - 39.6) < 0.1 && tilted > 5 ? 0 : 1);
JAVASCRIPT
node surface.mjs
