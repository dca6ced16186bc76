"""Checks a result against anatomy: whether landmarks agree with the header's orientation.

If a header states a wrong orientation, all results are mirrored. The anatomy shows this: the spine lies behind the
lungs, most of the heart left of it, ribs descend to the front, and lungs taper to the head. Thresholds: the reviewed
masks of 14 volumes with lung give none of these findings; below LEAST_HEIGHT_MM the ribs alone are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import Labels
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.segmentation.ribs import ribs_rise_backward
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume

BONE_HU = 200

STEP_MM = (5.0, 3.0, 3.0)
LEAST_HEIGHT_MM = 100.0
"""Shorter scans show too few landmarks."""

ENDS_SHARE = 0.15
TAPER_MM = 3.0
"""Lungs may be wider at their upper end by this much; in our scans they are 23 to 34 mm narrower, the phantom's 5."""

FRONT_SHARE, SPINE_RATIO, LEAST_BONE_ML = 0.15, 1.3, 20.0
"""Largest ratio of bone in front of the lungs' middle to bone behind it; in our scans 0.13 to 0.96."""

HEART_MM = -1.0
"""The gap between the lungs may lie this far right of the spine, and further if the right lung is the larger one. In
our scans it lies 3 to 26 mm left of it; mirrored, 10 of 11 whole chests and 54 of 64 parts of chests show both signs,
and not mirrored none does."""


def contradictions(scan: Volume, labels: Volume) -> tuple[Finding, ...]:
    """Return findings where the anatomy contradicts the header: sides, front and back, head and feet.

    Args:
        scan: HU.
        labels: 1 right and 2 left lung on the same grid; with one label for both only the ribs are checked.
    """
    chest = _chest(scan, labels)
    found = list(_by_landmarks(chest)) if chest else []
    rise_backward = ribs_rise_backward(scan, labels)
    if rise_backward is None:
        upside_down = _taper(chest.lungs, chest.spacing_mm) if chest and chest.is_whole else None
    else:
        upside_down = _by_ribs(rise_backward, is_turned=any(finding.code == "spine-in-front" for finding in found))
    return (*found, *((upside_down,) if upside_down else ()))


@dataclass(frozen=True, eq=False)
class _Chest:
    """The slices with lung of a scan that shows landmarks, thinned; whole if there are slices beyond both ends."""

    hu: npt.NDArray[np.int16]
    lungs: Labels
    spacing_mm: tuple[float, ...]
    is_whole: bool


def _by_landmarks(chest: _Chest) -> Iterator[Finding]:
    for check in (_front_and_back, _sides):
        if finding := check(chest.hu, chest.lungs, chest.spacing_mm):
            yield finding


def _chest(scan: Volume, labels: Volume) -> _Chest | None:
    """Return what the landmarks are looked for in; None if it is too low, or does not tell right from left."""
    thinned = labels.thinned(STEP_MM)
    hu, lungs, spacing_mm = scan.thinned(STEP_MM).array, thinned.array, thinned.geometry.spacing_mm
    used = np.flatnonzero(lungs.any(axis=(1, 2)))
    has_both = all((lungs == side).any() for side in (RIGHT_LUNG, LEFT_LUNG))
    if not has_both or len(used) * spacing_mm[0] < LEAST_HEIGHT_MM:
        return None
    place = slice(used[0], used[-1] + 1)
    return _Chest(hu[place], lungs[place], spacing_mm, bool(used[0] > 0 and used[-1] < len(lungs) - 1))


def _middle(lungs: Labels) -> float:
    """Return the column between both lungs."""
    columns = np.arange(lungs.shape[2])
    counts = [np.count_nonzero(lungs == side, axis=(0, 1)) for side in (RIGHT_LUNG, LEFT_LUNG)]
    return float(np.mean([np.average(columns, weights=count) for count in counts]))


def _depths(lungs: Labels) -> tuple[float, float]:
    """Return the first and last row of the lungs, without their outermost hundredths."""
    # Small integers: a list of the voxels' positions would take more memory than the scan.
    rows = np.repeat(np.arange(lungs.shape[1], dtype=np.int16), np.count_nonzero(lungs, axis=(0, 2)))
    front, back = np.percentile(rows, (1, 99))
    return float(front), float(back)


