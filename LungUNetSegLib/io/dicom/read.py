"""Reads a chest CT in HU from DICOM: a folder with subfolders, a file or a list of files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import LungUNetSegError, ReadError, message_of
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom.copies import check_copies, differing
from LungUNetSegLib.io.dicom.files import READERS, existing_files, read_dataset
from LungUNetSegLib.io.dicom.first_header import check_first_header
from LungUNetSegLib.io.dicom.headers import SliceHeader, read_headers
from LungUNetSegLib.io.dicom.kinds import ADVICE, NOT_DICOM, Others
from LungUNetSegLib.io.dicom.oddities import (
    count,
    more_bits,
    more_pixels,
    projections,
    put_together,
    scale_of,
    several,
    unit_of,
    unreadable,
)
from LungUNetSegLib.io.dicom.pixels import decoded, surplus_rows, uses_more_bits
from LungUNetSegLib.io.dicom.series import Series, choose, group_series, namesakes
from LungUNetSegLib.io.dicom.stack import Layout, Stack, lay_out
from LungUNetSegLib.io.images.files import check_claim
from LungUNetSegLib.io.scan import BEYOND_SCANNER, PathInput, Scan, ScanInput, beyond_scanner, check_ct, describe
from LungUNetSegLib.volume import AIR_HU, Volume, to_hu
from LungUNetSegLib.volume.memory import let_go, new_voxels
from LungUNetSegLib.volume.resample import orthogonal

BEYOND_SLICES = 0.2
"""Share of slices with values beyond a scanner's range above which a finding is made; metal is in fewer."""

DENSEST_HU = 3071
"""The end of a 12-bit scanner's range; metal may lie beyond it, bone does not."""


@dataclass(frozen=True)
class SeriesSummary:
    """A summary of a series, as `list_series` returns it.

    Attributes:
        uid: The `series_uid` for `read_scan`.
        description: Series description.
        slices: Number of slices.
        rows, columns: Pixels of a slice.
        spacing_mm: (slice, row, column).
        is_axial: Whether its slices are axial.
    """

    uid: str
    description: str
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float]
    is_axial: bool


def read_dicom(source: ScanInput, series_uid: str | None = None) -> Scan:
    """Return one CT series as a scan.

    Args:
        source: A folder (all files below it, whatever their names), a file, or a list of files.
        series_uid: The series to read; without it the best candidate for an axial chest CT.

    Raises:
        ReadError: No CT, no such series, a damaged file, a copy with other pixels, or slices that do not form a scan.
            Says which and why.
    """
    place, series, others = _all_series(source)
    chosen = choose(series, series_uid, str(place))
    findings = unreadable(others)
    if len(series) > 1 and series_uid is None:
        findings += several(chosen, series)
    within = place if isinstance(source, (str, PathLike)) else None
    findings += differing((header for each in namesakes(chosen, series) for header in each.slices), within)
    name = f"{place} ({chosen.title})"
    try:
        layout = lay_out(chosen.stack, name)
    except ReadError as error:
        if findings and findings[0].code == "unreadable-files":  # the unreadable files may be the missing slices
            raise ReadError(f"{error} {findings[0].message}") from error
        raise
    hu, doubts = _read_pixels(chosen.stack, place)
    findings += check_copies(chosen.copies, within)
    volume = Volume(_fill_gaps(hu, chosen.stack, layout), layout.geometry)
    if not volume.geometry.is_orthogonal:
        volume = orthogonal(volume, "linear", AIR_HU)
    findings += put_together(chosen) + layout.findings + doubts + projections(chosen) + unit_of(chosen.stack)
    findings += check_first_header(chosen) + check_ct(volume, place)
    # The slices of a tilted stack keep their numbers on the straight grid.
    places = np.interp(chosen.stack.positions_mm, layout.grid_mm, np.arange(float(len(layout.grid_mm))))
    title, slices = describe(chosen.title, volume), chosen.stack.slices
    return Scan(volume, place, chosen.uid, title, findings, places, slices=slices)


