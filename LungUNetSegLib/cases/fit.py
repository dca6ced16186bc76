"""Checks that a mask lies on lung, by comparing it with the air inside the body, before it is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.memory import planes_of

LUNG_BELOW_HU = -400
"""Voxels below are lung, gas or air; a region of them that reaches the edge of a slice is outside the body."""

GAS_HU = -950
"""Voxels below are gas in stomach and bowel rather than lung."""

COARSE_MM = 4.0
"""Pixel distance for the check: fine enough to judge a mask's position."""

LUNG_CM2 = 30.0
"""A slice with a larger area of lung-like voxels shows lung; bowel gas has their density only at its edges."""

MISSED_SHARE = 0.15
"""A mask that leaves out a larger share of the lung in its scan is remarked upon. No correct mask of 86 cases does; air
between a raised arm and the neck looks like lung, 51 cm2 in a slice, but is at most 0.06 of all."""

MOVED_MM = 60.0
"""Range along the body in which a better position is searched."""

LEAST_FIT = 0.5
"""A mask that covers a smaller share of the air in the body, and is air to a smaller share, is remarked upon."""

LEAST_INSIDE = 0.3
"""A mask that covers the air and of which less is air may be the body rather than sick lungs."""

NO_FIT = 0.1
"""A mask below this does not lie on the lung at all, however diseased the lung is."""

GAIN = 0.02
"""Gain in DSC (with the air in the body) at another position above which a mask is refused. No correct mask of 86
cases fits better anywhere else; a shift of six slices of 1.25 mm gives 0.06."""


def check_on_lung(ct: Volume, labels: Volume, ignore: Volume | None, path: Path) -> tuple[Finding, ...]:
    """Refuse a mask that misses the lung or fits it better flipped, turned or moved; remark on poor fits and gaps.

    Args:
        ct: The scan.
        labels: The mask on its grid.
        ignore: Undecided voxels, which are left out.
        path: The mask's file.

    Raises:
        DataError: The mask is empty though the scan shows lung, or its place is wrong.
    """
    hu, mask, left_out, pixel_cm2 = _coarse(ct, labels, ignore)
    air = inside_air(hu) & ~left_out
    mask &= ~left_out
    lung = ndimage.binary_opening(air & (hu > GAS_HU), np.ones((1, 3, 3)))
    lung_cm2 = float(lung.sum(axis=(1, 2)).max()) * pixel_cm2
    if not mask.any():
        if lung_cm2 > LUNG_CM2:
            raise DataError(
                f"{path} is empty, but the scan shows up to {lung_cm2:.0f} cm2 of lung in a slice; give its mask, or"
                " leave the case out."
            )
        return ()
    most, where = max(_elsewhere(mask, air, ct.canonical().geometry.spacing_mm[0]))
    fit, best = (2 * voxels / (_count(mask) + _count(air)) for voxels in (_count(mask & air), most))
    if best > max(fit + GAIN, LEAST_FIT):
        raise DataError(
            f"{path} does not lie on the lung of its scan: it would fit better {where} (DSC with the air in the body"
            f" {best:.2f} instead of {fit:.2f}). Check its axes and its position."
        )
    covered, inside = (_count(mask & air) / max(_count(each), 1) for each in (air, mask))
    if inside >= LEAST_FIT or (covered >= LEAST_FIT and inside >= LEAST_INSIDE):
        return _left_out(lung & ~mask, mask, air, pixel_cm2)
    message = (
        f"only {100 * inside:.0f} % of the mask is air in the body, and it covers only {100 * covered:.0f} % of that"
    )
    if max(covered, inside) < NO_FIT and lung_cm2 > LUNG_CM2:
        raise DataError(f"{path} does not lie on the lung of its scan: {message}. Give this scan's own mask.")
    return (Finding("mask-off-lung", f"{message.capitalize()}. Is it this scan's mask?"),)


