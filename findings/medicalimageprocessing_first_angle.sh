#!/bin/sh
# medicalimageprocessing 2.0.1 turns a mesh about all axes by the angle for x: Transform.angles_only(com, angles,
# order="xyz") gives rotate_x, rotate_y and rotate_z angles[0] each. With 0, 20 and 0 degrees nothing moves, with 10, 0
# and 0 the mesh is turned about y and z as well, and 10, 20 and 30 come out the same as 10, 10 and 10: a point 100 mm
# from the centre, as at a lung's base, is 34.7, 20.2 and 24.4 mm beside its place. Only three equal angles are right.
# Nothing warns. Expected: each axis by its own angle, as PyVista, which it calls, turns them. (The file is loaded alone
# here, as the package's other ones ask for Open3D.) Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 vtk==9.6.2 pyvista==0.49.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps medicalimageprocessing==2.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import runpy
import sys
from importlib.metadata import distribution

import numpy as np
import pyvista as pv

package = distribution("medicalimageprocessing")
print(f"medicalimageprocessing {package.version}, PyVista {pv.__version__}")
Transform = runpy.run_path(str(package.locate_file("MedicalImageProcessing/Mesh/transform.py")))["Transform"]
found = {}
for angles in ((10, 0, 0), (10, 10, 10), (0, 20, 0), (10, 20, 30)):
    mesh = pv.PolyData(np.array([[0.0, 0, -100]]))  # mm
    turned = Transform(mesh).angles_only([0, 0, 0], angles, "xyz").points[0]
    place = mesh.rotate_x(angles[0]).rotate_y(angles[1]).rotate_z(angles[2]).points[0]
    found[angles] = round(float(np.linalg.norm(turned - place)), 1)
    print(f"{angles} degrees: {np.round(turned, 1)}, PyVista {np.round(place, 1)}, {found[angles]} mm away")
expected = {(10, 0, 0): 20.2, (10, 10, 10): 0.0, (0, 20, 0): 34.7, (10, 20, 30): 24.4}
sys.exit(0 if found == expected else 1)
PYTHON
