#!/bin/sh
# kalphacv 1.5.2's agreement of annotators (Krippendorff's alpha of boxes) is perfect where one of them saw nothing, if
# the class has the number 0: it writes 0 for an annotator without a box, so that "class 0" and "no box" agree. Two
# nodules that only the first of two readers marked have an alpha of 1, and the same boxes with the class 1, or
# "nodule", one of -0.5. With two classes each missed box of class 0 counts as agreement, too. Detection data often
# count their classes from 0. Nothing warns; its text: "class ID or class name, both is allowed". Expected: the same for
# any number. No report found. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kalphacv==1.5.2 krippendorff==0.8.1 shapely==2.1.2 \
    pillow==12.0.0 tqdm==4.67.1 scipy==1.15.3 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from kalphacv.calculate_iaa import calculate_iaa

print(f"kalphacv {version('kalphacv')}, krippendorff {version('krippendorff')}")
BOXES = [[10, 10, 20, 20], [60, 60, 15, 15]]


def alpha(kind, both):
    """The agreement on two nodules: the first reader marked both, the second both or none."""
    image = {"id": 1, "file_name": "scan", "width": 100, "height": 100, "readers": ["first", "second"]}
    marks = [
        {"id": number, "image_id": 1, "category_id": kind, "bbox": box, "reader": reader}
        for number, (reader, box) in enumerate(
            (reader, box) for reader in (["first", "second"] if both else ["first"]) for box in BOXES
        )
    ]
    data = {"images": [image], "annotations": marks}
    return float(calculate_iaa("bbox", data, "readers", "reader", [0.5], 0.6, silent=True)[0.5])


found = []
for kind in (0, 1, "nodule"):
    found.append((alpha(kind, True), alpha(kind, False)))
    print(f"class {kind!r}: alpha {found[-1][0]} if both readers mark both, {found[-1][1]} if the second marks none")
sys.exit(0 if found[0] == (1, 1) and found[1:] == [(1, -0.5)] * 2 else 1)
PYTHON
