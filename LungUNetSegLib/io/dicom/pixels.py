"""Decodes pixels of DICOM data sets: uncompressed ones with own code, the rest with the installed decoders.

pydicom 3 and 2 use decoders (GDCM, pylibjpeg, pyjpegls) if they are installed. SimpleITK contains GDCM, which is tried
last: Slicer ships no other decoder.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, generate_uid

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.volume.resample import itk

Stored = npt.NDArray[np.integer[Any]]

FASTER_PLUGINS = ("pyjpegls",)
"""Decoders of pydicom to try first where they are installed: JPEG-LS in half of GDCM's time."""

_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_IMAGE_KEYWORDS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "PixelRepresentation"),
    *("NumberOfFrames", "PixelData"),
)
_JPEG_START, _JPEG_2000_START = b"\xff\xd8", b"\xff\x4f\xff\x51"
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of a frame's header in JPEG and JPEG-LS."""

_NONE = DataElement((0x6000, 0x0102), "US", 0)

_STREAM_BYTES = 1 << 20
"""Where these are looked for; comments may come before."""

_MULTI_FRAME_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.3"
"""Multi-frame Grayscale Word Secondary Capture: an image without a rescale, so that values stay unchanged."""


def decoded(dataset: Dataset, frames: Sequence[int]) -> Iterator[Stored]:
    """Yield these frames' stored values, (row, column), one after the other.

    They are what the stored bits of those allocated hold, with their sign.

    Raises:
        ReadError: No installed decoder supports the compression, or the transfer syntax is no standard one.
        Exception: Any error of a decoder on damaged data.
    """
    # Old files without a file header are in the standard's default transfer syntax.
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax.is_private:
        raise ReadError(f"its transfer syntax {syntax} is a maker's own; export it in one of the standard's")
    if not syntax.is_transfer_syntax:
        raise ReadError(f"its transfer syntax {syntax} is unknown")
    yield from (_in_stored_bits(words, dataset) for words in _words(dataset, frames, syntax))


def _words(dataset: Dataset, frames: Sequence[int], syntax: UID) -> Iterator[Stored]:
    """Yield what is stored or compressed of each frame, (row, column), whichever of its bits belong to the pixels."""
    if not syntax.is_compressed:
        yield from (_native(dataset, frame, syntax) for frame in frames)
        return
    size, wanted = _code_stream_size(dataset.PixelData), (int(dataset.Rows), int(dataset.Columns))
    if size not in (None, wanted):
        raise ReadError(
            f"the compressed image has (rows, columns) {size}, and its header says {wanted}; export it again"
        )
    decoder = _decoder(syntax)
    if decoder is not None and syntax != _JPEG_EXTENDED:  # of 12 bits, which pydicom's GDCM plugin refuses
        plugin = next((each for each in FASTER_PLUGINS if each in decoder.available_plugins), "")
        for frame in frames:
            # pydicom would take the lowest bits, whatever the high bit.
            options = {"decoding_plugin": plugin, "correct_unused_bits": False}
            yield decoder.as_array(dataset, raw=True, index=frame, **options)[0]
        return
    array = _by_itk(dataset, syntax)
    yield from (array[frame] for frame in frames)


def _code_stream_size(pixels: bytes) -> tuple[int, int] | None:
    """Return the (rows, columns) that the first compressed frame itself states, or None if it states none.

    Decoders take the header's and fill an image of another shape. Source: the headers of a frame in ITU-T T.81 B.2.2
    (JPEG), T.87 C.2.2 (JPEG-LS) and T.800 A.5.1 (JPEG 2000), within PS3.5 A.4.
    """
    (offsets,) = struct.unpack_from("<I", pixels, 4)  # the length of the table of offsets, which comes first
    (length,) = struct.unpack_from("<I", pixels, 12 + offsets)
    start = 16 + offsets
    stream = pixels[start : start + min(length, _STREAM_BYTES)]
    if stream[:4] == _JPEG_2000_START and len(stream) >= 24:
        right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
        return bottom - top, right - left
    at = 2
    while stream[:2] == _JPEG_START and stream[at : at + 1] == b"\xff" and at + 9 <= len(stream):
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker in _FRAME_MARKERS:
            rows, columns = struct.unpack_from(">2H", stream, at + 5)
            return (rows, columns) if rows else None  # 0 rows are counted after the image
        at += 2 + length
    return None


def surplus_rows(dataset: Dataset) -> int:
    """Return how many rows of uncompressed pixels a data set holds beyond those that its header tells of."""
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))
    if syntax.is_private or syntax.is_compressed:
        return 0
    row = max(1, int(dataset.Columns) * int(dataset.BitsAllocated) // 8)
    rows = int(dataset.Rows) * int(dataset.get("NumberOfFrames", 1) or 1)
    return max(0, len(dataset.PixelData) // row - rows)


def uses_more_bits(dataset: Dataset, frame: int) -> bool:
    """Whether uncompressed values use bits above those that are said to be stored, and no overlay is said to be there.

    Programs that write other values into a file, and leave its header, make metal read as air in this way.
    """
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))
    bits, stored_bits = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    is_lowest = int(dataset.get("HighBit", stored_bits - 1) or 0) == stored_bits - 1
    if syntax.is_compressed or stored_bits == bits or not is_lowest or _has_overlay(dataset):
        return False
    words = _native(dataset, frame, syntax)
    if not dataset.get("PixelRepresentation", 0):
        return bool((words >> stored_bits).any())
    above = words.view(f"i{bits // 8}") >> (stored_bits - 1)
    is_extended = bool((above == -1).any())  # if not, 1 is the sign of a negative number that is not continued above
    return not np.isin(above, (0, -1) if is_extended else (0, 1)).all()


