#!/bin/sh
# pyrametric 0.0.3's label_pyramid leaves the place of the mask out: the label image that it makes "aligned to the
# source" has the mask's scale and no translation, so that it begins at 0. A mask that begins at (100, 50, -30) mm, as
# of a region of a scan or of a scan with a position, has its objects' labels 116 mm away, and the file of
# write_label_pyramid, inside the mask's own OME-Zarr, has them there, too. A part chosen with isel, whose label "then
# matches that sub-region's geometry", gets the place of the part in the mask and none in the labels. Nothing warns.
# Expected: the mask's translation (OME-Zarr 0.5, coordinateTransformations). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyrametric==0.0.3 ome-zarr-pyramid==0.4.0 \
    tilewise-ccl==0.0.7 dyna-zarr==0.1.1 zarr==3.1.6 dask==2026.8.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import logging
import sys
from importlib.metadata import version

import numpy as np
from ome_zarr_pyramid.core.io import IO
from ome_zarr_pyramid.core.pyramid import Pyramid
from pyrametric import label_pyramid, write_label_pyramid

logging.disable(logging.INFO)
print(f"pyrametric {version('pyrametric')}, ome-zarr-pyramid {version('ome-zarr-pyramid')}, zarr {version('zarr')}")
lungs = np.zeros((20, 40, 40), dtype=np.uint8)
lungs[5:15, 5:15, 10:30] = 1
lungs[5:15, 25:35, 10:30] = 1
mask = Pyramid().from_arrays([lungs], axis_order="zyx", unit_list=["millimeter"] * 3, base_scale=[5.0, 0.7, 0.7])
mask.meta.update_translation("0", [100.0, 50.0, -30.0])
IO().write_pyramid(mask, "mask.zarr")
mask = IO().read_pyramid("mask.zarr")
labels = label_pyramid(mask)
write_label_pyramid(labels, "mask.zarr", "lungs")
part = mask.isel(z=slice(5, 15))
found = {"mask": mask.meta, "labels": labels.meta, "part": part.meta, "labels of part": label_pyramid(part).meta}
for name, meta in found.items():
    print(f"{name}: scale {meta.get_base_scale()}, translation {meta.get_base_translation()}")
stored = []
for path in ("mask.zarr", "mask.zarr/labels/lungs"):
    with open(f"{path}/zarr.json") as file:
        dataset = json.load(file)["attributes"]["ome"]["multiscales"][0]["datasets"][0]
    stored.append([transformation["type"] for transformation in dataset["coordinateTransformations"]])
    print(f"{path}: {dataset['coordinateTransformations']}")
places = [meta.get_base_translation() for meta in found.values()]
wrong = places == [[100.0, 50.0, -30.0], None, [125.0, 50.0, -30.0], None]
sys.exit(0 if wrong and stored == [["scale", "translation"], ["scale"]] else 1)
PYTHON