def list_series(source: ScanInput) -> list[SeriesSummary]:
    """Return the CT series in a folder, the one that would be read first at the front; no pixel is read.

    Raises:
        ReadError: There is none.
    """
    _, found, _ = _all_series(source)
    return [_summary(each) for each in found]


def dicom_to_numpy(folder: PathInput) -> npt.NDArray[np.int16]:
    """Return a CT series as HU, (row, column, slice), slices by rising z: the paper's function of this name."""
    volume = read_dicom(folder).volume
    rising = volume.array if volume.geometry.affine_lps[2, 0] >= 0 else volume.array[::-1]
    return np.ascontiguousarray(np.moveaxis(rising, 0, -1))


def _all_series(source: ScanInput) -> tuple[Path, list[Series], Others]:
    """Return the source's name for messages, its series, and its other files by kind."""
    if isinstance(source, (str, PathLike)):
        place = Path(source)
        files = existing_files(place)
    else:
        paths = [Path(each) for each in source]
        if not paths:
            raise ReadError("No file was given to read a scan from.")
        place = paths[0].parent
        files = [file for path in paths for file in existing_files(path)]
    slices, others = read_headers(files)
    if not slices:
        # What stands beside other files, such as a letter, was not meant for a scan.
        alone = len(others) == 1
        advice = "".join(f" {ADVICE[kind]}" for kind in others if kind in ADVICE and (alone or kind != NOT_DICOM))
        raise ReadError(f"{place}: no CT to segment. Found: {count(others)}.{advice}")
    return place, group_series(slices), others


def _summary(series: Series) -> SeriesSummary:
    first = series.stack.slices[0]
    return SeriesSummary(
        uid=series.uid,
        description=series.title,
        slices=len(series.stack.slices),
        rows=first.rows,
        columns=first.columns,
        spacing_mm=(series.spacing_mm, *first.pixel_spacing_mm),
        is_axial=series.is_axial,
    )


def _read_pixels(stack: Stack, place: Path) -> tuple[npt.NDArray[np.int16], tuple[Finding, ...]]:
    """Decode a stack's slices to (slice, row, column) HU, and return findings on their pixels."""
    first = stack.slices[0]
    claimed = 2 * len(stack.slices) * first.rows * first.columns
    check_claim(place, claimed, claimed, deflated=False)
    hu, marks = _decode(stack.slices)
    beyond = (BEYOND_SCANNER,) if marks.is_beyond.mean() > BEYOND_SLICES else ()
    more = (*more_pixels(stack, marks.has_more_rows), *more_bits(stack, marks.has_more_bits))
    return hu, (*beyond, *scale_of(stack, hu), *more)


def hu_of(slices: Sequence[SliceHeader]) -> npt.NDArray[np.int16]:
    """Return slices of one size as (slice, row, column) HU, as `read_dicom` reads them.

    Raises:
        ReadError: One of them is missing or damaged.
    """
    return _decode(slices)[0]


@dataclass(frozen=True, eq=False)
class _Marks:
    """Marks what is odd about each of n slices, (n,).

    Attributes:
        is_beyond: Its values are beyond a scanner's range.
        has_more_rows: Its file has more pixels than it tells of.
        has_more_bits: Its values use more bits than its file tells of.
    """

    is_beyond: npt.NDArray[np.bool_]
    has_more_rows: npt.NDArray[np.bool_]
    has_more_bits: npt.NDArray[np.bool_]


def _decode(slices: Sequence[SliceHeader]) -> tuple[npt.NDArray[np.int16], _Marks]:
    """Return slices of one size as (slice, row, column) HU, and marks; beside the result a few are in memory."""
    hu = new_voxels((len(slices), slices[0].rows, slices[0].columns), np.int16)
    marks = _Marks(*np.zeros((3, len(slices)), np.bool_))
    by_file = sorted(enumerate(slices), key=lambda each: str(each[1].path))
    jobs = [list(group) for _, group in groupby(by_file, key=lambda each: each[1].path)]
    with ThreadPoolExecutor(READERS) as pool:
        for _ in pool.map(lambda job: _decode_file(job, hu, marks), jobs):
            pass
    return hu, marks


