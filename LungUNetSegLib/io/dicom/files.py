"""Lists files and parses them: a file is a DICOM data set, something else, or damaged."""

from __future__ import annotations

import logging
import os
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.endings import is_hidden
from LungUNetSegLib.io.images.files import check_ordinary

logger = logging.getLogger(__name__)

_UNDEFINED_LENGTH = 0xFFFFFFFF
"""The length that is stated of an element which ends with a delimiter (PS3.5 7.1.1)."""

READERS = 8
"""Threads that read files: more than cores, as reading from a network means waiting."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_BYTES = 2048
_HEADER_BYTES = 1 << 24
"""Bytes of a compressed data set that are unpacked to find its header, and allowed besides its pixels."""


def files_of(source: Path | Sequence[Path]) -> list[Path]:
    """Return the files of a folder, at any depth and of any name, or of a list of files and folders.

    Links are followed, each folder once; pipes, devices and broken links are left out.
    """
    if not isinstance(source, Path):
        return [file for each in source for file in files_of(each)]
    return _search(source)[0]


def _search(source: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder, and below it the folders that cannot be opened and links that lead nowhere."""
    if not source.is_dir():
        return [source], []
    found, seen, lost = [], {source.resolve()}, []

    def note(error: OSError) -> None:
        lost.append(Path(error.filename))

    for folder, below, names in os.walk(source, followlinks=True, onerror=note):
        here = Path(folder)
        found += [here / name for name in names if (here / name).is_file()]
        lost += [here / name for name in names if not is_hidden(here / name) and not (here / name).exists()]
        fresh = []
        for name in sorted(below):
            target = (here / name).resolve()
            if target not in seen:
                seen.add(target)
                fresh.append(name)
        below[:] = fresh
    return sorted(found), sorted(lost)


def existing_files(path: Path) -> list[Path]:
    """Return the files of a folder, or the single file; at least one.

    After them come folders below that cannot be opened, and links that lead nowhere: slices may lie there.

    Raises:
        ReadError: There is no file, or none that can be read.
    """
    if path.is_symlink() and not path.exists():
        raise ReadError(f"{path}: is a broken link.")
    if not path.exists():
        raise ReadError(f"{path}: there is no such file or folder.")
    files, lost = _search(path)
    if files:
        if not path.is_dir():
            check_ordinary(path)
        return [*files, *lost]
    try:
        held = next(path.iterdir(), None)  # the search silently skips folders that it may not open
    except OSError as error:
        raise ReadError(f"{path}: the folder cannot be opened: {error.strerror}.") from error
    if held is not None and held.is_symlink() and not held.exists():
        raise ReadError(f"{path}: the folder holds only links that lead nowhere, such as {held.name}.")
    raise ReadError(f"{path}: the folder is empty.")


def read_dataset(path: Path, **options: Any) -> Dataset | None:
    """Return a DICOM file's data set, empty if it is damaged, or None if the file is not DICOM.

    Old files without the preamble are read too. Options are those of `pydicom.dcmread`.

    Raises:
        ReadError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_META_BYTES)
    except OSError as error:
        raise ReadError(f"{path}: cannot be opened: {error.strerror}.") from error
    has_preamble = start[128:132] == b"DICM"
    # Without the preamble the data begin with group 0002 or 0008, little endian.
    if not has_preamble and start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return None
    try:
        if has_preamble and _DEFLATED in start:
            return _inflated(path, options)
        return pydicom.dcmread(path, force=not has_preamble, **options)
    except Exception:  # for damaged files pydicom may raise almost anything
        logger.debug("%s cannot be parsed as DICOM", path, exc_info=True)
        return Dataset() if has_preamble else None


def is_cut_short(dataset: Dataset) -> bool:
    """Whether a data set's last element is shorter than it says.

    pydicom reads what is there: of a structure set that was copied in part, it gives the first contours as all.
    """
    if not len(dataset):
        return False
    last = dataset.get_item(max(dataset.keys()))
    has_length = isinstance(last, RawDataElement) and last.length != _UNDEFINED_LENGTH
    return has_length and len(last.value or b"") < last.length


def _inflated(path: Path, options: dict[str, Any]) -> Dataset:
    """Return a deflated data set (PS3.5 A.5), unpacking no more than its header claims."""
    content = path.read_bytes()
    meta = pydicom.filereader.read_file_meta_info(path)
    start = 132 + 12 + int(meta.FileMetaInformationGroupLength)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    data = unpack.decompress(content[start:], _HEADER_BYTES)
    header = pydicom.dcmread(_plain(meta, data), **{**options, "stop_before_pixels": True})
    if options.get("stop_before_pixels"):
        return header
    if not unpack.eof:
        pixels = int(header.Rows) * int(header.Columns) * int(header.get("NumberOfFrames", 1) or 1)
        data += unpack.decompress(unpack.unconsumed_tail, pixels * int(header.BitsAllocated) // 8 + _HEADER_BYTES)
    if not unpack.eof:
        raise ValueError(f"{path} unpacks to more than its header claims")
    return pydicom.dcmread(_plain(meta, data), **options)


def _plain(meta: Any, data: bytes) -> BytesIO:
    """Return an uncompressed DICOM file of this data set."""
    file = BytesIO()
    file.write(bytes(128) + b"DICM")
    write_file_meta_info(DicomFileLike(file), meta, enforce_standard=False)
    file.write(data)
    file.seek(0)
    return file
