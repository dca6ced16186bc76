#!/bin/sh
# coco-froc-analysis 0.2.15 counts a mark anywhere in the image as a found lesion: it gives pairs that don't fit a cost
# of a million, has SciPy assign marks to lesions, and counts all that are assigned, whatever they cost. SciPy assigns
# as many as there are, so a mark 290 pixels beside the only nodule of an image is a sensitivity of 1 and no false mark,
# by the box's centre as by an IoU above 0.5. In an image without a nodule the same mark is false. The more lesions an
# image has, the more wrong marks are right. Nothing warns; issue 13 (2023, closed) asks about it. Expected: a
# sensitivity of 0 and 0.5 false marks per image (two images). Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.15.3 numpy==1.26.4 matplotlib==3.10.8 \
    tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps coco-froc-analysis==0.2.15
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from coco_froc_analysis.froc.froc_curve import calc_scores, froc_point

print(f"coco-froc-analysis {version('coco-froc-analysis')}, scipy {version('scipy')}")
TRUTH = {
    "categories": [{"id": 1, "name": "nodule"}],
    "images": [{"id": 1}, {"id": 2}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20]}],
}
found = []
for place, image, box in (
    ("on the nodule", 1, [12, 12, 20, 20]),
    ("290 pixels beside it", 1, [300, 12, 20, 20]),
    ("in the other image", 2, [12, 12, 20, 20]),
):
    mark = {"image_id": image, "category_id": 1, "bbox": box, "score": 0.9}
    for by_iou in (False, True):
        counts = froc_point(TRUTH, [mark], 0.5, by_iou, 0.5)
        sensitivity, false_marks = (result[1][0] for result in calc_scores(counts, {}, {}))
        found.append((sensitivity, false_marks))
        rule = "IoU above 0.5" if by_iou else "centre in the box"
        print(f"a mark {place}, by {rule}: sensitivity {sensitivity}, false marks per image {false_marks}")
sys.exit(0 if found == [(1, 0)] * 4 + [(0, 0.5)] * 2 else 1)
PYTHON
