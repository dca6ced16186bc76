"""How much of what a network missed a few scribbles bring back, and how long that takes.

    python benchmarks/repair.py --data DATA --runs docs/model_card/folds/coarse_view

Every volume is segmented by the network that did not see its patient (held_out.py). Each connected part of a lung that
is missing, 10 ml and more without what lies along outlines, gets scribbles as a user would draw them: in every third
slice a line through the middle of the part, 3 pixels wide, two thirds as long as it. Then the lung is filled.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from held_out import HeldOut
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.metrics import count
from LungUNetSegLib.segmentation.repair import fill_lung
from LungUNetSegLib.segments import LUNGS

LEAST_ML = 10.0
EVERY = 3
OUTLINE_PIXELS = 3
SHORTENED = 0.17
"""The share of the line that is left out at each end."""


def missing_parts(found: Mask, reference: Mask, voxel_ml: float) -> list[Mask]:
    """Return the parts of (D, H, W) lungs that are missing and large enough."""
    missing = ndimage.binary_opening(reference & ~found, iterations=OUTLINE_PIXELS)
    parts, number = ndimage.label(missing)
    return [parts == each for each in range(1, number + 1) if np.count_nonzero(parts == each) * voxel_ml >= LEAST_ML]


def scribbled(part: Mask) -> Mask:
    """Return lines through the middle of a part's largest piece in every third slice, along its longest axis."""
    marks = np.zeros_like(part)
    for number in np.flatnonzero(part.any(axis=(1, 2)))[::EVERY]:
        pieces, _ = ndimage.label(part[number])
        points = np.argwhere(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
        middle = points.mean(axis=0)
        along = np.linalg.svd(points - middle, full_matrices=False)[2][0]
        ends = np.quantile((points - middle) @ along, [SHORTENED, 1 - SHORTENED])
        line = np.rint(middle + np.linspace(*ends, 200)[:, None] * along).astype(int)
        for row, column in line:
            marks[number, row - 1 : row + 2, column - 1 : column + 2] = True
    return marks & part


def main() -> None:
    """Print a line for each missing part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    arguments = parser.parse_args()
    print("| case | lung | missing ml | slices | scribbled | DSC before | after | added ml | of it right | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        held_out = HeldOut(arguments.data, arguments.runs, Path(scratch))
        for case, pair in held_out.volumes():
            labels, reference, scan = held_out.segment(case, pair.ct).labels, pair.labels.array, pair.ct
            voxel_ml = labels.geometry.voxel_volume_ml
            for lung in LUNGS:
                truth = reference == lung.label
                for part in missing_parts(labels.array == lung.label, truth, voxel_ml):
                    marks = scribbled(part)
                    started = time.perf_counter()
                    filled = fill_lung(scan, labels, marks, lung.label)
                    seconds = time.perf_counter() - started
                    added = (filled.array == lung.label) & (labels.array != lung.label)
                    before, after = (float(count(each.array == lung.label, truth).dsc) for each in (labels, filled))
                    cells = [
                        case.case_id,
                        lung.name,
                        f"{np.count_nonzero(part) * voxel_ml:.0f}",
                        str(len(labels.array)),
                        str(int(marks.any(axis=(1, 2)).sum())),
                        f"{before:.3f}",
                        f"{after:.3f}",
                        f"{np.count_nonzero(added) * voxel_ml:.0f}",
                        f"{np.count_nonzero(added & truth) / max(1, np.count_nonzero(added)):.0%}",
                        f"{seconds:.2f}",
                    ]
                    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
