"""Reads a case's scan and masks and checks them against each other, before any long computation."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LungUNetSegLib.cases.fit import check_on_lung
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.sides import check_sides, is_both_lungs, remarks_on_sides
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import Scan, read_scan
from LungUNetSegLib.io.dicom.files import files_of
from LungUNetSegLib.io.endings import DICOM_ENDING, NPZ_ENDING, SEGMENTATION_ENDING, ending_of
from LungUNetSegLib.io.images.header import data_files
from LungUNetSegLib.io.masks.choice import Meanings
from LungUNetSegLib.io.masks.of_scan import read_mask_of
from LungUNetSegLib.io.masks.placing import on_grid
from LungUNetSegLib.io.masks.read import LoadedMask, read_mask
from LungUNetSegLib.segments import RIGHT_LUNG
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Volume
from LungUNetSegLib.volume.memory import new_voxels, planes_of

logger = logging.getLogger(__name__)

OWN_EXTENT = (SEGMENTATION_ENDING, NPZ_ENDING, DICOM_ENDING)
"""Masks that may be smaller than their scan (segmentations are cropped), or that have no position of their own."""


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A scan and its labels, all on the scan's grid.

    Attributes:
        ct: int16 HU.
        labels: uint8; 1 = the patient's right lung, 2 = left; or 1 = both, see `has_sides`.
        ignore: bool; undecided voxels. None if there are none.
        has_sides: Whether right and left are separate labels.
        findings: What is odd about the scan, and what was left out of the masks or filled in.
    """

    ct: Volume
    labels: Volume
    ignore: Volume | None = None
    has_sides: bool = True
    findings: tuple[Finding, ...] = ()


def files_behind(path: Path) -> list[Path]:
    """Return all files that are read for a scan or a mask: a folder's slices, or a file and the voxels beside it.

    Raises:
        ReadError: A header names a data file that lies elsewhere, or is no ordinary file.
    """
    return files_of(path) if path.is_dir() else [path, *data_files(path)]


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
    mask, has_sides = checked(mask, ct, case.mask, ignore)
    return LabelledScan(ct, mask.labels, ignore, has_sides, scan.findings + mask.findings)


def checked(mask: LoadedMask, ct: Volume, path: Path, ignore: Volume | None = None) -> tuple[LoadedMask, bool]:
    """Refuse a mask that does not lie on the scan's lungs or has its sides swapped.

    Args:
        mask: On the scan's grid; changed in place if 2 is its label for both lungs.
        ct: The scan.
        path: The mask's file.
        ignore: Undecided voxels, which are left out.

    Returns:
        The mask, with remarks on a poor fit, missing parts and odd sides, and with 1 for both lungs if one label is
        both; and whether right and left are separate labels.

    Raises:
        DataError: The mask's place or its sides are wrong.
    """
    labels = mask.labels
    check_sides(labels, ct, path)
    remarks = check_on_lung(ct, labels, ignore, path) + remarks_on_sides(labels, ct)
    found = LoadedMask(labels, mask.findings + remarks)
    if not is_both_lungs(labels, ct):
        return found, True
    for plane in planes_of(labels.array):
        np.minimum(plane, RIGHT_LUNG, out=plane)
    return found, False


def read_mask_on(path: Path, scan: Scan, meanings: Meanings | None = None) -> LoadedMask:
    """Read a mask onto its scan's grid.

    A label image on another grid is refused rather than resampled, as it is usually a mistake; one whose voxels are
    the scan's in another order is brought to that of the scan.

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
        return LoadedMask(Volume(mask.labels.array, geometry), mask.findings)
    ordered, expected = (each.reordered(*each.canonical_axes()) for each in (own, geometry))
    if ordered.matches(expected, GRID_TOLERANCE_MM):
        labels, _ = on_grid(mask.labels, geometry, path)
        return LoadedMask(labels, mask.findings)
    if own.shape != geometry.shape:
        raise DataError(f"{path} has {own.shape} voxels, its scan {geometry.shape}; give the scan's own mask.")
    raise DataError(f"{path} has the same size as its scan but another position in the patient; check its header.")


def tell(name: str, findings: Iterable[Finding]) -> None:
    """Log what is odd about a case, so that nothing is computed from it without a word."""
    for finding in findings:
        logger.warning("%s: %s", name, finding.message)