def _near(middle: float, distance_mm: float, column_mm: float) -> slice:
    reach = distance_mm / column_mm
    return slice(max(0, int(middle - reach)), int(middle + reach) + 1)


def _front_and_back(hu: npt.NDArray[np.int16], lungs: Labels, spacing_mm: tuple[float, ...]) -> Finding | None:
    """Check whether the bone in the body's middle lies in front of the lungs, where the sternum is, and not behind."""
    front, back = _depths(lungs)
    bone = (hu[:, :, _near(_middle(lungs), 30.0, spacing_mm[2])] > BONE_HU).sum(axis=(0, 2))
    rows, margin = np.arange(len(bone)), FRONT_SHARE * (back - front)
    before, behind = bone[rows < front + margin].sum(), bone[rows > back - margin].sum()
    voxel_ml = float(np.prod(spacing_mm)) / 1000
    if before * voxel_ml < LEAST_BONE_ML or before <= SPINE_RATIO * behind:
        return None
    return Finding(
        "spine-in-front",
        "The spine seems to lie in front of the lungs: the file's front and back are probably swapped, and with them"
        " perhaps right and left. Check the patient's orientation.",
    )


def _sides(hu: npt.NDArray[np.int16], lungs: Labels, spacing_mm: tuple[float, ...]) -> Finding | None:
    """Check whether the heart's gap between the lungs lies right of the spine, and the right lung is smaller."""
    front, back = _depths(lungs)
    height = back - front
    near = _near(_middle(lungs), 60.0, spacing_mm[2])
    bone = (hu[:, int(back - 0.3 * height) :, near] > BONE_HU).sum(axis=(0, 1))
    if not bone.any():
        return None
    spine = float(np.average(np.arange(len(bone)), weights=bone)) + near.start
    lower = lungs[: max(1, int(0.6 * len(lungs))), int(front) : int(front + 0.6 * height)]
    right, left = lower == RIGHT_LUNG, lower == LEFT_LUNG
    both = right.any(axis=2) & left.any(axis=2)
    if not both.any():
        return None
    last_right = lower.shape[2] - 1 - right[:, :, ::-1].argmax(axis=2)[both]
    first_left = left.argmax(axis=2)[both]
    widths = np.maximum(first_left - last_right, 0)
    if not widths.any():
        return None
    heart_mm = (float(np.average((last_right + first_left) / 2, weights=widths)) - spine) * spacing_mm[2]
    if heart_mm >= HEART_MM or np.count_nonzero(lungs == RIGHT_LUNG) >= np.count_nonzero(lungs == LEFT_LUNG):
        return None
    return Finding(
        "heart-on-the-right",
        f"The heart seems to lie {-heart_mm:.0f} mm right of the spine and the right lung is the smaller one: the"
        " file's sides are swapped, or the heart is displaced. Check right and left.",
    )


def _by_ribs(rise_backward: bool, *, is_turned: bool) -> Finding | None:
    """Check whether the ribs descend from the spine; it lies behind, or in front if front and back are swapped."""
    if rise_backward != is_turned:
        return None
    if is_turned:
        return _upside_down("The ribs descend to the spine", "head and feet")
    return _upside_down("The ribs descend to the back", "head and feet, or its front and back,")


def _taper(lungs: Labels, spacing_mm: tuple[float, ...]) -> Finding | None:
    """Check whether lungs that end within the scan are wider at the upper end than at the lower one."""
    middle, count = _middle(lungs), max(1, int(ENDS_SHARE * len(lungs)))
    away = np.abs(np.arange(lungs.shape[2]) - middle)
    ends = (np.count_nonzero(part, axis=(0, 1)) for part in (lungs[:count], lungs[-count:]))
    lower, upper = (np.average(away, weights=each) for each in ends)
    if float(upper - lower) * spacing_mm[2] <= TAPER_MM:
        return None
    return _upside_down("The lungs are wider at their upper end than at their lower one", "head and feet")


def _upside_down(seen: str, what: str) -> Finding:
    return Finding(
        "lungs-upside-down",
        f"{seen}: the file's {what} are probably swapped, and with them perhaps right and left. Check the patient's"
        " orientation.",
    )
