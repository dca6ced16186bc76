#!/bin/sh
# VTK 9.7.2's vtkNrrdReader takes the first axis of a 3D NRRD for the components of a pixel if it is shorter than 10: a
# region of 9 x 40 x 30 voxels around a nodule becomes a flat image of 40 x 30 pixels with 9 components, and the spacing
# moves on by one axis. The file says "kinds: domain domain domain" (ITK and 3D Slicer write it), which NRRD defines as
# no components; 10 x 40 x 30 is read rightly. The documentation lists encodings that it can't read, not this. Expected:
# 9 x 40 x 30 voxels. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vtk==9.7.2 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import SimpleITK as sitk
import vtk

print(f"VTK {vtk.vtkVersion.GetVTKVersion()}, SimpleITK {sitk.__version__}")
found = {}
for columns in (9, 10):
    image = sitk.Image(columns, 40, 30, sitk.sitkInt16)
    image.SetSpacing([0.7, 0.8, 2.5])
    sitk.WriteImage(image, "region.nrrd")
    reader = vtk.vtkNrrdReader()
    reader.SetFileName("region.nrrd")
    reader.Update()
    read = reader.GetOutput()
    components = read.GetPointData().GetScalars().GetNumberOfComponents()
    found[columns] = read.GetDimensions(), components
    print(f"{image.GetSize()} voxels: {read.GetDimensions()} of {read.GetSpacing()} mm, {components} components")
with open("region.nrrd", "rb") as file:
    print([line.decode() for line in file.read().split(b"\n\n")[0].split(b"\n") if line.startswith((b"dim", b"kinds"))])
sys.exit(0 if found == {9: ((40, 30, 1), 9), 10: ((10, 40, 30), 1)} else 1)
PYTHON
