#!/bin/sh
# nifti-zarr 1.0.0rc8 converts a NIfTI with scl_slope and scl_inter to Zarr and back, and the file that comes back has
# neither: its values are the stored integers. A CT of -1024 to 3000 HU becomes -32768 to 32767, with no warning.
# NIfTI-1 says that a voxel's value is slope * stored + inter where the slope is not 0; the Zarr still holds both, so
# that only zarr2nii loses them. nibabel writes such a file for any float image saved as int16. Ends with 1 when that
# changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nifti-zarr==1.0.0rc8 nibabel==5.4.2 numpy==2.2.6 \
    zarr==3.1.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import nibabel
import niizarr
import numpy as np
import zarr

warnings.simplefilter("ignore")
values = np.array([-1024, -700.5, 40, 3000], dtype=np.float32).reshape(4, 1, 1)
image = nibabel.Nifti1Image(values, np.eye(4))
image.set_data_dtype(np.int16)
nibabel.save(image, "scan.nii.gz")
niizarr.nii2zarr("scan.nii.gz", "scan.nii.zarr")
niizarr.zarr2nii("scan.nii.zarr", "back.nii.gz")
header = zarr.open("scan.nii.zarr", mode="r")["nifti"].attrs
before, after = (nibabel.load(name) for name in ("scan.nii.gz", "back.nii.gz"))
print(f"nifti-zarr {version('nifti-zarr')}, nibabel {nibabel.__version__}, zarr {zarr.__version__}")
print(f"before: {before.get_fdata().ravel().round(1).tolist()}, slope {before.dataobj.slope:.5f}")
print(f"in the Zarr: slope {header['ScaleSlope']:.5f}, inter {header['ScaleOffset']:.1f}")
print(f"after: {after.get_fdata().ravel().tolist()}, slope {after.dataobj.slope:g}")
kept = np.allclose(before.get_fdata(), values, atol=0.1) and header["ScaleSlope"] == before.dataobj.slope
stored = np.array_equal(after.get_fdata().astype(int), before.dataobj.get_unscaled())
sys.exit(0 if kept and stored and after.dataobj.slope == 1 else 1)
PYTHON
