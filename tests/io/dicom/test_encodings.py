"""DICOM in every encoding gives the same HU, by whichever decoder is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_files import encoded, save, slices_of, with_frame
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLSLossless,
)
from scan_checks import assert_same

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom import pixels
from LungUNetSegLib.volume import Volume


@pytest.mark.parametrize("syntax", ["rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"])
def test_lossless_compression_gives_the_same_hu(syntax: str, thin: Volume, tmp_path: Path) -> None:
    save([encoded(dataset, syntax) for dataset in slices_of(thin)], tmp_path)
    assert_same(read_scan(tmp_path), thin)


@pytest.mark.parametrize("by_itk", [False, True])
def test_high_throughput_jpeg_2000_gives_the_same_hu(
    by_itk: bool, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects what archives in the cloud send now; SimpleITK's GDCM decodes it where nothing of pydicom's does."""
    imagecodecs = pytest.importorskip("imagecodecs")
    datasets = slices_of(thin)
    for dataset in datasets:
        values = np.frombuffer(dataset.PixelData, "<u2").reshape(thin.array.shape[1:])
        with_frame(dataset, imagecodecs.htj2k_encode(values, reversible=True), HTJ2KLossless)
    if by_itk:
        monkeypatch.setattr(pixels, "_decoder", lambda syntax: None)
    assert_same(read_scan(save(datasets, tmp_path)), thin)


@pytest.mark.parametrize("level", [100, 90])
def test_jpeg_extended_of_twelve_bits_is_read(level: int, thin: Volume, tmp_path: Path) -> None:
    """Protects old archives from being called damaged. What it loses is lost: libjpeg-turbo decodes the same values."""
    imagecodecs = pytest.importorskip("imagecodecs")
    datasets, decoded = slices_of(thin), []
    for index, dataset in enumerate(datasets):
        values = (np.clip(thin.array[index], -1024, 3071).astype(np.int32) + 1024).astype(np.uint16)
        frame = imagecodecs.jpeg8_encode(values, level=level, bitspersample=12)
        decoded.append(imagecodecs.jpeg8_decode(frame).astype(np.int32) - 1024)
        with_frame(dataset, frame, JPEGExtended12Bit)
        dataset.BitsStored, dataset.HighBit = 12, 11
    array = read_scan(save(datasets, tmp_path)).volume.array
    assert np.abs(array - np.array(decoded)).max() <= 1


@pytest.mark.parametrize(("installed", "taken"), [(("gdcm", "pyjpegls"), "pyjpegls"), (("gdcm", "pillow"), "")])
def test_the_fastest_decoder_that_is_installed_is_taken(
    installed: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a faster one the choice is pydicom's."""
    asked = []

    class Decoder:
        available_plugins = installed

        def as_array(self, *_: object, decoding_plugin: str, **__: object) -> tuple[np.ndarray, dict]:
            asked.append(decoding_plugin)
            return np.zeros((2, 2), np.int16), {}

    monkeypatch.setattr(pixels, "_decoder", lambda _: Decoder())
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.Rows, dataset.Columns, dataset.BitsAllocated, dataset.PixelData = 2, 2, 16, encapsulate([bytes(8)])
    assert len(list(pixels.decoded(dataset, [0, 1]))) == 2 and asked == [taken, taken]


def test_jpeg_ls_is_read_without_the_faster_decoder(
    thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("LungUNetSegLib.io.dicom.pixels.FASTER_PLUGINS", ())
    save([encoded(dataset, "jpeg-ls") for dataset in slices_of(thin)], tmp_path)
    assert_same(read_scan(tmp_path), thin)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_encodings(syntax: str, thin: Volume, tmp_path: Path) -> None:
    datasets = slices_of(thin)
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    save(datasets, tmp_path)
    assert_same(read_scan(tmp_path), thin)


def test_files_without_preamble_are_read(thin: Volume, tmp_path: Path) -> None:
    """Old archives hold bare data sets in implicit VR little endian."""
    for number, dataset in enumerate(slices_of(thin)):
        del dataset.file_meta
        dataset.save_as(tmp_path / f"{number}", implicit_vr=True, little_endian=True)
    assert_same(read_scan(tmp_path), thin)


@pytest.mark.parametrize("syntax", ["", "rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"])
def test_without_pydicoms_decoders_simpleitks_gdcm_reads(
    syntax: str, thin: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slicer 5.10 and 5.12 ship no decoder but SimpleITK's, and 5.10 pydicom 2, which has no `pydicom.pixels`."""
    save([encoded(dataset, syntax) if syntax else dataset for dataset in slices_of(thin)[:4]], tmp_path)
    monkeypatch.setitem(sys.modules, "pydicom.pixels", None)
    assert np.array_equal(read_scan(tmp_path).volume.array, thin.array[:4])
