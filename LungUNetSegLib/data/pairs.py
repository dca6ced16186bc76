"""A case's scan and masks read and checked against each other, before hours are spent on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.data.cases import Case
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.resample import from_sitk
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Volume, to_hu

GRID_TOLERANCE_MM = 0.1
"""Masks were written by other programs, in headers of few decimals; this is far below a voxel."""


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A scan and what is known of it, all on the scan's grid.

    Attributes:
        ct: int16 HU.
        labels: uint8; 1 = the patient's right lung, 2 = left.
        ignore: bool; where nobody could decide. None when everywhere is decided.
    """

    ct: Volume
    labels: Volume
    ignore: Volume | None


def read_pair(case: Case) -> LabelledScan:
    """Read one case.

    Raises:
        ReadError: A file that cannot be read.
        DataError: A mask on another grid, of other values than 0, 1 and 2, or with its sides swapped.
    """
    ct = _read_scan(case.image)
    labels = _read_labels(case.mask)
    _check_grid(labels, ct, case.mask)
    values = np.unique(labels.array)
    if not np.isin(values, (0, RIGHT_LUNG, LEFT_LUNG)).all():
        found = values[:5].tolist()
        raise DataError(f"{case.mask} holds the values {found}; a mask has 0, 1 (right lung) and 2 (left lung).")
    _check_sides(labels, case.mask)
    ignore = None
    if case.ignore is not None:
        ignore = _read_labels(case.ignore)
        _check_grid(ignore, ct, case.ignore)
        ignore = Volume(ignore.array > 0, ct.geometry)
    return LabelledScan(ct, Volume(labels.array.astype(np.uint8), ct.geometry), ignore)


def _check_grid(mask: Volume, ct: Volume, path: Path) -> None:
    if mask.geometry.matches(ct.geometry, GRID_TOLERANCE_MM):
        return
    sizes = mask.geometry.shape, ct.geometry.shape
    if sizes[0] != sizes[1]:
        raise DataError(f"{path} has {sizes[0]} voxels, its scan {sizes[1]}; give the scan's own mask.")
    raise DataError(f"{path} lies elsewhere in the patient than its scan, though of the same size; check its header.")


def _check_sides(labels: Volume, path: Path) -> None:
    """Refuse a mask whose right lung lies on the patient's left; x grows to the left in LPS."""
    middles = []
    for value in (RIGHT_LUNG, LEFT_LUNG):
        voxels = np.argwhere(labels.array == value)
        if len(voxels) < 50:
            return
        middles.append(float(labels.geometry.to_lps(voxels.mean(axis=0))[0]))
    if middles[0] > middles[1]:
        raise DataError(f"{path} has label 1 on the patient's left; 1 is the patient's right lung, 2 the left.")


def _read_scan(path: Path) -> Volume:
    names = [*sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(path))] if path.is_dir() else [str(path)]
    volume = from_sitk(sitk.ReadImage(names if len(names) > 1 else names[0]))
    return Volume(to_hu(volume.array), volume.geometry)


def _read_labels(path: Path) -> Volume:
    return from_sitk(sitk.ReadImage(str(path)))