def _left_out(lung: Mask, mask: Mask, air: Mask, pixel_cm2: float) -> tuple[Finding, ...]:
    """Return a finding if the mask is empty in a slice between its own that shows lung, or leaves out much lung.

    Args:
        lung: Lung-like voxels outside the mask.
        mask: The mask; it is not empty.
        air: Air in the body.
        pixel_cm2: A pixel's area.
    """
    lung = ndimage.binary_opening(lung, np.ones((1, 3, 3)))
    area_cm2 = lung.sum(axis=(1, 2)) * pixel_cm2
    shows = area_cm2 > LUNG_CM2
    painted = mask.any(axis=(1, 2))
    own = np.flatnonzero(painted)
    is_gap = (shows & ~painted)[own[0] : own[-1]].any()
    share = _count(lung) / max(_count(lung) + _count(mask & air), 1)
    if not is_gap and (share <= MISSED_SHARE or not shows.any()):
        return ()
    message = (
        f"In {np.count_nonzero(shows)} of {len(shows)} slices the scan shows lung outside the mask, up to"
        f" {area_cm2.max():.0f} cm2. Is the mask painted in each slice, and in both lungs?"
    )
    return (Finding("mask-incomplete", message),)


def inside_air(hu: npt.NDArray[np.int16]) -> Mask:
    """Return lung, airways and gas: the air that does not reach the edge of its slice.

    Args:
        hu: (slice, row, column).
    """
    result = np.zeros(hu.shape, bool)
    for plane, inside in zip(hu, result, strict=True):
        parts, count = ndimage.label(plane < LUNG_BELOW_HU)
        keep = np.ones(count + 1, bool)
        keep[np.concatenate([parts[[0, -1]].ravel(), parts[:, [0, -1]].ravel(), [0]])] = False
        inside[:] = keep[parts]
    return result


def _coarse(ct: Volume, labels: Volume, ignore: Volume | None) -> tuple[npt.NDArray[np.int16], Mask, Mask, float]:
    """Return subsampled HU, mask and undecided voxels on axes (head, back, left), and a pixel's area in cm2."""
    scan = ct.canonical()
    _, row_mm, column_mm = scan.geometry.spacing_mm
    step = max(1, round(COARSE_MM / min(row_mm, column_mm)))

    def sparse(volume: Volume) -> npt.NDArray[Any]:
        return np.stack([plane[::step, ::step].copy() for plane in planes_of(volume.canonical().array)])

    mask = sparse(labels) > 0
    left_out = sparse(ignore) > 0 if ignore else np.zeros_like(mask)
    return sparse(scan), mask, left_out, row_mm * column_mm * step * step / 100


def _elsewhere(mask: Mask, air: Mask, slice_mm: float) -> Iterator[tuple[int, str]]:
    """Yield how many voxels the mask has in common with the air at other positions, and a name for each position."""
    if len(mask) > 1:
        yield _count(mask[::-1] & air), "with its slices in the opposite order"
    yield _count(mask[:, ::-1] & air), "with front and back exchanged"
    yield _count(mask[:, :, ::-1] & air), "with left and right exchanged"
    yield _count(mask[:, ::-1, ::-1] & air), "rotated by 180 degrees"
    if mask.shape[1] == mask.shape[2]:
        turned = mask.swapaxes(1, 2)
        yield _count(turned & air), "with rows and columns exchanged"
        yield _count(turned[:, ::-1] & air), "rotated by 90 degrees"
        yield _count(turned[:, :, ::-1] & air), "rotated by 90 degrees"
    for shift in range(1, min(len(mask), int(MOVED_MM / slice_mm) + 1)):
        for word, one, other in (("head", mask[:-shift], air[shift:]), ("feet", mask[shift:], air[:-shift])):
            yield _count(one & other), f"{shift} slices towards the {word}"
    for axis, (low, high) in ((1, ("front", "back")), (2, ("right", "left"))):
        for shift in range(1, mask.shape[axis] // 4):
            for sign, word in ((1, high), (-1, low)):
                moved = np.roll(mask, sign * shift, axis)
                yield _count(moved & air), f"{shift * COARSE_MM:.0f} mm towards the {word}"


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
