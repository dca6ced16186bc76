"""Masks as DICOM SEG and RTSTRUCT come onto the scan's grid with the right sides, or are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_mask_files import outlines, segmentation, structure_set
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.masks.read import read_labels
from LungUNetSegLib.io.masks.rtstruct import toggle_polygon
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segmentation_objects_come_onto_the_scan(kind: str, oblique_phantom: Phantom, tmp_path: Path) -> None:
    labels = oblique_phantom.labels
    path = segmentation(tmp_path / "seg.dcm", labels, kind)
    back = read_labels(path, labels.geometry)
    assert back.geometry is labels.geometry
    assert np.array_equal(back.array, labels.array)
    assert np.array_equal(read_labels(tmp_path, labels.geometry).array, labels.array), "or the folder it lies in"


def test_a_segmentation_has_a_grid_of_its_own(small_phantom: Phantom, tmp_path: Path) -> None:
    back = read_labels(segmentation(tmp_path / "seg.dcm", small_phantom.labels))
    filled = np.flatnonzero(small_phantom.labels.array.any(axis=(1, 2)))
    assert np.array_equal(back.array, small_phantom.labels.array[filled[0] : filled[-1] + 1])
    assert np.allclose(back.geometry.to_lps((0, 0, 0)), small_phantom.labels.geometry.to_lps((filled[0], 0, 0)))


def test_segmentations_that_cannot_be_used_are_refused(small_phantom: Phantom, tmp_path: Path) -> None:
    import pydicom

    path = segmentation(tmp_path / "seg.dcm", small_phantom.labels)

    def changed(change) -> None:
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(tmp_path / "changed.dcm")

    changed(lambda each: each.SegmentSequence.__delitem__(slice(1, 3)))
    with pytest.raises(ReadError, match="its segments are Heart"):
        read_labels(tmp_path / "changed.dcm")
    changed(lambda each: delattr(each, "PixelData"))
    with pytest.raises(ReadError, match="cannot be decoded"):
        read_labels(tmp_path / "changed.dcm")

    def push(dataset: Dataset) -> None:
        position = dataset.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence[0].ImagePositionPatient
        position[0] = float(position[0]) + 30

    changed(push)
    with pytest.raises(ReadError, match="not lie on an even, straight grid"):
        read_labels(tmp_path / "changed.dcm")


# Contours


GRID = Geometry.axial((5, 20, 24), (3.0, 2.0, 2.0), (-10.0, -30.0, 100.0))


def rectangle(index: int, rows: tuple[float, float], columns: tuple[float, float], grid: Geometry = GRID) -> np.ndarray:
    corners = [(rows[0], columns[0]), (rows[0], columns[1]), (rows[1], columns[1]), (rows[1], columns[0])]
    return grid.to_lps([(index, row, column) for row, column in corners])


def test_polygons_are_filled_by_hand() -> None:
    """Pixel centres inside count; a triangle with corners between them, and a hole."""
    crossings = np.zeros((6, 8), np.uint8)
    toggle_polygon(crossings, np.array([(0.5, 0.5), (0.5, 6.5), (4.5, 6.5), (4.5, 0.5)]))
    toggle_polygon(crossings, np.array([(1.5, 2.5), (2.5, 2.5), (2.5, 4.5), (1.5, 4.5)]))
    filled = np.bitwise_xor.accumulate(crossings, axis=1)
    assert filled.tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 0, 0, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 1, 1, 1, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
    ]
    triangle = np.zeros((4, 5), np.uint8)
    toggle_polygon(triangle, np.array([(-1.0, 2.0), (3.0, -1.9), (3.0, 5.9)]))
    assert np.bitwise_xor.accumulate(triangle, axis=1).tolist() == [
        [0, 0, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
    ]


def test_contours_become_labels_with_holes_and_sides(tmp_path: Path) -> None:
    hole = rectangle(2, (7.5, 9.5), (3.5, 5.5))
    path = structure_set(
        tmp_path / "rs.dcm",
        {
            "BODY": [rectangle(2, (0, 19), (0, 23))],
            "Lung_R": [rectangle(2, (4.5, 12.5), (1.5, 8.5)), hole],
            "Lung_L": [rectangle(1, (4.5, 6.5), (14.5, 16.5)), rectangle(2, (4.5, 6.5), (14.5, 16.5))],
            "Lungs": [rectangle(4, (0, 19), (0, 23))],
        },
    )
    labels = read_labels(path, GRID)
    expected = np.zeros(GRID.shape, np.uint8)
    expected[2, 5:13, 2:9] = 1
    expected[2, 8:10, 4:6] = 0
    expected[1:3, 5:7, 15:17] = 2
    assert np.array_equal(labels.array, expected)
    flipped = GRID.reordered((0, 1, 2), (True, True, False))
    assert np.array_equal(read_labels(path, flipped).array, expected[::-1, ::-1])


def test_contours_of_a_whole_phantom_give_it_back(phantom: Phantom, tmp_path: Path) -> None:
    back = read_labels(structure_set(tmp_path / "rs.dcm", outlines(phantom.labels)), phantom.ct.geometry)
    for label in (1, 2):
        assert count(back.array == label, phantom.labels.array == label).dsc > 0.999


def test_contours_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    lung = [rectangle(2, (4.5, 12.5), (1.5, 8.5))]
    for name, structures, grid, reason in (
        ("a", {"Heart": lung}, GRID, "its structures are Heart"),
        ("b", {"Lung_L": []}, GRID, "no contours"),
        ("c", {"Lung_L": lung}, None, "no grid of their own"),
        ("d", {"Lung_L": [rectangle(9, (0, 9), (0, 9))]}, GRID, "1 of 1 contours lie outside"),
        ("e", {"Lung_L": lung}, GRID.reordered((1, 0, 2), (False,) * 3), "across the scan's slices"),
    ):
        path = structure_set(tmp_path / f"{name}.dcm", structures)
        with pytest.raises(ReadError, match=reason):
            read_labels(path, grid)


def test_malformed_contours_name_their_file(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rs.dcm", {"Lung_L": [np.arange(7.0)]})
    with pytest.raises(ReadError, match=r"rs\.dcm: the mask cannot be decoded"):
        read_labels(path, GRID)


def test_other_dicom_files_are_no_masks(small_phantom: Phantom, tmp_path: Path) -> None:
    from LungUNetSegLib.io import write_dicom_series

    write_dicom_series(small_phantom.ct, tmp_path / "ct")
    with pytest.raises(ReadError, match="not a mask in a known format"):
        read_labels(tmp_path / "ct" / "0001.dcm")
    with pytest.raises(ReadError, match="holds 24 files"):
        read_labels(tmp_path / "ct")
