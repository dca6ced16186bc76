#!/bin/sh
# qradiomics 0.9.5's load_segment_from_seg_nrrd takes a segment's number for its layer. 3D Slicer puts segments that do
# not overlap into one layer (SegmentN_Layer), tells them apart there by SegmentN_LabelValue, and adds a layer only for
# segments that overlap. Of two lungs and a nodule in the right one, which are two layers, "right lung" is both lungs,
# "left lung" is the nodule, both without a word, and the nodule is "out of range". Its list of segments has the label
# values. slicerio 1.4.0, which wrote the file as 3D Slicer does, reads all three right. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check SimpleITK==2.5.7 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps qradiomics==0.9.5 slicerio==1.4.0 \
    pynrrd==1.1.3 typing_extensions==4.16.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import importlib.util
import sys
from importlib.metadata import distribution, version

import numpy as np
import SimpleITK as sitk
import slicerio

# The module alone: the package itself loads its command line and the rest.
path = distribution("qradiomics").locate_file("qradiomics/io/dicom/segmentations.py")
specification = importlib.util.spec_from_file_location("segmentations", path)
segmentations = sys.modules["segmentations"] = importlib.util.module_from_spec(specification)
specification.loader.exec_module(segmentations)

print(f"qradiomics {version('qradiomics')}, slicerio {version('slicerio')}, SimpleITK {sitk.Version.VersionString()}")
masks = {name: np.zeros((20, 12, 8), dtype=bool) for name in ("right lung", "left lung", "nodule")}
masks["right lung"][2:8, 2:10, 1:7] = True
masks["left lung"][12:16, 2:10, 1:7] = True
masks["nodule"][4:6, 4:6, 3:5] = True
segmentation = slicerio.create_segmentation((20, 12, 8), np.eye(4))
for name, mask in masks.items():
    slicerio.add_segment(segmentation, mask, {"id": name.replace(" ", "_"), "name": name})
slicerio.write_segmentation("lungs.seg.nrrd", segmentation)
written = slicerio.read_segmentation("lungs.seg.nrrd")
found = {}
for name, mask in masks.items():
    segment = next(segment for segment in written["segments"] if segment["name"] == name)
    layer, label = segment["layer"], segment["labelValue"]
    same = bool(np.array_equal(written["voxels"][layer] == label, mask))
    try:
        image = segmentations.load_segment_from_seg_nrrd("lungs.seg.nrrd", name)
        found[name] = int(sitk.GetArrayFromImage(image).sum()), same
    except ValueError as error:
        found[name] = str(error), same
    print(f"{name}, {mask.sum()} voxels, layer {layer}, label {label}: {found[name][0]}; right in slicerio: {same}")
ok = [number for number, same in found.values() if same][:2] == [288 + 192, 8]
ok = ok and "out of range" in str(found["nodule"])
sys.exit(0 if ok else 1)
PYTHON
