#!/bin/sh
# ormir-xct 1.1.0's conversions between SimpleITK and VTK change a CT's values and axes. sitk_to_vtk makes 8 bits with a
# sign of all values: -1000 HU is 24, 400 HU is -112 ("Cast the image data to VTK_SHORT" stands there, and VTK_CHAR is
# used). vtk_to_sitk exchanges the first and the last axis: 6 columns, 5 rows and 4 slices become 4 columns, 5 rows and
# 6 slices, and it leaves the spacing and the origin out, so that voxels of 0.7 x 0.8 x 2.5 mm are 1 x 1 x 1 mm. There
# and back, a voxel at (3, 2, 1) is at (1, 2, 3). Nothing warns; a comment in the code says that the direction, alone,
# is lost. Expected: the image that went in. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6 vtk==9.6.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ormir-xct==1.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import types
from importlib.metadata import distribution

import numpy as np
import SimpleITK as sitk

package = distribution("ormir-xct")
for name in ("ormir_xct", "ormir_xct.core", "ormir_xct.core.util"):  # without their imports of ITK, not needed here
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(package.locate_file(name.replace(".", "/")))]

from ormir_xct.core.util.sitk_vtk import sitk_to_vtk, vtk_to_sitk

print(f"ormir-xct {package.version}, SimpleITK {sitk.__version__}")
voxels = np.full((4, 5, 6), -1000, dtype=np.int16)
voxels[1, 2, 3] = 400
scan = sitk.GetImageFromArray(voxels)
scan.SetSpacing((0.7, 0.8, 2.5))
scan.SetOrigin((-150, -120, 30))
in_vtk = sitk_to_vtk(scan)
values = [in_vtk.GetScalarComponentAsDouble(*place, 0) for place in ((0, 0, 0), (3, 2, 1))]
print(f"sitk_to_vtk: {in_vtk.GetScalarTypeAsString()}, -1000 and 400 HU are {values}")
back = vtk_to_sitk(in_vtk)
bone = [int(number) for number in np.argwhere(sitk.GetArrayFromImage(back) == values[1])[0][::-1]]
print(f"there and back: size {scan.GetSize()} is {back.GetSize()}, spacing {scan.GetSpacing()} is {back.GetSpacing()}, "
      f"origin {scan.GetOrigin()} is {back.GetOrigin()}, voxel [3, 2, 1] is at {bone}")
same = back.GetSize() == (4, 5, 6) and back.GetSpacing() == (1, 1, 1) and back.GetOrigin() == (0, 0, 0)
sys.exit(0 if values == [24.0, -112.0] and same and bone == [1, 2, 3] else 1)
PYTHON
