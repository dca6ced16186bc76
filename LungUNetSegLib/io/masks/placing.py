"""Brings a label map onto its scan's grid: as it is, shifted by whole voxels, or resampled."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.masks.loss import check_loss
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.memory import new_voxels, planes_of
from LungUNetSegLib.volume.resample import resample

WHOLE_VOXELS = 1e-3
"""Greatest difference of two grids' distance from whole voxels, for labels that are shifted and not resampled."""


def on_grid(labels: Volume, reference: Geometry, path: Path) -> tuple[Volume, tuple[Finding, ...]]:
    """Return labels on the scan's grid, and a finding if some of them lie outside the scan.

    Args:
        labels: uint8.
        reference: The scan's grid.
        path: The labels' file, for messages.

    Raises:
        ReadError: A good part of them lies outside the scan.
    """
    if labels.geometry is reference:
        return labels, ()
    if labels.geometry.matches(reference):
        return Volume(labels.array, reference), ()
    moved = _shifted(labels, reference) or resample(labels, reference, "nearest")
    before_ml = _voxels(labels.array) * labels.geometry.voxel_volume_ml
    after_ml = _voxels(moved.array) * reference.voxel_volume_ml
    return moved, check_loss(after_ml, before_ml, "ml", path)


def _voxels(array: npt.NDArray[np.generic]) -> int:
    return sum(int(np.count_nonzero(plane)) for plane in planes_of(array))


def _shifted(labels: Volume, reference: Geometry) -> Volume | None:
    """Return labels on a grid that is theirs but for whole voxels before and behind; None for other grids.

    Slicer crops a segmentation so. `resample` gives the same, and needs the labels in memory several times.
    """
    corners = np.array(list(itertools.product(*((0, max(1, size - 1)) for size in labels.geometry.shape))))
    steps = reference.to_index(labels.geometry.to_lps(corners)) - corners
    first = np.rint(steps[0]).astype(int)
    if np.abs(steps - first).max() > WHOLE_VOXELS:
        return None
    low = first.clip(0, reference.shape)
    high = (first + labels.geometry.shape).clip(low, reference.shape)
    box, own = (tuple(map(slice, low - start, high - start)) for start in (np.zeros(3, int), first))
    array = new_voxels(reference.shape, labels.array.dtype)
    for plane in planes_of(array):
        plane[:] = 0
    for plane, cropped in zip(planes_of(array[box]), planes_of(labels.array[own]), strict=True):
        plane[:] = cropped
    return Volume(array, reference)