def _has_overlay(dataset: Dataset) -> bool:
    """Whether an overlay lies in the pixels' spare bits (PS3.3 C.9.2, retired)."""
    return any(int(dataset.get((group, 0x0102), _NONE).value or 0) > 0 for group in range(0x6000, 0x6020, 2))


def _decoder(syntax: UID) -> Any | None:
    """Return pydicom 3's decoder for a compression if a plugin for it is installed; pydicom 2 has none."""
    try:
        from pydicom.pixels import get_decoder

        decoder = get_decoder(syntax)
    except (ImportError, NotImplementedError):
        return None
    return decoder if decoder.is_available else None


def _native(dataset: Dataset, frame: int, syntax: UID) -> Stored:
    """Return one frame of uncompressed words (PS3.5 8.1)."""
    bits, stored_bits = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    if bits not in (8, 16, 32) or not 1 <= stored_bits <= bits:
        raise ValueError(f"{bits} bits are allocated and {stored_bits} stored, which no CT has")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    kind = np.dtype(f"u{bits // 8}").newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    count = rows * columns
    offset = frame * count * kind.itemsize
    if len(dataset.PixelData) < offset + count * kind.itemsize:
        raise ValueError(f"{len(dataset.PixelData):,} bytes of pixels are there; the header claims more")
    values = np.frombuffer(dataset.PixelData, kind, count, offset).reshape(rows, columns)
    return values.astype(kind.newbyteorder("="), copy=False)


def _in_stored_bits(words: Stored, dataset: Dataset) -> Stored:
    """Return the numbers in the stored bits of words (PS3.5 8.1.1), with their sign; an overlay may lie in the others.

    Decoders return what was compressed, which may be whole words too; narrower numbers of theirs are complete.
    """
    bits, stored_bits = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    if 8 * words.itemsize != bits:
        return words
    is_signed = bool(dataset.get("PixelRepresentation", 0))
    values = words.view(f"u{bits // 8}")
    shift = int(dataset.get("HighBit", stored_bits - 1) or 0) + 1 - stored_bits
    if shift:
        values = _shifted(values, shift, stored_bits, is_signed)
    spare = bits - stored_bits
    if not is_signed:
        return values & values.dtype.type((1 << stored_bits) - 1) if spare else values
    signed = values.view(f"i{bits // 8}")
    return (signed << spare) >> spare if spare else signed


def _shifted(values: Stored, shift: int, stored_bits: int, is_signed: bool) -> Stored:
    """Return values whose header says that they do not start at the lowest bit, if the values agree with that."""
    bits = 8 * values.itemsize
    if 0 < shift <= bits - stored_bits and not (values & values.dtype.type((1 << shift) - 1)).any():
        return values >> shift
    above = values >> min(stored_bits - is_signed, bits - 1)
    if stored_bits == bits or np.isin(above, (0, 1, (1 << (bits - stored_bits + 1)) - 1) if is_signed else 0).all():
        return values  # they start at the lowest bit, as in all current files
    raise ValueError(f"its high bit matches neither the {stored_bits} bits stored nor the values")


def _by_itk(dataset: Dataset, syntax: UID) -> Stored:
    """Return all frames (frame, row, column), decoded by SimpleITK's GDCM from a file with only the pixels."""
    name = syntax.name
    with tempfile.TemporaryDirectory(prefix="lungunetseg") as folder:
        path = Path(folder) / "image.dcm"
        _write_image(dataset, syntax, path)
        reader = itk().ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        try:
            array: Stored = itk().GetArrayFromImage(reader.Execute())
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise ReadError(
                f"it is compressed as {name}, which the decoders installed here cannot read, unless it is damaged"
                f" ({reason}); export it without compression, or install python-gdcm"
            ) from error
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return array.reshape(frames, int(dataset.Rows), int(dataset.Columns))


def _write_image(dataset: Dataset, syntax: UID, path: Path) -> None:
    image = Dataset()
    for keyword in _IMAGE_KEYWORDS:
        if keyword in dataset:
            image[keyword] = dataset[keyword]
    image["PixelData"].is_undefined_length = True
    image.BitsStored, image.HighBit = image.BitsAllocated, image.BitsAllocated - 1  # else GDCM takes the lowest bits
    image.SOPClassUID, image.SOPInstanceUID = _MULTI_FRAME_CAPTURE, generate_uid()
    image.Modality = "OT"
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    save(image, path)


def save(dataset: Dataset, path: Path) -> None:
    """Write a data set as a DICOM file, with pydicom 3 or 2."""
    try:
        dataset.save_as(path, enforce_file_format=True)
    except TypeError:  # pydicom 2
        dataset.is_little_endian, dataset.is_implicit_VR = True, False
        dataset.save_as(path, write_like_original=False)
