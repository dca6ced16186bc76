"""The importer of LCTSC 2017, on scans with contours that a program of others (plastimatch) drew from masks."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_mask_files import structure_set
from phantom_cases import few_slices, write_image
from pydicom.uid import generate_uid

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.lctsc import import_lctsc, institution_of, part_of
from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.io import read_labels, read_scan, write_dicom_series
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume

PATIENT = "LCTSC-Train-S1-001"

GRID = Geometry.axial((8, 168, 216), (20.0, 2.0, 2.0), (-215.0, -167.0, -70.0))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Volume]:
    """A patient as the challenge publishes one, and the masks that plastimatch drew its contours from."""
    root = tmp_path_factory.mktemp("lctsc")
    phantom = make_phantom(GRID, rng=3)
    write_patient(root, PATIENT, phantom.ct)
    draw(root / PATIENT / "study", phantom.labels)
    return root, phantom.labels


def draw(study: Path, labels: Volume) -> None:
    """Let plastimatch draw contours of masks on a study's CT."""
    plastimatch = Path(sys.executable).with_name("plastimatch")
    if not plastimatch.exists():
        pytest.skip("plastimatch is not installed (PyPI: plastimatch)")
    masks, written = study / "masks", study / "rtstruct"
    masks.mkdir()
    right, left = ((labels.array == label).astype(np.uint8) for label in (1, 2))
    for name, mask in (("Lung_R", right), ("Lung_L", left), ("Heart", np.roll(right, 20, axis=1))):
        write_image(Volume(mask, labels.geometry), masks / f"{name}.nrrd")
    command = [plastimatch, "convert", "--input-prefix", masks, "--referenced-ct", study / "ct"]
    subprocess.run([*command, "--output-dicom", written], check=True, capture_output=True)
    (contours,) = written.iterdir()
    contours.rename(written / "1-1.dcm")
    shutil.rmtree(masks)


def write_patient(root: Path, patient: str, scan: Volume, series: str = "ct") -> None:
    """One CT series of a patient."""
    folder = root / patient / "study" / series
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_dicom_series(scan, folder)
    name_patient(folder, patient)


def name_patient(folder: Path, patient: str) -> None:
    """Give a series the name, and UIDs of its own."""
    uid, frame, study = generate_uid(), generate_uid(), generate_uid()
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        header.PatientID, header.SeriesInstanceUID, header.StudyInstanceUID = patient, uid, study
        header.FrameOfReferenceUID = frame
        header.save_as(path)


def copied(drawn: tuple[Path, Volume], tmp_path: Path) -> Path:
    """A copy of the patient to change."""
    shutil.copytree(drawn[0], tmp_path / "data")
    return tmp_path / "data"


