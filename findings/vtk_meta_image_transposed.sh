#!/bin/sh
# VTK 9.7.2's vtkMetaImageReader and vtkMetaImageWriter take MetaImage's TransformMatrix row by row for the direction
# matrix; ITK, which has the format's own library, writes and reads each axis of the image as one row, so that the
# matrix is the other's transpose. A scan tilted by 15 degrees is tilted by -15 degrees in VTK, and a sagittal series
# has other axes. Files of VTK alone come back right, and flips are the same both ways. Expected: the directions that
# SimpleITK, ITK and 3D Slicer have, as vtkImageData's direction matrix means the same as theirs. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vtk==9.7.2 SimpleITK==2.5.7 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import SimpleITK as sitk
import vtk

cos, sin = np.cos(np.radians(15)), np.sin(np.radians(15))
SCANS = {
    "flipped": np.diag([-1.0, -1, 1]),
    "tilted": np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
}
INDEX = [1, 2, 3]
print(f"VTK {vtk.vtkVersion.GetVTKVersion()}, SimpleITK {sitk.__version__}")
same = {}
for name, direction in SCANS.items():
    image = sitk.Image(4, 4, 4, sitk.sitkInt16)
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, "itk.mha")
    reader = vtk.vtkMetaImageReader()
    reader.SetFileName("itk.mha")
    reader.Update()
    read = [0.0, 0.0, 0.0]
    reader.GetOutput().TransformIndexToPhysicalPoint(INDEX, read)
    made = vtk.vtkImageData()
    made.SetDimensions(4, 4, 4)
    made.AllocateScalars(vtk.VTK_SHORT, 1)
    made.SetDirectionMatrix(direction.ravel())
    writer = vtk.vtkMetaImageWriter()
    writer.SetFileName("vtk.mhd")
    writer.SetRAWFileName("vtk.raw")
    writer.SetInputData(made)
    writer.Write()
    written = sitk.ReadImage("vtk.mhd").TransformIndexToPhysicalPoint(INDEX)
    expected = image.TransformIndexToPhysicalPoint(INDEX)
    found = {"read by VTK": read, "written by VTK": written}
    print(f"{name}: voxel {INDEX} lies at {np.round(expected, 2)} mm;", {k: np.round(v, 2) for k, v in found.items()})
    same[name] = [bool(np.allclose(point, expected, atol=1e-4)) for point in found.values()]
sys.exit(0 if same == {"flipped": [True] * 2, "tilted": [False] * 2, "sagittal": [False] * 2} else 1)
PYTHON
