#!/bin/sh
# pycad-medic 0.0.11's meshes of labels are half a voxel smaller than the mask on each side: nifti2stl_vtk_multi_class
# ("by keeping the exact mesh size") looks for the surface at the label's own number, not half-way between it and the
# background, so that it runs through the middles of the outer voxels. A nodule of 10 x 10 x 10 voxels of 0.8 x 0.8 x
# 1.5 mm, 960 mm3, has 700 mm3 in the file without smoothing, 27 % less, and 686 mm3 with its defaults; one of 4 x 4 x 4
# voxels has less than half. Nothing warns. Expected: about 960 mm3 before smoothing, as the surface at half the number
# has (946; contours cut the edges). (The file is loaded alone here; vedo, for another function, is an empty
# stand-in.) Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 vtk==9.6.2 nibabel==5.4.2 \
    scikit-image==0.26.0
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps pycad-medic==0.0.11
cd "$folder"
venv/bin/python - <<'PYTHON'
import runpy
import sys
import types
from importlib.metadata import distribution

import nibabel as nib
import numpy as np
import vtk

package = distribution("pycad-medic")
sys.modules["vedo"] = types.ModuleType("vedo")
Converter = runpy.run_path(str(package.locate_file("pycad/converters/nifti_to_stl.py")))["Nifti2StlConverter"]
print(f"pycad-medic {package.version}, VTK {vtk.VTK_VERSION}")


def volume(source):
    properties = vtk.vtkMassProperties()
    properties.SetInputConnection(source.GetOutputPort())
    properties.Update()
    return round(properties.GetVolume())


found = {}
for size in (10, 4):
    mask = np.zeros((24, 24, 24), dtype=np.uint8)
    mask[6 : 6 + size, 6 : 6 + size, 6 : 6 + size] = 2
    nib.save(nib.Nifti1Image(mask, np.diag([0.8, 0.8, 1.5, 1])), "mask.nii.gz")
    found[size] = [round(size**3 * 0.8 * 0.8 * 1.5)]
    for plain in (True, False):
        options = {"smoothing": False, "reduce_meshes": False} if plain else {}
        Converter("mask.nii.gz", "stl").nifti2stl_vtk_multi_class(**options)
        stl = vtk.vtkSTLReader()
        stl.SetFileName("stl/mask_2.stl")
        found[size].append(volume(stl))
    image = vtk.vtkNIFTIImageReader()
    image.SetFileName("mask.nii.gz")
    half = vtk.vtkContourFilter()
    half.SetInputConnection(image.GetOutputPort())
    half.SetValue(0, 1)
    found[size].append(volume(half))
    print(f"{size}^3 voxels: {found[size][0]} mm3, in the file {found[size][1]}, with smoothing {found[size][2]} mm3, "
          f"by the surface half-way {found[size][3]} mm3")
sys.exit(0 if found[10][:3] == [960, 700, 686] and found[10][3] > 900 and found[4][1] < found[4][0] / 2 else 1)
PYTHON
