"""Slicer has no decoder but its own GDCM: the numbers that it gives are those of pydicom's decoders."""

from __future__ import annotations

from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from dicom_files import encoded, slices_of, with_frame
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom import pixels
from LungUNetSegLib.volume import Geometry, Volume

ROWS, COLUMNS = 16, 24
NUMBERS = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * 10 - 2000).astype(np.int16)
"""From -2000 to 1830, which 12 bits hold."""


def words_of(kind: str) -> tuple[np.ndarray, dict[str, int]]:
    """Words of 16 bits whose 12 stored bits hold `NUMBERS`, and what a header says of them."""
    if kind == "signed":
        return NUMBERS.view(np.uint16) & 0xFFF, {"PixelRepresentation": 1, "HighBit": 11}
    unsigned = (NUMBERS + 2000).astype(np.uint16)
    if kind == "highest":
        return unsigned << 4, {"PixelRepresentation": 0, "HighBit": 15}
    return unsigned | np.uint16(0xA000), {"PixelRepresentation": 0, "HighBit": 11}


def as_jpeg_ls(dataset: Dataset, words: np.ndarray) -> Dataset:
    return with_frame(dataset, imagecodecs.jpegls_encode(words), JPEGLSLossless)


def as_jpeg_2000(dataset: Dataset, words: np.ndarray) -> Dataset:
    return with_frame(dataset, imagecodecs.jpeg2k_encode(words, codecformat="j2k", level=0), JPEG2000Lossless)


def as_rle(dataset: Dataset, words: np.ndarray) -> Dataset:
    return encoded(dataset, "rle")


@pytest.mark.parametrize("decoders", ["pydicom", "Slicer"])
@pytest.mark.parametrize("compress", [as_rle, as_jpeg_ls, as_jpeg_2000, lambda dataset, words: dataset])
@pytest.mark.parametrize("kind", ["signed", "overlaid", "highest"])
def test_the_stored_bits_of_compressed_words_are_read_as_those_of_others(
    kind: str,
    compress: Callable[[Dataset, np.ndarray], Dataset],
    decoders: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Protects HU: a sign in bit 11, an overlay above, or pixels in the highest bits were taken as they came."""
    words, header = words_of(kind)
    (dataset,) = slices_of(Volume(np.zeros((1, ROWS, COLUMNS), np.int16), Geometry.axial((1, ROWS, COLUMNS))))
    dataset.PixelData, dataset.BitsStored = words.astype("<u2").tobytes(), 12
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    if decoders == "Slicer":
        monkeypatch.setattr(pixels, "_decoder", lambda syntax: None)
    (found,) = pixels.decoded(compress(dataset, words), [0])
    np.testing.assert_array_equal(found.astype(int) + (0 if kind == "signed" else -2000), NUMBERS)


@pytest.mark.parametrize("decoders", ["pydicom", "Slicer"])
@pytest.mark.parametrize("compress", [as_jpeg_ls, as_jpeg_2000])
@pytest.mark.parametrize("shape", [(COLUMNS, ROWS), (2 * ROWS, COLUMNS)])
def test_a_compressed_image_of_another_shape_than_the_header_says_is_refused(
    shape: tuple[int, int],
    compress: Callable[[Dataset, np.ndarray], Dataset],
    decoders: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Protects place and values: decoders fill the header's rows, without a word."""
    (dataset,) = slices_of(Volume(np.zeros((1, ROWS, COLUMNS), np.int16), Geometry.axial((1, ROWS, COLUMNS))))
    if decoders == "Slicer":
        monkeypatch.setattr(pixels, "_decoder", lambda syntax: None)
    with pytest.raises(ReadError, match=rf"\({shape[0]}, {shape[1]}\).*\({ROWS}, {COLUMNS}\)"):
        next(pixels.decoded(compress(dataset, np.ones(shape, np.uint16)), [0]))
