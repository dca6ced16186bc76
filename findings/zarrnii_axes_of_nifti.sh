#!/bin/sh
# zarrnii 0.21.6's from_nifti reads a NIfTI's voxels and place only if its axes are x, y and z. With axes_order="ZYX",
# its own order of OME-Zarr, it turns the array round, but not the voxel's size and the first voxel's place, which it
# gives to z, y and x one by one: voxels of 1 x 2 x 5 mm are 5 x 2 x 1 mm, and a voxel at (13, 28, 55) mm lies at (45,
# 28, 15). In a coronal scan it exchanges the coordinates of the first voxel along y and z, by 10 mm here, and of a
# scan tilted by 17 degrees nothing is left of the tilt. Saved by to_nifti again, the files are so; nothing warns.
# Expected: the place that the voxel has in the file. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    zarrnii==0.21.6 ngff_zarr==0.50.0 dask==2026.8.0 toolz==1.2.0 cloudpickle==3.1.3 fsspec==2026.9.0 attrs==26.1.0 \
    zarr==3.1.6 donfig==0.8.1.post1 numcodecs==0.16.6 google_crc32c==1.9.0 pluggy==1.7.0 ome_zarr==0.18.0 \
    importlib_metadata==10.2.0 lazy_importer==0.1.0 platformdirs==4.14.8 itkwasm==1.0b201 wasmtime==50.0.1 \
    rich==15.0.0 pyyaml==6.0.4 packaging==26.4 typing_extensions==4.16.0 pandas==2.3.3 scikit_image==0.26.0 \
    python_dateutil==4.0.0 pytz==2026.6 tzdata==2026.6 lazy_loader==0.6 imageio==2.38.1 networkx==3.6.1 \
    pillow==13.0.0 tifffile==2026.3.3 importlib_resources==7.1.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import nibabel as nib
import numpy as np
from zarrnii.core import ZarrNii

print(f"zarrnii {version('zarrnii')}, ngff-zarr {version('ngff-zarr')}, nibabel {nib.__version__}")
COS, SIN = np.cos(0.3), np.sin(0.3)
AFFINES = {
    "axial": [[1, 0, 0, 10], [0, 2, 0, 20], [0, 0, 5, 30], [0, 0, 0, 1]],
    "coronal": [[1, 0, 0, 10], [0, 0, 5, 20], [0, 2, 0, 30], [0, 0, 0, 1]],
    "tilted": [[1, 0, 0, 10], [0, 2 * COS, -5 * SIN, 20], [0, 2 * SIN, 5 * COS, 30], [0, 0, 0, 1]],
}
scan = np.zeros((12, 10, 8), dtype=np.float32)
scan[3, 4, 5] = 1
found = {}
for name, order in (("axial", "XYZ"), ("axial", "ZYX"), ("coronal", "XYZ"), ("tilted", "XYZ")):
    affine = np.array(AFFINES[name], dtype=float)
    nib.save(nib.Nifti1Image(scan, affine), "scan.nii")
    image = ZarrNii.from_nifti("scan.nii", axes_order=order).to_nifti()
    (index,) = np.argwhere(np.asarray(image.dataobj) == 1)
    pairs = (affine, (3, 4, 5)), (image.affine, index)
    places = [(matrix @ [*point, 1])[:3].round(1).tolist() for matrix, point in pairs]
    found[name, order] = places, [float(size) for size in image.header.get_zooms()]
    print(f"{name}, {order}: voxel at {places[0]} mm is now at {places[1]} mm, voxels of {found[name, order][1]} mm")
wrong = {
    ("axial", "XYZ"): ([[13, 28, 55], [13, 28, 55]], [1, 2, 5]),
    ("axial", "ZYX"): ([[13, 28, 55], [45, 28, 15]], [5, 2, 1]),
    ("coronal", "XYZ"): ([[13, 45, 38], [13, 55, 28]], [1, 2, 5]),
    ("tilted", "XYZ"): ([[13, 20.3, 56.2], [13, 28, 55]], [1, 2, 5]),
}
sys.exit(0 if found == wrong else 1)
PYTHON
