"""Finds slices that are not in the order of the body, as converters leave that sort files by their names.

No header tells: 1, 10, 11, ..., 2, 20 lie one slice apart like 1, 2, 3. But a slice is most like its neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.memory import planes_of

LEAST_SLICES = 10

NEAR_MM, NEAR_SLICES = 10.0, 2
"""Slices within this distance, or so many slices, are near."""

LIKER, SPIKE, LEAST_SHARE = 0.7, 0.5, 0.5
"""A slice is alien if one that is not near differs by less than `LIKER` of what all near ones differ by. In our
14 scans of 18 to 261 slices none is; sorted as texts or odd after even, all are found but one of 18 slices sorted as
texts. In the phantom, which is alike at both ends, some are, so an alien slice counts only if its two neighbours differ
by less than `SPIKE` of what it differs from both by, or if so many are."""

SHOWN_HU = (-1000, 400)
"""Metal and padding outside of this would outweigh the anatomy."""

SQUARES, POINTS = 32, 4
"""Each slice is averaged over so many squares along each axis, of so many points each way."""

CONSTANT_HU = 1.0


def out_of_order(volume: Volume) -> tuple[Finding, ...]:
    """Return a finding if slices along the first axis are out of order; the planes of `volume` are HU."""
    count = len(volume.array)
    near = max(NEAR_SLICES, int(np.ceil(NEAR_MM / volume.geometry.spacing_mm[0])))
    if count < max(LEAST_SLICES, 2 * near + 1):
        return ()
    small = np.stack([_reduced(plane) for plane in planes_of(volume.array)])
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    differences = _differences(small)
    to_near = np.where((apart > 0) & (apart <= near), differences, np.inf).min(axis=1)
    to_far = np.where(apart > near, differences, np.inf).min(axis=1)
    is_alien = (to_far < LIKER * to_near) & (small.std(axis=1) > CONSTANT_HU)
    beside, across = np.diag(differences, 1), np.diag(differences, 2)
    is_spike = np.zeros(count, bool)
    is_spike[1:-1] = across < SPIKE * np.minimum(beside[:-1], beside[1:])
    is_odd = is_alien if is_alien.mean() > LEAST_SHARE else is_alien & is_spike
    if not is_odd.any():
        return ()
    message = (
        f"{np.count_nonzero(is_odd)} of {count} slices, such as number {int(is_odd.argmax()) + 1}, look more like"
        " slices elsewhere than like their neighbours: they may be out of order, as when files are sorted by name, or"
        " shown twice. Give the original DICOM slices."
    )
    return (Finding("slices-out-of-order", message),)


def _reduced(plane: npt.NDArray[np.int16]) -> FloatArray:
    """Return the mean of each square of a slice, (n)."""
    high, wide = (max(1, size // SQUARES) for size in plane.shape)
    rows, columns = plane.shape[0] // high, plane.shape[1] // wide
    squares = plane[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    points = squares[:, :: max(1, high // POINTS), :, :: max(1, wide // POINTS)].clip(*SHOWN_HU)
    return np.asarray(points.mean(axis=(1, 3), dtype=np.float32).ravel(), np.float64)


def _differences(slices: FloatArray) -> FloatArray:
    """Return the root of the mean squared difference of each pair of n slices, (n, n)."""
    centred = slices - slices.mean(axis=0)
    squares = np.square(centred).sum(axis=1)
    summed: FloatArray = squares[:, None] + squares[None, :] - 2 * centred @ centred.T
    root: FloatArray = np.sqrt(np.maximum(summed, 0) / slices.shape[1])
    return root