def test_contours_of_others_become_the_masks_that_they_were_drawn_from(
    drawn: tuple[Path, Volume], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects the rules of rasterising: pixel centres, even-odd, slices by their height, sides by names."""
    assert main(["import-lctsc", str(drawn[0]), "-o", str(tmp_path / "cases")]) == 0
    (case,) = find_cases(tmp_path / "cases")
    labels = read_labels(case.mask)
    comparison = compare(labels, drawn[1])
    assert min(region.dsc for region in comparison.regions) > 0.999
    assert case.patient == PATIENT and f"{PATIENT}: right lung" in capsys.readouterr().out
    assert labels.geometry.matches(read_scan(case.image).volume.geometry)
    with (tmp_path / "cases" / "index.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"case": PATIENT, "patient": PATIENT, "institution": "S1", "part": "train"}
        ]


def test_an_index_of_others_is_kept(tmp_path: Path) -> None:
    """Protects what says that two cases are of one patient: one of each in training and test makes scores too good."""
    index, (ours, others) = tmp_path / "index.csv", ("case,patient,institution,part", "case,patient")
    index.write_text(f"{others}\nA_1,A\nA_2,A\n")
    with pytest.raises(WriteError, match="was not written by this command"):
        list(import_lctsc([], tmp_path))
    assert index.read_text() == f"{others}\nA_1,A\nA_2,A\n"
    (tmp_path / PATIENT).mkdir()
    (tmp_path / PATIENT / "lungs.nii.gz").touch()
    index.write_text(f"{ours}\n{PATIENT},somebody,S1,train\n")
    assert list(import_lctsc([], tmp_path)) == []
    assert index.read_text().splitlines() == [ours, f"{PATIENT},somebody,S1,train"]


@pytest.mark.shared_data
def test_contours_of_a_real_scan_become_its_masks(shared_data: Path, tmp_path: Path) -> None:
    """KiTS-00072, feet first."""
    source = shared_data / "volumes" / "KiTS-00072"
    study = tmp_path / "data" / PATIENT / "study"
    shutil.copytree(source / "ct", study / "ct")
    for path in (study / "ct").iterdir():
        path.chmod(0o644)
        header = pydicom.dcmread(path)
        header.decompress()  # plastimatch reads no compressed pixels
        header.save_as(path)
    name_patient(study / "ct", PATIENT)
    reference = read_labels(source / "lungs.nii.gz", read_scan(study / "ct").volume.geometry)
    draw(study, reference.canonical())
    assert main(["import-lctsc", str(tmp_path / "data"), "-o", str(tmp_path / "cases")]) == 0
    comparison = compare(read_labels(tmp_path / "cases" / PATIENT / "lungs.nii.gz"), reference)
    assert min(region.dsc for region in comparison.regions) > 0.999


@pytest.mark.parametrize("names", [("Lung_R", "Lung L"), ("LUNG_R", "lung_l"), ("Lung R", "Lung_L")])
def test_older_names_are_known(drawn: tuple[Path, Volume], tmp_path: Path, names: tuple[str, str]) -> None:
    """Release 3 of the data mended one "Lung L"; older copies have it."""
    data = copied(drawn, tmp_path)
    path = data / PATIENT / "study" / "rtstruct" / "1-1.dcm"
    contours = pydicom.dcmread(path)
    for item in contours.StructureSetROISequence:
        item.ROIName = dict(zip(("Lung_R", "Lung_L"), names, strict=True)).get(item.ROIName, item.ROIName)
    contours.save_as(path)
    assert main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")]) == 0


def no_contours(data: Path) -> None:
    shutil.rmtree(data / PATIENT / "study" / "rtstruct")


def no_scan(data: Path) -> None:
    shutil.rmtree(data / PATIENT / "study" / "ct")


def two_scans(data: Path) -> None:
    write_patient(data, PATIENT, make_phantom(few_slices((4, 48, 56))).ct, "other")


def two_structure_sets(data: Path) -> None:
    folder = data / PATIENT / "study" / "rtstruct"
    shutil.copy(folder / "1-1.dcm", folder / "1-2.dcm")


def other_series(data: Path) -> None:
    for path in (data / PATIENT / "study" / "ct").iterdir():
        header = pydicom.dcmread(path)
        header.SeriesInstanceUID = "1.2.3"
        header.save_as(path)


def no_left_lung(data: Path) -> None:
    path = data / PATIENT / "study" / "rtstruct" / "1-1.dcm"
    contours = pydicom.dcmread(path)
    (left,) = (item for item in contours.StructureSetROISequence if item.ROIName == "Lung_L")
    left.ROIName = "SpinalCord"
    contours.save_as(path)


def no_name(data: Path) -> None:
    for path in data.rglob("*.dcm"):
        header = pydicom.dcmread(path)
        header.PatientID = ""
        header.save_as(path)


WRONG = [
    (no_contours, "has a CT but no RTSTRUCT"),
    (no_scan, "has an RTSTRUCT but no CT"),
    (two_scans, "has 2 CT series"),
    (two_structure_sets, "has 2 RTSTRUCTs"),
    (other_series, "was drawn on another series"),
    (no_left_lung, "contains no left lung"),
    (no_name, "has no PatientID"),
]


@pytest.mark.parametrize(("spoil", "sentence"), WRONG, ids=[spoil.__name__ for spoil, _ in WRONG])
def test_what_is_wrong_is_said_and_nothing_is_left(
    drawn: tuple[Path, Volume], tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil, sentence: str
) -> None:
    data = copied(drawn, tmp_path)
    spoil(data)
    assert main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")]) == 1
    assert sentence in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "cases").iterdir()] == ["index.csv"]


def test_files_without_a_patient_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects from a line that begins with a colon and names no file."""
    write_patient(tmp_path, PATIENT, make_phantom(few_slices((4, 48, 56))).ct)
    no_name(tmp_path)
    assert main(["import-lctsc", str(tmp_path), "-o", str(tmp_path / "cases")]) == 1
    said = capsys.readouterr().err
    assert "(no PatientID): not imported" in said and str(tmp_path / PATIENT / "study" / "ct") in said


def test_one_wrong_patient_does_not_stop_the_others(
    drawn: tuple[Path, Volume], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copied(drawn, tmp_path)
    write_patient(data, "LCTSC-Test-S3-201", make_phantom(few_slices((4, 48, 56))).ct)
    assert main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")]) == 1
    assert "1 imported" in capsys.readouterr().out
    assert main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")]) == 1, "what is there is not replaced"
    assert "exists; remove it" in capsys.readouterr().err


def test_contours_between_slices_are_said(
    drawn: tuple[Path, Volume], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Contours are matched by their height; what lies between slices gets the shape between, and that is told."""
    data = copied(drawn, tmp_path)
    path = data / PATIENT / "study" / "rtstruct" / "1-1.dcm"
    contours = pydicom.dcmread(path)
    for item in contours.ROIContourSequence:
        for contour in item.ContourSequence:
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            points[:, 2] += 8.0  # 0.4 of the distance of the slices
            contour.ContourData = [f"{each:.3f}" for each in points.ravel()]
    contours.save_as(path)
    main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")])
    assert "slice distances off the slices" in capsys.readouterr().err


def test_a_folder_without_scans_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert main(["import-lctsc", str(folder), "-o", str(tmp_path / "cases")]) == 1
    assert "contains no CT and no RTSTRUCT" in capsys.readouterr().err


def test_names_tell_institution_and_part() -> None:
    names = ("LCTSC-Train-S2-011", "LCTSC-Test-S3-102", "LCTSC-Test-S1-204", "patient")
    assert [institution_of(name) for name in names] == ["S2", "S3", "S1", ""]
    assert [part_of(name) for name in names] == ["train", "off-site", "live", ""]


def test_structure_sets_without_references_are_believed(drawn: tuple[Path, Volume], tmp_path: Path) -> None:
    """Some programs do not say what they drew on."""
    data = copied(drawn, tmp_path)
    path = data / PATIENT / "study" / "rtstruct" / "1-1.dcm"
    contours = pydicom.dcmread(path)
    structures = {
        item.ROIName: [np.array(each.ContourData, float).reshape(-1, 3) for each in contour.ContourSequence]
        for item, contour in zip(contours.StructureSetROISequence, contours.ROIContourSequence, strict=True)
    }
    structure_set(path, structures)
    plain = pydicom.dcmread(path)
    plain.PatientID = PATIENT
    plain.save_as(path)
    assert main(["import-lctsc", str(data), "-o", str(tmp_path / "cases")]) == 0
