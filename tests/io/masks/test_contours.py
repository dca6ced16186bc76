"""Contours of RT structure sets are filled plane by plane, and planes come onto the slices that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import save, slices_of
from dicom_mask_files import code, outlines, structure_set
from pydicom.dataset import Dataset

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.masks.read import LoadedMask, read_labels, read_mask
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.volume import Geometry, Volume

GRID = Geometry.axial((9, 20, 24), (3.0, 2.0, 2.0), (-10.0, -30.0, 100.0))


def rectangle(place: float, rows: tuple[float, float], columns: tuple[float, float]) -> np.ndarray:
    corners = [(rows[0], columns[0]), (rows[0], columns[1]), (rows[1], columns[1]), (rows[1], columns[0])]
    return GRID.to_lps([(place, row, column) for row, column in corners])


def lung(place: float) -> np.ndarray:
    """8 rows of 7 columns: 56 pixels."""
    return rectangle(place, (4.5, 12.5), (1.5, 8.5))


def areas(mask: LoadedMask) -> list[int]:
    return (mask.labels.array > 0).sum(axis=(1, 2)).tolist()


def codes(mask: LoadedMask) -> list[str]:
    return [finding.code for finding in mask.findings]


def read(tmp_path: Path, contours: list[np.ndarray], name: str = "Lung_R") -> LoadedMask:
    return read_mask(structure_set(tmp_path / "rs.dcm", {name: contours}), GRID)


@pytest.mark.parametrize("shift", [0.5, -0.5, 0.3])
def test_contours_between_slices_do_not_cancel(shift: float, tmp_path: Path) -> None:
    """Protects contours half a slice off: planes of two heights met in one slice and cancelled to DSC .03."""
    mask = read(tmp_path, [lung(n + shift) for n in range(2, 7)])
    assert sum(each == 56 for each in areas(mask)) == 5 and sum(areas(mask)) == 5 * 56
    assert codes(mask) == ["contours-off-slices"]


def test_contours_a_little_off_belong_to_their_slice(tmp_path: Path) -> None:
    mask = read(tmp_path, [lung(n + 0.2) for n in range(2, 7)])
    assert areas(mask) == [0, 0, 56, 56, 56, 56, 56, 0, 0] and codes(mask) == []


def test_finer_contours_than_slices_do_not_cancel(tmp_path: Path) -> None:
    """Contours of a 1 mm scan on its 3 mm one."""
    mask = read(tmp_path, [lung(n / 3) for n in range(6, 19)])
    assert areas(mask) == [0, 0, 56, 56, 56, 56, 56, 0, 0]


@pytest.mark.parametrize("change", [lambda each: each, lambda each: each[::-1], lambda each: np.roll(each, 2, axis=0)])
def test_a_contour_that_is_stored_twice_counts_once(change, tmp_path: Path) -> None:
    """Protects masks from being emptied by the even-odd rule."""
    mask = read(tmp_path, [each for n in range(2, 7) for each in (lung(n), change(lung(n)))])
    assert areas(mask) == [0, 0, 56, 56, 56, 56, 56, 0, 0] and codes(mask) == ["duplicate-contours"]


def test_holes_stay_holes_and_islands_in_them_islands(tmp_path: Path) -> None:
    """56 pixels less a hole of 6 by 5 with an island of 2 by 1 in it."""
    hole, island = rectangle(3, (5.5, 11.5), (2.5, 7.5)), rectangle(3, (7.5, 9.5), (4.5, 5.5))
    assert areas(read(tmp_path, [island, lung(3), hole]))[3] == 56 - 30 + 2


def test_contours_that_cross_are_joined(tmp_path: Path) -> None:
    """Two halves drawn over each other: 56 pixels and 8 by 4 more, of which 16 are in both."""
    assert areas(read(tmp_path, [lung(3), rectangle(3, (4.5, 12.5), (6.5, 10.5))]))[3] == 56 + 16


def test_planes_that_were_left_out_are_filled_by_shape_and_said(tmp_path: Path) -> None:
    mask = read(tmp_path, [lung(1), lung(2), lung(5), lung(6)])
    assert areas(mask) == [0, 56, 56, 56, 56, 56, 56, 0, 0]
    assert codes(mask) == ["contours-interpolated"] and "(2)" in mask.findings[0].message


def test_every_other_slice_drawn_is_the_whole(tmp_path: Path) -> None:
    mask = read(tmp_path, [lung(n) for n in (0, 2, 4, 6)])
    assert areas(mask)[:7] == [56] * 7 and codes(mask) == ["contours-interpolated"]


def test_a_gap_too_wide_to_fill_is_refused(tmp_path: Path) -> None:
    contours = [rectangle(n, (4.5, 12.5), (1.5, 8.5)) for n in (0, 8.99)]
    with pytest.raises(ReadError, match=r"'Lung_R' has planes 27 mm apart"):
        read_mask(
            structure_set(tmp_path / "rs.dcm", {"Lung_R": contours}), Geometry((10, *GRID.shape[1:]), GRID.affine_lps)
        )


def test_a_named_structure_without_contours_is_said_and_hides_nothing(tmp_path: Path) -> None:
    """Protects "Lungs" beside an empty "Right Lung", and the left lung from being all there is without a word."""
    both = read_mask(structure_set(tmp_path / "a.dcm", {"Right Lung": [], "Left Lung": [], "Lungs": [lung(3)]}), GRID)
    assert areas(both)[3] == 56 and codes(both) == ["structure-empty"]
    assert "'Right Lung', 'Left Lung'" in both.findings[0].message
    left = read_mask(structure_set(tmp_path / "b.dcm", {"Right Lung": [], "Left Lung": [lung(3)]}), GRID)
    assert set(np.unique(left.labels.array)) == {0, 2} and codes(left) == ["structure-empty"]
    with pytest.raises(ReadError, match="no contours"):
        read_labels(structure_set(tmp_path / "c.dcm", {"Right Lung": [], "Heart": [lung(3)]}), GRID)


def test_points_and_open_lines_are_no_masks(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rs.dcm", {"Lung_R": [lung(3), lung(4)]})
    dataset = pydicom.dcmread(path)
    dataset.ROIContourSequence[0].ContourSequence[1].ContourGeometricType = "OPEN_PLANAR"
    dataset.save_as(path)
    assert np.flatnonzero(areas(read_mask(path, GRID))).tolist() == [3]


def observed(path: Path, *codes: list[Dataset], kinds: tuple[str, ...] = ()) -> Path:
    """Give each structure its codes, or its kind."""
    dataset = pydicom.dcmread(path)
    dataset.RTROIObservationsSequence = []
    for number, roi in enumerate(dataset.StructureSetROISequence):
        item = Dataset()
        item.ReferencedROINumber = roi.ROINumber
        if codes:
            item.RTROIIdentificationCodeSequence = codes[number]
        if kinds:
            item.RTROIInterpretedType = kinds[number]
        dataset.RTROIObservationsSequence.append(item)
    dataset.save_as(path)
    return path


def test_targets_are_no_lungs_whatever_they_are_called(tmp_path: Path) -> None:
    """A GTV may be called after the lung that it is in."""
    path = structure_set(tmp_path / "rs.dcm", {"Left Lung": [lung(3)], "Right Lung": [lung(4)]})
    mask = read_mask(observed(path, kinds=("GTV", "ORGAN")), GRID)
    assert np.flatnonzero(areas(mask)).tolist() == [4] and codes(mask) == ["structures-left-out"]


def test_codes_of_radiotherapy_tell_the_side(tmp_path: Path) -> None:
    """FMA numbers, as TG-263 gives them: 7309 right lung, 7310 left lung."""
    path = structure_set(tmp_path / "rs.dcm", {"Polmone 1": [lung(3)], "Polmone 2": [lung(4)]})
    mask = read_mask(observed(path, [code("7310")], [code("7309")]), GRID)
    assert [int(mask.labels.array[n].max()) for n in (3, 4)] == [2, 1]


def test_somebody_says_which_structure_is_which(tmp_path: Path) -> None:
    path = structure_set(tmp_path / "rs.dcm", {"Polmone dx": [lung(3)], "Polmone sx": [lung(4)]})
    with pytest.raises(ReadError, match=r"its structures are Polmone dx, Polmone sx.*say which they are"):
        read_labels(path, GRID)
    labels = read_labels(path, GRID, meanings={"Polmone dx": "right", "polmone SX": "left"})
    assert [int(labels.array[n].max()) for n in (3, 4)] == [1, 2]


@pytest.mark.parametrize("knows_scan", [True, False])
def test_contours_of_real_slices_come_onto_the_even_grid(knows_scan: bool, tmp_path: Path) -> None:
    """Protects a perfect structure set of a CT that lost a file."""
    phantom = make_phantom(Geometry.axial((40, 64, 72), (6.0, 5.0, 5.0), (-180.0, -150.0, -110.0)), rng=1)
    datasets = slices_of(phantom.ct)
    del datasets[20]
    scan = read_scan(save(datasets, tmp_path / "ct"))
    emptied = phantom.labels.array.copy()
    emptied[20] = 0
    path = structure_set(tmp_path / "rs.dcm", outlines(Volume(emptied, phantom.labels.geometry)))
    mask = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places if knows_scan else None)
    truth = phantom.labels.array[20]
    same = np.count_nonzero((mask.labels.array[20] == truth) & (truth > 0))
    assert 2 * same / (np.count_nonzero(truth) + np.count_nonzero(mask.labels.array[20])) > 0.95
    assert codes(mask) == ([] if knows_scan else ["contours-interpolated"])


def test_the_phantoms_contours_half_a_slice_off_keep_its_shape(small_phantom: Phantom, tmp_path: Path) -> None:
    half = np.array(small_phantom.labels.geometry.affine_lps)
    half[:3, 3] += half[:3, 0] / 2
    shifted = Volume(small_phantom.labels.array, Geometry(small_phantom.labels.geometry.shape, half))
    path = structure_set(tmp_path / "rs.dcm", outlines(shifted))
    labels = read_labels(path, small_phantom.ct.geometry)
    truth = small_phantom.labels.array > 0
    found = labels.array > 0
    assert count(found, truth).dsc > 0.9
    assert found.sum() == pytest.approx(truth.sum(), rel=0.03)
