"""Whether a header that swaps head and feet, or front and back, is noticed in a part of a chest.

    python benchmarks/lying_headers.py --data DATA [--model NAME|FOLDER]

Segments the middle of each volume's lungs but the demo's sample, 80 mm of slices about 5 mm apart, as it is and with
the voxels reversed under the same header; then the whole lungs as they are. Prints the findings, then in how many
volumes the orientation was doubted. Takes about three minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from missed_backs import thinned_volumes

from LungUNetSegLib.models.model import DEFAULT_MODEL, load_model
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.volume import Geometry, Volume

HEIGHT_MM = 80.0
CODES = {"spine-in-front", "heart-on-the-right", "lungs-upside-down"}

REVERSED: dict[str, tuple[int, ...]] = {
    "as it is": (),
    "head and feet swapped": (0,),
    "feet first, the header head first": (0, 2),
    "front and back swapped": (1,),
}
"""Axes (head, back, left) along which the voxels are reversed."""


def main() -> None:
    """Segment and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    segmenter = Segmenter(load_model(arguments.model), "onnxruntime", "cpu")
    doubted, volumes = Counter[str](), 0
    for case, scan, lungs in thinned_volumes(arguments.data):
        volumes += 1
        part = _middle(scan, np.flatnonzero(lungs.array.any(axis=(1, 2))))
        views = {name: _reversed(part, axes) for name, axes in REVERSED.items()} | {"the whole lungs": scan}
        for name, view in views.items():
            codes = CODES & {finding.code for finding in segmenter.segment(view).findings}
            doubted[name] += bool(codes)
            print(f"{case}, {name}: {', '.join(sorted(codes)) or '-'}", flush=True)
    print("\n| | doubted in |\n|---|---|")
    for name in (*REVERSED, "the whole lungs"):
        print(f"| {name} | {doubted[name]} of {volumes} |")


def _middle(scan: Volume, slices: npt.NDArray[np.intp]) -> Volume:
    """Return the slices in the middle of those with lung, on an upright grid of their own."""
    half = round(HEIGHT_MM / 2 / scan.geometry.spacing_mm[0])
    middle = (slices[0] + slices[-1]) // 2
    array = scan.array[max(0, middle - half) : middle + half]
    return Volume(array, Geometry.axial(array.shape, scan.geometry.spacing_mm))


def _reversed(volume: Volume, axes: tuple[int, ...]) -> Volume:
    return Volume(np.ascontiguousarray(np.flip(volume.array, axes)), volume.geometry)


if __name__ == "__main__":
    main()
