"""Converts headers to JSON texts for the index and back; also a process that reads lists of files, one a line.

A text is a list of slices (a file with CT), a sentence (a kind of file that is none), or an object (an image file).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from pydicom.multival import MultiValue

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.files import read_dataset
from LungUNetSegLib.io.dicom.headers import SliceHeader, read_header
from LungUNetSegLib.io.endings import image_ending
from LungUNetSegLib.io.images.header import read_geometry
from LungUNetSegLib.volume import Geometry

THREADS = 2
"""Threads in each process: while one waits for the disk the other parses; more would wait for Python's lock."""

NOT_OPENED = "files that cannot be opened"
"""The kind that may be another one tomorrow, when somebody has mended the rights; so it is not kept."""

DETAILS = (
    *("Manufacturer", "ManufacturerModelName", "InstitutionName", "ConvolutionKernel", "KVP", "SliceThickness"),
    *("PatientID", "StudyInstanceUID", "StudyDate", "AccessionNumber", "ContrastBolusAgent", "SeriesNumber"),
    *("SeriesDescription", "SeriesInstanceUID", "ProtocolName", "AcquisitionNumber"),
)
"""What is kept of each series, of the first file of it that was met."""

Details = dict[str, dict[str, str]]
"""The `DETAILS` of each series, by `series_key`."""


@dataclass(frozen=True)
class ImageHeader:
    """The grid in an image file's header.

    Attributes:
        geometry: The grid; None if it cannot be read.
        error: Why it cannot be.
    """

    geometry: Geometry | None
    error: str = ""


_NAMES = [each.name for each in fields(SliceHeader) if each.name != "path"]
_POSITION, _ORIENTATION, _SPACING, _PHASE = (
    _NAMES.index(name) for name in ("position", "orientation", "pixel_spacing_mm", "phase")
)


Found = list[SliceHeader] | ImageHeader | str
"""What is in a file: CT slices, an image, or what kind of other file it is."""


def study_key(header: SliceHeader) -> str:
    """Return a key that no other study has; without a Study Instance UID each series is one."""
    return f"{header.patient}\n{header.study or header.series_uid}"


def series_key(header: SliceHeader) -> str:
    """Return a key that no other series has, even if two patients' have one UID."""
    return f"{study_key(header)}\n{header.series_uid}"


def read_found(path: Path) -> Found:
    """Return what is in a file; errors are part of it."""
    if not image_ending(path):
        return read_header(path)
    try:
        return ImageHeader(read_geometry(path))
    except ReadError as error:
        return ImageHeader(None, str(error).removeprefix(f"{path}: "))


def encode(found: Found) -> str:
    """Return what `read_found` gave, but for slices' paths, as JSON."""
    if isinstance(found, str):
        return json.dumps(found)
    if isinstance(found, ImageHeader):
        grid = found.geometry
        place = None if grid is None else {"shape": grid.shape, "affine_lps": grid.affine_lps.tolist()}
        return json.dumps({"geometry": place, "error": found.error})
    return json.dumps([[_plain(getattr(each, name)) for name in _NAMES] for each in found])


def decode(text: str, path: Path) -> Found:
    """Return what `encode` was given; `path` is the file that it was read from."""
    content = json.loads(text)
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        place = content["geometry"]
        return ImageHeader(None if place is None else Geometry(**place), content["error"])
    return [_header(values, path) for values in content]


def _header(values: list[Any], path: Path) -> SliceHeader:
    values[_POSITION] = np.array(values[_POSITION])
    values[_ORIENTATION] = _orientation(*values[_ORIENTATION][0], *values[_ORIENTATION][1])
    values[_SPACING] = tuple(values[_SPACING])
    values[_PHASE] = tuple(values[_PHASE])
    return SliceHeader(path, *values)


@lru_cache(1024)
def _orientation(*values: float) -> FloatArray:
    array = np.array(values).reshape(2, 3)
    array.setflags(write=False)
    return array


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_texts(paths: Sequence[Path], stopped: Event | None = None) -> tuple[list[tuple[str, str]], Details]:
    """Return (study, text) of each file, the study "" for what is no CT slice, and details of each series.

    Args:
        paths: Files.
        stopped: When it is set, the files that are left are not opened, and the result is of no use.
    """
    pool = ThreadPoolExecutor(THREADS)
    try:
        everything = list(pool.map(lambda path: "" if stopped and stopped.is_set() else read_found(path), paths))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C may come before `map` has handed out all, and it cancels none then
    details: Details = {}
    texts = []
    for path, found in zip(paths, everything, strict=True):
        first = found[0] if isinstance(found, list) and found else None
        if first is not None and series_key(first) not in details:
            details[series_key(first)] = _details(path)
        texts.append((study_key(first) if first is not None else "", encode(found)))
    return texts, details


def _details(path: Path) -> dict[str, str]:
    try:
        dataset = read_dataset(path, stop_before_pixels=True, specific_tags=list(DETAILS)) or {}
    except ReadError:
        return {}
    found = {}
    for keyword in DETAILS:
        try:
            value = dataset.get(keyword)
        except Exception:  # a malformed value of a field that nothing hangs on
            continue
        if value not in (None, ""):
            values = value if isinstance(value, MultiValue) else [value]
            found[keyword] = " ".join("/".join(map(str, values)).split())
    return found


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(read_texts([Path(name) for name in json.loads(line)])), flush=True)
