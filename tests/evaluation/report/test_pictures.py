"""Slice pictures: a valid PNG, the right slices, the right way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.evaluation.report.pictures import (
    DIFFERENCE_COLOURS,
    differences,
    encode_png,
    picture_slices,
)
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume


def decode(png: bytes, folder: Path) -> np.ndarray:
    """Read a PNG with somebody else's decoder."""
    path = folder / "picture.png"
    path.write_bytes(png)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_grey_png_is_read_back_by_another_decoder(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 11), np.uint8)
    np.testing.assert_array_equal(decode(encode_png(pixels), tmp_path), pixels)


def test_palette_png_is_read_back_in_colour(tmp_path: Path) -> None:
    kinds = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
    colours = decode(encode_png(kinds, DIFFERENCE_COLOURS), tmp_path)
    np.testing.assert_array_equal(colours[..., :3], np.array(DIFFERENCE_COLOURS, np.uint8)[kinds][..., :3])


def test_differences_by_hand() -> None:
    prediction, reference = np.array([[0, 1, 1, 0, 1, 2]], np.uint8), np.array([[0, 1, 0, 2, 2, 2]], np.uint8)
    assert differences(prediction, reference).tolist() == [[0, 1, 2, 3, 2, 1]]


def test_patients_right_is_on_the_left_of_the_picture(small_phantom: Phantom, tmp_path: Path) -> None:
    """Stored flipped and transposed, as files come; radiologists look from the feet."""
    geometry = small_phantom.labels.geometry.reordered((2, 0, 1), (True, False, True))
    stored = Volume(small_phantom.labels.array.transpose(2, 0, 1)[::-1, :, ::-1], geometry)
    picture = picture_slices(compare(stored, stored), small_phantom.ct, 1)[1]
    colours = decode(picture.reference, tmp_path).astype(int)
    is_right_lung = (colours[..., 2] > colours[..., 0]) & (colours[..., 3:].max(axis=-1) > 0)
    columns = np.flatnonzero(is_right_lung.any(axis=0))
    assert columns.size and columns.max() < 0.6 * colours.shape[1]


def test_scan_on_another_grid_is_shown_in_its_place(small_phantom: Phantom, tmp_path: Path) -> None:
    labels, scan = small_phantom.labels, small_phantom.ct
    half = Geometry(
        (scan.geometry.shape[0], scan.geometry.shape[1] - 4, scan.geometry.shape[2]), scan.geometry.affine_lps
    )
    moved = np.array(half.affine_lps)
    moved[:3, 3] = scan.geometry.to_lps((0, 4, 0))
    cut = Volume(scan.array[:, 4:], Geometry(half.shape, moved))
    comparison = compare(labels, labels)
    whole, part = (decode(picture_slices(comparison, each, 1)[1].image or b"", tmp_path) for each in (scan, cut))
    np.testing.assert_allclose(whole[8:-4].astype(int), part[8:-4].astype(int), atol=1)


def test_without_lungs_there_are_no_pictures(head_phantom: Phantom) -> None:
    assert picture_slices(compare(head_phantom.labels, head_phantom.labels), head_phantom.ct, 3) == ()
