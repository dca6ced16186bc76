"""Reads a case's scan and masks and checks them against each other, before any long computation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.cases.fit import check_on_lung
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.endings import DICOM_ENDING, NPZ_ENDING, SEGMENTATION_ENDING, ending_of
from LungUNetSegLib.io.masks.choice import Meanings
from LungUNetSegLib.io.masks.labels import Mask, read_mask
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Geometry, Volume
from LungUNetSegLib.volume.scratch import new_voxels, planes_of

OWN_EXTENT = (SEGMENTATION_ENDING, NPZ_ENDING, DICOM_ENDING)
"""Masks that may be smaller than their scan (segmentations are cropped), or that have no position of their own."""

BODY_HU = -300
MIDLINE_MM = 10.0
LEAST_VOXELS = 50
BOTH_SIDES_SHARE = 0.3
"""A label with at least this share of its voxels on the other side of the body's middle is both lungs."""


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A scan and its labels, all on the scan's grid.

    Attributes:
        ct: int16 HU.
        labels: uint8; 1 = the patient's right lung, 2 = left; or 1 = both, see `has_sides`.
        ignore: bool; undecided voxels. None if there are none.
        has_sides: Whether right and left are separate labels.
        findings: What was left out of the masks or filled in.
    """

    ct: Volume
    labels: Volume
    ignore: Volume | None = None
    has_sides: bool = True
    findings: tuple[Finding, ...] = ()


def read_pair(case: Case) -> LabelledScan:
    """Read one case.

    Raises:
        ReadError: A file that cannot be read, or a mask of other values than 0, 1 and 2.
        DataError: A mask on another grid than its scan, with its sides swapped, or one that does not lie on lung.
    """
    scan = read_scan(case.image)
    ct = scan.volume
    mask = read_mask_on(case.mask, scan, case.meanings)
    ignore = None
    if case.ignore is not None:
        undecided = read_mask_on(case.ignore, scan).labels.array
        ignore = Volume(new_voxels(undecided.shape, np.bool_), ct.geometry)
        for plane, is_undecided in zip(planes_of(undecided), planes_of(ignore.array), strict=True):
            is_undecided[:] = plane > 0
    _check_sides(mask.labels, case.mask)
    findings = mask.findings + check_on_lung(ct, mask.labels, ignore, case.mask)
    return LabelledScan(ct, mask.labels, ignore, not is_both_lungs(mask.labels, ct), findings)


def read_mask_on(path: Path, scan: Scan, meanings: Meanings | None = None) -> Mask:
    """Read a mask onto its scan's grid.

    A label image on another grid is refused rather than resampled, as it is usually a mistake.

    Args:
        path: The mask.
        scan: Its scan.
        meanings: What its structures or values are, if their names and codes do not say it.

    Raises:
        ReadError: It cannot be read.
        DataError: It is a label image on another grid.
    """
    geometry = scan.volume.geometry
    if ending_of(path, OWN_EXTENT):
        return read_mask_of(path, scan, meanings)
    mask = read_mask(path, meanings=meanings)
    own = mask.labels.geometry
    if own.matches(geometry, GRID_TOLERANCE_MM):
        return Mask(Volume(mask.labels.array, geometry), mask.findings)
    ordered, expected = (each.reordered(*each.canonical_axes()) for each in (own, geometry))
    if ordered.matches(expected, GRID_TOLERANCE_MM):
        raise DataError(
            f"{path} holds the voxels of its scan in another order (its axes are exchanged, or run the other way); save"
            " it in the scan's order."
        )
    if own.shape != geometry.shape:
        raise DataError(f"{path} has {own.shape} voxels, its scan {geometry.shape}; give the scan's own mask.")
    raise DataError(f"{path} has the same size as its scan but another position in the patient; check its header.")


def _check_sides(labels: Volume, path: Path) -> None:
    """Refuse a mask whose right lung lies on the patient's left; x grows to the left in LPS."""
    middles = []
    for value in (RIGHT_LUNG, LEFT_LUNG):
        voxels, total = 0, 0.0
        for x_mm in _lung_x_mm(labels, value):
            voxels, total = voxels + x_mm.size, total + float(x_mm.sum())
        if voxels < LEAST_VOXELS:
            return
        middles.append(total / voxels)
    if middles[0] > middles[1]:
        raise DataError(f"{path} has label 1 on the patient's left; 1 is the patient's right lung, 2 the left.")


def is_both_lungs(labels: Volume, ct: Volume) -> bool:
    """Whether label 1 stands for both lungs, as in the paper's masks."""
    if any((plane == LEFT_LUNG).any() for plane in planes_of(labels.array)):
        return False
    sparse = np.s_[::4, ::4]
    planes = zip(planes_of(ct.array), _places_x_mm(ct.geometry), strict=True)
    body = np.concatenate([x_mm[sparse][plane[sparse] > BODY_HU] for plane, x_mm in planes])
    if not body.size:
        return False
    middle_mm = np.median(body) + MIDLINE_MM
    lung = [(x_mm.size, int(np.count_nonzero(x_mm > middle_mm))) for x_mm in _lung_x_mm(labels, RIGHT_LUNG)]
    voxels, beyond = sum(size for size, _ in lung), sum(across for _, across in lung)
    return voxels > 0 and beyond > BOTH_SIDES_SHARE * voxels


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
