"""Recognises copies of DICOM images, and images that have the identifiers of others and are no copies of them.

Copies of one image have the same SOP Instance UID, frame and instance number, lie at the same place, and hold the same
values. One of them is used. Folders whose images have the same identifiers and lie elsewhere are separate scans. A copy
with other values is an error: nothing tells which of the two is the original.
"""

from __future__ import annotations

import filecmp
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.io.dicom.files import READERS, read_dataset
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom.pixels import decoded
from LungUNetSegLib.io.dicom.stack import SAME_PLACE_MM
from LungUNetSegLib.texts import listed

ORIENTATION_TOLERANCE = 0.02
"""Greatest difference in the directions of one scan's slices: 1.1 degrees; some headers jitter by less."""

Slices = list[SliceHeader]

_Numbers = tuple[float, ...] | list[list[float]]


class Copy(NamedTuple):
    """An image that is stored twice.

    Attributes:
        original: The one that is used.
        copy: The one that is not.
    """

    original: SliceHeader
    copy: SliceHeader


def same_frame(one: SliceHeader, other: SliceHeader) -> bool:
    """Whether two slices have the same size, pixel spacing and orientation."""
    return (
        (one.rows, one.columns) == (other.rows, other.columns)
        and _alike(one.pixel_spacing_mm, other.pixel_spacing_mm, rtol=1e-3)
        and _alike(one.orientation.tolist(), other.orientation.tolist(), atol=ORIENTATION_TOLERANCE)
    )


def _alike(one: _Numbers, other: _Numbers, *, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether numbers are close: NumPy is slow with so few, so it is asked only if they are not equal."""
    return one == other or np.allclose(one, other, rtol=rtol, atol=atol)


def _same_place(one: SliceHeader, other: SliceHeader) -> bool:
    return bool(np.abs(one.position - other.position).max() <= SAME_PLACE_MM) and same_frame(one, other)


def _image(header: SliceHeader) -> Hashable:
    """Return what identifies an image, unless a program gave all images of a series the same identifiers."""
    return header.sop_uid, header.frame, header.instance


def share_images(some: Iterable[SliceHeader], others: Iterable[SliceHeader]) -> bool:
    """Whether slices in different folders have the same identifiers."""
    here, there = list(some), list(others)
    is_apart = {each.path.parent for each in here}.isdisjoint(each.path.parent for each in there)
    return is_apart and not {_image(each) for each in here}.isdisjoint(_image(each) for each in there)


def by_version(slices: Slices) -> list[Slices]:
    """Separate folders that have the same images at other places, by their identifiers.

    Args:
        slices: Of one series, patient and study.

    Returns:
        The slices as they came if no folder contradicts another.
    """
    folders = grouped(slices, lambda each: each.path.parent)
    if len(folders) == 1 or len({_image(each) for each in slices}) == 1:
        return [slices]
    versions: list[dict[Hashable, Slices]] = []
    for own in folders:
        version = next((each for each in versions if not any(_contradicts(one, each) for one in own)), None)
        if version is None:
            versions.append(version := {})
        for one in own:
            version.setdefault(_image(one), []).append(one)
    if len(versions) == 1:
        return [slices]
    return [[one for images in version.values() for one in images] for version in versions]


def _contradicts(one: SliceHeader, version: dict[Hashable, Slices]) -> bool:
    others = version.get(_image(one), ())
    return bool(others) and not any(_same_place(one, each) for each in others)


def without_copies(slices: Iterable[SliceHeader]) -> tuple[Slices, list[Copy]]:
    """Return the slices without copies, the first of each kept, and the copies by their headers; no pixel is read."""
    images: dict[Hashable, Slices] = {}
    kept, copies = [], []
    for each in slices:
        same = images.setdefault(_image(each), [])
        original = next((one for one in same if _same_place(one, each)), None)
        if original is None:
            same.append(each)
            kept.append(each)
        else:
            copies.append(Copy(original, each))
    return kept, copies


def check_copies(copies: Sequence[Copy], within: Path | None = None) -> tuple[Finding, ...]:
    """Compare copies with their originals, file by file, and return a finding.

    Args:
        copies: From `without_copies`.
        within: The folder that was searched; copies' folders below it are named.

    Raises:
        ReadError: A copy has other values than its original, or one of them cannot be read.
    """
    if not copies:
        return ()
    by_files: dict[tuple[Path, Path], list[Copy]] = {}
    for each in copies:
        by_files.setdefault((each.original.path, each.copy.path), []).append(each)
    with ThreadPoolExecutor(READERS) as pool:
        for (original, copy), is_same in zip(by_files, pool.map(_hold_the_same, by_files.values()), strict=True):
            if not is_same:
                raise ReadError(
                    f"{copy}: has the SOP Instance UID of {original}, but other pixels, or is damaged. Which of them is"
                    " right is not known: give a folder that holds only one of them."
                )
    what = f"{len(by_files)} files are copies of others" if len(by_files) > 1 else "1 file is a copy of another"
    message = f"{what}{_folders((each.copy for each in copies), within)}; each image was used once."
    return (Finding("copied-files", message),)


def _hold_the_same(copies: Sequence[Copy]) -> bool:
    """Whether a file holds the same HU as another: by its bytes, or decoded where an archive stored it otherwise."""
    original, copy = (each.path for each in copies[0])
    try:
        if filecmp.cmp(original, copy, shallow=False):
            return True
        pairs = zip(_hu([each.original for each in copies]), _hu([each.copy for each in copies]), strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)
    except Exception:  # decoders may raise anything on damaged data
        return False


def _hu(frames: Sequence[SliceHeader]) -> Iterator[FloatArray]:
    """Yield the HU of some frames of one file, (row, column)."""
    dataset = read_dataset(frames[0].path)
    if dataset is None:
        raise ReadError(f"{frames[0].path}: is not DICOM any longer.")
    for header, stored in zip(frames, decoded(dataset, [each.frame or 0 for each in frames]), strict=True):
        yield header.slope * stored.astype(np.float64) + header.intercept


def differing(slices: Iterable[SliceHeader], within: Path | None = None) -> tuple[Finding, ...]:
    """Return a finding on images that have a scan's identifiers and are not its copies.

    Args:
        slices: These images; no finding is made if there are none.
        within: The folder that was searched; their folders below it are named.
    """
    found = list(slices)
    if not found:
        return ()
    message = (
        f"Other images ({len(found)}){_folders(found, within)} have the SOP Instance UIDs of this scan's, but another"
        " position, size or spacing. They were treated as another scan; which of the two is right is not known."
    )
    return (Finding("copies-differ", message),)


def _folders(slices: Iterable[SliceHeader], within: Path | None) -> str:
    folders = dict.fromkeys(each.path.parent for each in slices)
    names = [str(each.relative_to(within)) for each in folders if within is not None and each.is_relative_to(within)]
    return f" (in {listed(names)})" if names and names != ["."] else ""
