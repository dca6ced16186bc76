#!/bin/sh
# vascular-segment-sampler 0.7.0's seg_sitk_from_surface_polydata ("on the same grid as reference_image_sitk") puts a
# mesh's mask elsewhere where the image's axes run to -x and -y, as SimpleITK reads most NIfTI files: a ball around the
# voxel (12, 20, 10) becomes a mask around (27, 19, 10), turned round in the image. With the identity it is at (12, 20,
# 10). And its change_lps_ras, "convert files from LPS to RAS", separates an image and its mesh: the mesh gets -x and
# -y, the image, whatever its place was, the origin (0, 0, z) and the directions -1, -1, 1. The ball of an image at
# (-100, -150, 30) is at (-12, -20) in the one and (88, 130) in the other. Nothing warns. Expected: one place. No report
# found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vascular-segment-sampler==0.7.0 SimpleITK==2.5.7 \
    vtk==9.7.2 pandas==2.3.3 PyYAML==6.0.3 tqdm==4.67.1 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import SimpleITK as sitk
from vascular_segment_sampler.create_seg_from_surf import seg_sitk_from_surface_polydata
from vtkmodules.vtkFiltersSources import vtkSphereSource
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader, vtkXMLPolyDataWriter

MIDDLE = (12, 20, 10)


def image(origin, direction):
    """An image of 40 x 40 x 40 mm with a cube around the voxel MIDDLE."""
    voxels = np.zeros((20, 40, 40), dtype=np.uint8)
    voxels[8:13, 18:23, 10:15] = 1
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1, 1, 2))
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


def ball(place):
    source = vtkSphereSource(radius=6, theta_resolution=32, phi_resolution=32)
    source.SetCenter(*place)
    source.Update()
    return source.GetOutput()


def middle(image):
    """The middle of the image's foreground, in voxels (x, y, z)."""
    return [float(round(number, 1)) for number in np.argwhere(sitk.GetArrayFromImage(image)).mean(axis=0)[::-1]]


print(f"vascular-segment-sampler {version('vascular-segment-sampler')}, SimpleITK {sitk.__version__}")
found = []
for direction in ((1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, -1, 0, 0, 0, 1)):
    reference = image((50, 60, 30), direction)
    mask = seg_sitk_from_surface_polydata(ball(reference.TransformIndexToPhysicalPoint(MIDDLE)), reference)
    found.append(middle(mask))
    print(f"direction {direction}: ball around the voxel {MIDDLE}, its mask around {found[-1]}")

scan = image((-100, -150, 30), (1, 0, 0, 0, 1, 0, 0, 0, 1))
sitk.WriteImage(scan, "scan.nrrd")
writer = vtkXMLPolyDataWriter(file_name="mesh.vtp", input_data=ball(scan.TransformIndexToPhysicalPoint(MIDDLE)))
writer.Write()
command = [sys.executable, "-m", "vascular_segment_sampler.preprocessing.change_lps_ras"]
for kind, name in (("image", "scan.nrrd"), ("vtp", "mesh.vtp")):
    arguments = ["--input_file", name, "--output_file", f"new_{name}", "--file_type", kind]
    subprocess.run([*command, *arguments], check=True, capture_output=True)
new = sitk.ReadImage("new_scan.nrrd")
reader = vtkXMLPolyDataReader(file_name="new_mesh.vtp")
reader.Update()
places = new.TransformContinuousIndexToPhysicalPoint(middle(new)), reader.GetOutput().GetCenter()
places = [[round(number) for number in place] for place in places]
print(f"after change_lps_ras: the image's cube is at {places[0]}, the mesh's ball at {places[1]}")
sys.exit(0 if found == [[12, 20, 10], [27, 19, 10]] and places == [[-12, -20, 50], [88, 130, 50]] else 1)
PYTHON
