"""Tells on which side of the patient a mask's labels lie: right, left, or both lungs as one label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import BODY_HU, Geometry, Volume
from LungUNetSegLib.volume.memory import planes_of

MIDLINE_MM = 10.0
"""A voxel is on the other side if it lies farther than this beyond the body's middle, over which lungs reach."""

LEAST_VOXELS = 50
"""A label with fewer is stray, and says nothing of sides."""

BOTH_SIDES_SHARE = 0.3
"""A label with a larger share of its voxels on the other side of the body's middle is both lungs if it is the only one.
Beside another it is remarked upon. The largest share in 84 labels of 43 correct masks is 0.03, but for one slice
at the tip of the lungs with 0.39."""

OTHER_SIDE_SHARE = 0.9
"""A label with at least this share of its voxels on the other side of the body's middle is the other lung."""


def check_sides(labels: Volume, ct: Volume, path: Path) -> None:
    """Refuse a mask whose right lung lies on the patient's left, or the other way round.

    Args:
        labels: 1 = right lung, 2 = left; or one label for both.
        ct: The scan, on the same grid.
        path: The mask's file.

    Raises:
        DataError: Both labels are swapped, or the only one is the other lung.
    """
    used = [value for value in (RIGHT_LUNG, LEFT_LUNG) if _count(labels, value) >= LEAST_VOXELS]
    if len(used) == 2:
        # x grows to the left in LPS.
        is_swapped = _middle_mm(labels, RIGHT_LUNG) > _middle_mm(labels, LEFT_LUNG)
    else:
        is_swapped = any(_share_across(labels, ct, value) >= OTHER_SIDE_SHARE for value in used)
    if is_swapped:
        value, side = (LEFT_LUNG, "right") if used == [LEFT_LUNG] else (RIGHT_LUNG, "left")
        raise DataError(f"{path} has label {value} on the patient's {side}; 1 is the patient's right lung, 2 the left.")


def remarks_on_sides(labels: Volume, ct: Volume) -> tuple[Finding, ...]:
    """Return a finding for each of two labels that lies on both sides: both lungs beside something else, or a lobe."""
    values = {RIGHT_LUNG: ("right", "left"), LEFT_LUNG: ("left", "right")}
    if any(_count(labels, value) < LEAST_VOXELS for value in values):
        return ()
    shares = {value: _share_across(labels, ct, value) for value in values}
    return tuple(
        Finding(
            "label-across",
            f"Label {value} is read as the {values[value][0]} lung, but {100 * share:.0f} % of it lies on the patient's"
            f" {values[value][1]}. If it is something else, say what each value is (--map"
            f" {value}={values[value][1] if share >= OTHER_SIDE_SHARE else 'both'} on the command line).",
        )
        for value, share in shares.items()
        if share > BOTH_SIDES_SHARE
    )


def is_both_lungs(labels: Volume, ct: Volume) -> bool:
    """Whether a mask's only label stands for both lungs, as 1 does in the paper's masks."""
    used = [value for value in (RIGHT_LUNG, LEFT_LUNG) if _count(labels, value)]
    return len(used) == 1 and _share_across(labels, ct, used[0]) > BOTH_SIDES_SHARE


def _share_across(labels: Volume, ct: Volume, value: int) -> float:
    """Return the share of one label's voxels that lie beyond the body's median place, seen from that label's side."""
    sparse = np.s_[::4, ::4]
    planes = zip(planes_of(ct.array), _places_x_mm(ct.geometry), strict=True)
    body = np.concatenate([x_mm[sparse][plane[sparse] > BODY_HU] for plane, x_mm in planes])
    if not body.size:
        return 0.0
    outwards = 1 if value == RIGHT_LUNG else -1
    least = outwards * float(np.median(body)) + MIDLINE_MM
    beyond = sum(int(np.count_nonzero(outwards * x_mm > least)) for x_mm in _lung_x_mm(labels, value))
    return beyond / max(_count(labels, value), 1)


def _count(labels: Volume, value: int) -> int:
    return sum(int(np.count_nonzero(plane == value)) for plane in planes_of(labels.array))


def _middle_mm(labels: Volume, value: int) -> float:
    total = sum(float(x_mm.sum()) for x_mm in _lung_x_mm(labels, value))
    return total / _count(labels, value)


def _lung_x_mm(labels: Volume, value: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield for each slice where the voxels of one label lie, from the patient's right to the left."""
    for plane, x_mm in zip(planes_of(labels.array), _places_x_mm(labels.geometry), strict=True):
        yield x_mm[plane == value]


def _places_x_mm(geometry: Geometry) -> Iterator[npt.NDArray[np.float32]]:
    """Yield for each slice where its pixels lie, (H, W): of the whole scan at once these would be twice its size."""
    depth, height, width = geometry.shape
    x_mm = geometry.affine_lps[0]
    first = np.add.outer(x_mm[1] * np.arange(height), x_mm[2] * np.arange(width)) + x_mm[3]
    for number in range(depth):
        yield (first + x_mm[0] * number).astype(np.float32)
