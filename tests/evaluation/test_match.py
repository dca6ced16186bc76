"""Which grid two masks are compared on: the reference's, where it shows how far the scan went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save, slices_of
from dicom_mask_files import outlines, segmentation, structure_set

from LungUNetSegLib.cases.compared import CasePair
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.evaluation.evaluate import evaluate_pair
from LungUNetSegLib.evaluation.match import read_case
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.io.masks.choice import check_meanings
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk


@pytest.fixture
def files(small_phantom: Phantom, tmp_path: Path) -> dict[str, Path]:
    """The phantom's lungs in each format, its CT, and a prediction with lung beyond the reference's last slice."""
    labels = small_phantom.labels
    too_much = labels.array.copy()
    too_much[-1, 20:30, 20:30] = 1
    files = {name: tmp_path / name for name in ("right.nii.gz", "too_much.nii.gz", "ct.nii.gz", "right.seg.nrrd")}
    write_labels(files["right.nii.gz"], labels)
    write_labels(files["too_much.nii.gz"], Volume(too_much, labels.geometry))
    sitk.WriteImage(to_sitk(small_phantom.ct), str(files["ct.nii.gz"]))
    filled = np.flatnonzero(labels.array.any(axis=(1, 2)))
    cropped = labels.array[filled[0] : filled[-1] + 1]
    affine = labels.geometry.affine_lps.copy()
    affine[:3, 3] = labels.geometry.to_lps((filled[0], 0, 0))
    write_labels(files["right.seg.nrrd"], Volume(cropped, Geometry(cropped.shape, affine)))
    files["seg"] = segmentation(tmp_path / "seg.dcm", labels)
    np.savez(tmp_path / "right.npz", np.moveaxis(labels.array, 0, -1))
    files["right.npz"] = tmp_path / "right.npz"
    corners = [(i, r, c) for i in (11, 12) for r, c in ((30, 10), (30, 20), (40, 20), (40, 10))]
    square = np.split(labels.geometry.to_lps(corners), 2)
    files["contours"] = structure_set(tmp_path / "contours.dcm", {"Right Lung": square, "Left Lung": square[:1]})
    return files


def read(prediction: Path, reference: Path, image: Path | None = None) -> tuple[Volume, Volume, Volume | None]:
    case = read_case(CasePair(name="case", prediction=prediction, reference=reference, image=image))
    return case.prediction, case.reference, case.image


@pytest.mark.parametrize("kind", ["seg", "right.npz"])
def test_a_reference_that_shows_lung_only_is_seen_on_the_predictions_grid(
    files: dict[str, Path], kind: str, small_phantom: Phantom
) -> None:
    """A SEG leaves out empty slices; on its own grid lung invented there would be no error."""
    prediction, reference, _ = read(files["too_much.nii.gz"], files[kind])
    np.testing.assert_array_equal(reference.array, small_phantom.labels.array)
    assert compare(prediction, reference).regions[0].precision < 1


@pytest.mark.parametrize("kind", ["seg", "right.npz", "right.seg.nrrd"])
def test_or_on_the_scans_if_that_is_given(files: dict[str, Path], kind: str, small_phantom: Phantom) -> None:
    _, reference, image = read(files["too_much.nii.gz"], files[kind], files["ct.nii.gz"])
    assert image is not None and reference.geometry.matches(image.geometry)
    np.testing.assert_array_equal(reference.array, small_phantom.labels.array)


@pytest.mark.parametrize("kind", ["seg", "right.npz"])
def test_such_a_prediction_is_seen_on_the_references_grid(
    files: dict[str, Path], kind: str, small_phantom: Phantom
) -> None:
    prediction, reference, _ = read(files[kind], files["right.nii.gz"])
    assert prediction.geometry.matches(reference.geometry)
    np.testing.assert_array_equal(prediction.array, small_phantom.labels.array)


def test_contours_on_either_side(files: dict[str, Path]) -> None:
    drawn, _, _ = read(files["contours"], files["right.nii.gz"])
    _, reference, _ = read(files["right.nii.gz"], files["contours"])
    assert drawn.array.any() and np.array_equal(drawn.array, reference.array)


def test_two_that_show_lung_only_need_the_scan(files: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"seg\.dcm.*contours\.dcm.*the CT too"):
        read(files["seg"], files["contours"])
    prediction, reference, _ = read(files["seg"], files["contours"], files["ct.nii.gz"])
    assert prediction.geometry.matches(reference.geometry)


def series(phantom: Phantom, folder: Path, lost: int) -> Path:
    datasets = slices_of(phantom.ct)
    del datasets[lost]
    return save(datasets, folder)


@pytest.mark.parametrize(
    ("kind", "with_scan"),
    [("seg", True), ("seg", False), ("contours", True), ("contours", False), ("npz", True)],
)
def test_a_perfect_mask_of_a_scan_that_lost_a_slice_is_perfect(kind: str, with_scan: bool, tmp_path: Path) -> None:
    """Protects scores: the CT is read on an even grid, and a reference of its real slices got HD95 29.9 mm."""
    phantom = make_phantom(Geometry.axial((40, 64, 72), (6.0, 5.0, 5.0), (-180.0, -150.0, -110.0)), rng=1)
    emptied = phantom.labels.array.copy()
    emptied[20] = 0
    drawn = Volume(emptied, phantom.labels.geometry)
    if kind == "seg":
        reference = segmentation(tmp_path / "r.dcm", drawn)
    elif kind == "contours":
        reference = structure_set(tmp_path / "r.dcm", outlines(drawn))
    else:
        reference = tmp_path / "r.npz"
        np.savez(reference, np.moveaxis(np.delete(phantom.labels.array, 20, axis=0), 0, -1))
    write_labels(tmp_path / "p.nii.gz", phantom.labels)
    image = series(phantom, tmp_path / "ct", 20) if with_scan else None
    case = read_case(CasePair(name="p", prediction=tmp_path / "p.nii.gz", reference=reference, image=image))
    scores = compare(case.prediction, case.reference).whole
    assert scores.dsc > 0.998 and scores.hd95_mm <= 5 and abs(scores.difference_percent) < 0.2
    assert bool(case.findings) is not with_scan


def test_findings_say_which_of_the_two_they_are_of(small_phantom: Phantom, tmp_path: Path) -> None:
    write_labels(tmp_path / "p.nii.gz", small_phantom.labels)
    lungs = outlines(small_phantom.labels)
    path = structure_set(tmp_path / "r.dcm", {**lungs, "Left Lung (copy)": lungs["Left Lung"]})
    case = evaluate_pair(CasePair(name="p", prediction=tmp_path / "p.nii.gz", reference=path))
    assert case.findings[0].message.startswith("Reference: Not taken as a lung")


def test_somebody_says_which_structures_and_values_are_lungs(small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects names in other languages and label maps of many organs from being refused or guessed."""
    lungs = outlines(small_phantom.labels)
    path = structure_set(tmp_path / "r.dcm", {"Polmone dx": lungs["Right Lung"], "Polmone sx": lungs["Left Lung"]})
    values = np.choose(small_phantom.labels.array, (5, 13, 14)).astype(np.uint8)
    write_labels(tmp_path / "p.nii.gz", Volume(values, small_phantom.labels.geometry))
    meanings = {"Polmone dx": "right", "Polmone sx": "left", "13": "right", "14": "left"}
    case = evaluate_pair(
        CasePair(name="p", prediction=tmp_path / "p.nii.gz", reference=path, meanings=check_meanings(meanings))
    )
    assert min(region.dsc for region in case.regions) > 0.99
