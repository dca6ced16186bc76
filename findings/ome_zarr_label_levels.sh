#!/bin/sh
# ome-zarr 0.18.0 (the newest for Python 3.11; the same lines are in 0.21.0) writes coarse levels of a label map that
# lie beside those of its image: each voxel of a level holds the label of the last voxel of its block, and the metadata
# say that it lies at the block's centre. At a factor of 16 that is 7.5 voxels off along each axis, one way, so that the
# labels seem to lie too low; the image's levels are averages and right. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip="$folder/venv/bin/pip --disable-pip-version-check install --quiet"
$pip "dask[array]==2026.8.0" scikit-image==0.26.0 zarr==3.1.6 ome-zarr-models==1.7 numpy==2.2.6 scipy==1.15.3 \
    Deprecated aiohttp rangehttpserver requests toolz
$pip --no-deps ome-zarr==0.18.0 # it would install clients of cloud storage too
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
import zarr
from ome_zarr.writer import write_image, write_labels

warnings.simplefilter("ignore")
numbers = np.broadcast_to(np.arange(64, dtype=np.uint16), (4, 4, 64)).copy()  # each voxel holds its own x
group = zarr.open_group("scan.zarr", mode="w")
write_image(numbers.astype(np.float32), group, axes="zyx")
write_labels(numbers, group, name="parts", axes="zyx")
print(f"ome-zarr {version('ome-zarr')}, zarr {zarr.__version__}, numpy {np.__version__}")
offsets = {}
for name, levels in (("image", group), ("labels", group["labels/parts"])):
    attributes = dict(levels.attrs)
    for level in attributes.get("ome", attributes)["multiscales"][0]["datasets"]:
        scale, shift = (step[step["type"]][-1] for step in level["coordinateTransformations"])
        held = levels[level["path"]][0, 0].astype(float)
        said = shift + scale * np.arange(len(held))
        offsets.setdefault(name, []).append(float((held - said).mean().round(2)))
        print(f"{name} {level['path']}: scale {scale:g}, said x {said[:3]}, holds x {held[:3].round(2)}")
print(f"mean offset by level: {offsets}")
right = [abs(offset) < 0.05 for offset in offsets["image"]]
sys.exit(0 if all(right) and offsets["labels"] == [0, 0.5, 1.5, 3.5, 7.5] else 1)
PYTHON