def _decode_file(job: Sequence[tuple[int, SliceHeader]], hu: npt.NDArray[np.int16], marks: _Marks) -> None:
    """Decode the slices of one file into their places in `hu`, and mark what is odd about them."""
    path = job[0][1].path
    dataset = read_dataset(path)
    if dataset is None or "PixelData" not in dataset:
        raise ReadError(f"{path}: the file is cut short or holds no image; copy or export it again.")
    try:
        frames = decoded(dataset, [header.frame or 0 for _, header in job])
        for (index, header), stored in zip(job, frames, strict=True):
            hu[index] = rescaled(stored, header.slope, header.intercept)
            is_padding = _drop_padding(stored, dataset, hu[index])
            sparse = np.s_[:: 1 + len(stored) // 64, :: 1 + stored.shape[1] // 64]
            sample = stored[sparse].astype(np.float32) * np.float32(header.slope) + np.float32(header.intercept)
            marks.is_beyond[index] = beyond_scanner(sample if is_padding is None else sample[~is_padding[sparse]])
            marks.has_more_rows[index] = surplus_rows(dataset) > 0
            marks.has_more_bits[index] = uses_more_bits(dataset, header.frame or 0)
            let_go(hu)
    except LungUNetSegError as error:
        raise ReadError(f"{path}: its image cannot be decoded: {error}.") from error
    except Exception as error:  # decoders may raise anything on damaged data
        message = f"{path}: its image cannot be decoded; is the file damaged or cut short? ({message_of(error)})"
        raise ReadError(message) from error


def rescaled(stored: npt.NDArray[np.integer], slope: float, intercept: float) -> npt.NDArray[np.int16]:
    """Return stored values as int16 HU (PS3.3 C.11.1); padding and all else below -1024 HU becomes -1024."""
    if slope == 1.0 and intercept.is_integer():
        values = stored.astype(np.int32)
        values += int(intercept)
        return to_hu(values, in_place=True)
    return to_hu(stored.astype(np.float32) * np.float32(slope) + np.float32(intercept))


def _drop_padding(
    stored: npt.NDArray[np.integer], dataset: Dataset, hu: npt.NDArray[np.int16]
) -> npt.NDArray[np.bool_] | None:
    """Make a slice's declared padding (PS3.3 C.7.5.1.1.2) air, in place, where it would read as denser than bone.

    Padding is one number, or all numbers from it to its limit. Some scanners declare signed padding such as -2000 for
    unsigned pixels, which hold it as 63536. Padding that reads as tissue is kept, as the same number may be a true
    value inside the field of view.

    Returns:
        Where it was; None if no padding is declared.
    """
    padding, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if not isinstance(padding, int):
        return None
    ends = (padding, limit if isinstance(limit, int) else padding)
    if stored.dtype.kind == "u":
        words = 1 << int(dataset.get("BitsStored") or dataset.BitsAllocated)
        ends = (ends[0] % words, ends[1] % words)
    low, high = sorted(ends)
    is_padding: npt.NDArray[np.bool_] = (stored >= low) & (stored <= high) & (hu > DENSEST_HU)
    hu[is_padding] = AIR_HU
    return is_padding


def _fill_gaps(hu: npt.NDArray[np.int16], stack: Stack, layout: Layout) -> npt.NDArray[np.int16]:
    """Interpolate slices linearly to the layout's even positions; evenly spaced slices are not changed."""
    if layout.is_exact:
        return hu
    places = np.interp(layout.grid_mm, stack.positions_mm, np.arange(len(hu)))
    result = new_voxels((len(places), *hu.shape[1:]), np.int16)
    for index, place in enumerate(places):
        below = min(int(place), len(hu) - 2)
        share = np.float32(place - below)
        result[index] = np.rint(hu[below] * (1 - share) + hu[below + 1] * share)
        let_go(hu)
        let_go(result)
    return result
