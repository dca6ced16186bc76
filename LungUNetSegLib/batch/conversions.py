"""Recognises scans that lie in several formats, such as DICOM beside the NIfTI file that was made of it.

Only scans of different formats are opened, and only if both have one grid when they are turned to the body's axes.
They are one scan if a few slices from the first to the last hold the same HU: reconstructions and phases have one grid
too, and other noise.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.batch.candidates import Candidate, sampled_numbers
from LungUNetSegLib.batch.find import unpack
from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.io.dicom.read import hu_of
from LungUNetSegLib.io.images.itk_files import read_values
from LungUNetSegLib.io.images.metaimage import is_metaimage
from LungUNetSegLib.io.images.nifti import is_nifti
from LungUNetSegLib.volume import AIR_HU, GRID_TOLERANCE_MM, Geometry, Volume, to_hu

ROUNDED_MM = 0.01
"""By how much slices may lie farther apart in a converted file: dcm2niix measures from the first to the second, and
many headers round positions so."""


def conversions(scans: Sequence[Candidate], index: HeaderIndex) -> Iterator[tuple[Candidate, list[Candidate]]]:
    """Yield the scans that lie in other formats too, each with these; the first that is met is the original.

    Args:
        scans: DICOM series, then image files.
        index: Keeps what was found of each scan's slices.
    """
    if len({_format(each) for each in scans}) < 2:
        return
    grids = {each.key: each.geometry.reordered(*each.geometry.canonical_axes()) for each in scans if each.geometry}
    for alike in grouped((each for each in scans if each.key in grids), lambda each: grids[each.key].shape):
        if len({_format(each) for each in alike}) > 1:
            yield from _of_one_size(alike, [grids[each.key] for each in alike], index)


def _of_one_size(
    scans: Sequence[Candidate], grids: Sequence[Geometry], index: HeaderIndex
) -> Iterator[tuple[Candidate, list[Candidate]]]:
    """Yield originals and their copies among scans of one size."""
    corners = np.stack([each.corners_lps() for each in grids]).reshape(-1, 2, 4, 3)
    copies: dict[int, list[Candidate]] = {}
    for number, scan in enumerate(scans):
        originals = [*copies]
        near = compress(originals, _have_one_grid(corners[originals], corners[number], grids[number].shape[0]))
        original = next((each for each in near if _are_one_scan(scans[each], scan, index)), None)
        if original is None:
            copies[number] = []
        else:
            copies[original].append(scan)
    yield from ((scans[number], own) for number, own in copies.items() if own)


def _have_one_grid(some: FloatArray, other: FloatArray, slices: int) -> npt.NDArray[np.bool_]:
    """Return which grids equal another one.

    Args:
        some: (grid, 2, 4, 3) LPS mm of the corners of each first and last slice.
        other: (2, 4, 3), of one grid.
        slices: How many each has.
    """
    ends_mm = np.abs(some - other).max(axis=(2, 3))
    farthest_mm = GRID_TOLERANCE_MM + ROUNDED_MM * slices
    is_same: npt.NDArray[np.bool_] = (ends_mm.min(axis=1) <= GRID_TOLERANCE_MM) & (ends_mm.max(axis=1) <= farthest_mm)
    return is_same


def _format(scan: Candidate) -> str:
    path = Path(scan.files[0].name)
    if scan.study:
        return "DICOM"
    return "NIfTI" if is_nifti(path) else "MetaImage" if is_metaimage(path) else "NRRD"


def _are_one_scan(one: Candidate, other: Candidate, index: HeaderIndex) -> bool:
    return _format(one) != _format(other) and _hash(one, index) == _hash(other, index)


def _hash(scan: Candidate, index: HeaderIndex) -> str:
    """Return a hash of the sampled slices of a scan, as they are in HU and from feet to head."""
    try:
        return index.known_content(f"{scan.fingerprint} {scan.series} slices", partial(_slices_hash, scan))
    except (ReadError, OSError, MemoryError):  # it is no copy of anything; when it is read, that is said
        return f"damaged {scan.key}"


def _slices_hash(scan: Candidate) -> str:
    with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder:
        slices = _of_series(scan, Path(folder)) if scan.study else _of_image(scan, Path(folder))
    return hashlib.sha256(np.ascontiguousarray(slices).data).hexdigest()


def _of_series(scan: Candidate, folder: Path) -> npt.NDArray[Any]:
    wanted = {str(each.path) for each in scan.sampled}
    files = [each for each in scan.files if each.name in wanted]
    paths = {file.name: path for file, path in zip(files, unpack(files, folder), strict=True)}
    hu = hu_of([replace(each, path=paths[str(each.path)]) for each in scan.sampled])
    assert scan.geometry is not None  # else it is not compared
    return Volume(hu, Geometry(hu.shape, scan.geometry.affine_lps)).canonical().array


def _of_image(scan: Candidate, folder: Path) -> npt.NDArray[Any]:
    volume, _ = read_values(unpack(scan.files, folder)[0], "linear", AIR_HU)
    array = volume.canonical().array
    return to_hu(array[sampled_numbers(len(array))])
