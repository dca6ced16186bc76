"""Every layout of a data set is found, every half of a pair is missed, and patients are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from LungUNetSegLib.cases.compared import pair_cases
from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_header(path: Path, patient: str) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.PatientID = patient
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)


def test_case_folders_two_levels_deep_with_an_ignore_mask(tmp_path: Path) -> None:
    touch(tmp_path, "volumes/b/ct/1.dcm", "volumes/b/lungs.nii.gz")
    touch(tmp_path, "slices/a/ct/1.dcm", "slices/a/lungs.nii.gz", "slices/a/ignore.nii.gz", "README.md")
    cases = find_cases(tmp_path)
    assert [case.case_id for case in cases] == ["a", "b"]
    assert cases[0].ignore == tmp_path / "slices/a/ignore.nii.gz"
    assert cases[1].ignore is None


def test_a_case_folder_may_hold_an_image_file_for_its_scan(tmp_path: Path) -> None:
    touch(tmp_path, "a/ct.nii.gz", "a/lungs.nii.gz", "b/ct/1.dcm", "b/lungs.nrrd")
    found = find_cases(tmp_path)
    assert [case.image for case in found] == [tmp_path / "a/ct.nii.gz", tmp_path / "b/ct"]
    pairs, _ = pair_cases(tmp_path, tmp_path, tmp_path)
    assert [pair.image for pair in pairs] == [case.image for case in found]


def test_a_scan_without_a_mask_beside_pairs_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects from a case that is lost by a slip in the name of its mask."""
    touch(tmp_path, "p.nii.gz", "p_mask.nii.gz", "q.nii.gz", "q_msk.nii.gz")
    assert [case.case_id for case in find_cases(tmp_path)] == ["p"]
    assert f"{tmp_path}: left out, as no mask lies beside them: q.nii.gz, q_msk.nii.gz." in caplog.messages


def test_the_papers_layout_is_found_at_the_root_and_under_dataset(tmp_path: Path) -> None:
    touch(tmp_path, "Dataset/Images/Case_001/1.dcm", "Dataset/Segmentations/Case_001_seg.npz")
    for root in (tmp_path, tmp_path / "Dataset"):
        (case,) = find_cases(root)
        assert case.case_id == "Case_001"
        assert case.image == tmp_path / "Dataset/Images/Case_001"
        assert case.mask == tmp_path / "Dataset/Segmentations/Case_001_seg.npz"


@pytest.mark.parametrize(
    "files",
    [
        ("images/p.nii.gz", "masks/p.nii.gz"),
        ("images/p.nrrd", "labels/p_mask.seg.nrrd"),
        ("imagesTr/p_0000.nii.gz", "labelsTr/p.nii.gz"),
        ("p.nii.gz", "p_seg.nii.gz"),
        ("sub/p.mha", "sub/p-label.nrrd"),
        ("p/1.dcm", "p_mask.nii.gz"),
        ("p.nrrd", "p.seg.nrrd"),
        ("p.nii.gz", "p.seg.nrrd"),
        ("p.NII.GZ", "p_Mask.Nii.Gz"),
        ("images/p.NRRD", "masks/p_SEG.NRRD"),
        ("p/ct/1.dcm", "p/lungs.NII.GZ"),
        ("p/ct/1.dcm", "p/lungs.dcm"),
        ("p/ct/1.dcm", "p/lungs.rtstruct.dcm"),
        ("p/1.dcm", "p.rtstruct.dcm"),
        ("images/p/1.dcm", "masks/p_lungs.rtstruct.dcm"),
        ("p_ct.nii.gz", "p_lungs_mask.nii.gz"),
        ("images/p_ct.nii.gz", "labels/p-seg.nii.gz"),
    ],
)
def test_pairs_of_files(tmp_path: Path, files: tuple[str, str]) -> None:
    """Endings and words are known in any case and order."""
    touch(tmp_path, *files)
    (case,) = find_cases(tmp_path)
    assert (case.case_id, case.mask) == ("p", tmp_path / files[1])


def test_the_patient_comes_from_the_index_then_from_dicom_then_from_the_name(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{name}/lungs.nii.gz" for name in "abc"))
    write_header(tmp_path / "a/ct/1.dcm", "ANON1")
    write_header(tmp_path / "b/ct/1.dcm", "ANON2")
    touch(tmp_path, "c/ct/1.dcm")
    (tmp_path / "index.csv").write_text("case,patient\na,anna\n", encoding="utf-8")
    assert [case.patient for case in find_cases(tmp_path)] == ["anna", "ANON2", "c"]


@pytest.mark.parametrize(
    "files",
    [
        [f"scans/{name}{end}.nii.gz" for name in "ab" for end in ("", "_mask")],
        [f"{folder}/{name}.nii.gz" for name in "ab" for folder in ("x/images", "x/labels")],
        [f"x/{name}/{file}.nii.gz" for name in "ab" for file in ("ct", "lungs")],
    ],
)
def test_an_index_in_the_folder_of_all_data_counts_for_the_cases_below(tmp_path: Path, files: list[str]) -> None:
    """Protects from a patient on both sides of a split; the nearest index counts."""
    touch(tmp_path, *files)
    (tmp_path / "index.csv").write_text("case,patient\na,anna\nb,anna\n", encoding="utf-8")
    assert [case.patient for case in find_cases(tmp_path)] == ["anna", "anna"]
    (tmp_path / Path(files[0]).parts[0] / "index.csv").write_text("case,patient\na,eva\nb,eva\n", encoding="utf-8")
    assert [case.patient for case in find_cases(tmp_path)] == ["eva", "eva"]


def test_an_index_may_list_files_and_whom_it_leaves_out_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects from a patient on both sides of a split, since the index says p_ct.nii.gz for p."""
    touch(tmp_path, *(f"{name}{end}.nii.gz" for name in "pqr" for end in ("", "_seg")))
    (tmp_path / "index.csv").write_text("case,patient\np_ct.nii.gz,anna\nq.nii.gz,anna\n", encoding="utf-8")
    assert [case.patient for case in find_cases(tmp_path)] == ["anna", "anna", "r"]
    assert caplog.messages == [f"{tmp_path / 'index.csv'} names no patient for the case r."]


def test_excluded_cases_and_patients_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{name}{end}" for name in "abc" for end in (".nii.gz", "_seg.nii.gz")))
    assert [case.case_id for case in find_cases(tmp_path, exclude=("b",))] == ["a", "c"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ((), "holds no case"),
        (("a_seg.nii.gz",), "has no scan beside it"),
        (("case/lungs.nii.gz",), "has no scan beside it"),
        (("case/ct/1.dcm",), r"case/ct has no mask; add \S*case/lungs\.nii\.gz"),
        (
            ("Images/Case_1/1.dcm", "Segmentations/Case_2_seg.npz"),
            r"Case_1 has no mask; add \S*Segmentations/Case_1\.nii\.gz",
        ),
        (("x/a.nii.gz", "x/a_seg.nii.gz", "y/a.nii.gz", "y/a_seg.nii.gz"), "Two cases are named a"),
        (("a.nrrd", "a.seg.nrrd", "a-label.nrrd"), "a-label.nrrd and a.seg.nrrd are both masks of a;"),
        (("images/a.nii.gz", "masks/a.nii.gz", "masks/a_mask.nrrd"), "both masks of a;"),
    ],
)
def test_half_a_pair_is_refused_by_name(tmp_path: Path, files: tuple[str, ...], sentence: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=sentence):
        find_cases(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        find_cases(tmp_path / "nowhere")


@pytest.mark.shared_data
def test_several_scans_of_a_patient_in_the_shared_data_are_told(shared_data: Path) -> None:
    """Protects folds from seeing a patient twice; the data may grow, so only the cases that are asked about count."""
    cases = {case.case_id: case for case in find_cases(shared_data, exclude=("LIDC-IDRI-0001",))}
    assert "LIDC-IDRI-0001" not in cases
    assert cases["Lung_Dx-A0001-B"].patient == cases["Lung_Dx-A0001-L"].patient
    assert cases["ACRIN-FLT-001-lower"].patient == cases["ACRIN-FLT-001-upper"].patient
    assert cases["A002304_1"].patient == cases["A002304_2"].patient == "A002304"


def test_hidden_files_are_no_cases(tmp_path: Path) -> None:
    """Protects from what macOS leaves beside every file, and a scan from its shadow."""
    touch(tmp_path, "p.nii.gz", "p_seg.nii.gz", "._p.nii.gz", "._p_seg.nii.gz", ".DS_Store")
    touch(tmp_path, "x/images/q.nii.gz", "x/masks/q.nii.gz", "x/images/.DS_Store", "x/masks/._q.nii.gz")
    touch(tmp_path, "x/images/._q.nii.gz", "x/images/.hidden/1.dcm")
    touch(tmp_path, "y/r/ct/1.dcm", "y/r/lungs.nii.gz", "y/r/._lungs.nii.gz", "y/r/._ignore.nii.gz", "y/.s/ct/1.dcm")
    cases = find_cases(tmp_path)
    assert [(case.case_id, case.mask.name, case.ignore) for case in cases] == [
        ("p", "p_seg.nii.gz", None), ("q", "q.nii.gz", None), ("r", "lungs.nii.gz", None),
    ]  # fmt: skip


def test_a_result_is_no_mask_to_learn_from(tmp_path: Path) -> None:
    touch(tmp_path, "p.nii.gz", "p_mask.nii.gz", "p_pred.nii.gz")
    (case,) = find_cases(tmp_path)
    assert (case.image.name, case.mask.name) == ("p.nii.gz", "p_mask.nii.gz")


def test_the_patient_is_told_by_the_first_file_that_says_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Protects training and test from sharing a patient: a stray first file hid the PatientID of all."""
    for name in "ab":
        touch(tmp_path, f"{name}/lungs.nii.gz", f"{name}/ct/.DS_Store")
        (tmp_path / name / "ct" / "0 notes.txt").write_text("not DICOM", encoding="utf-8")
        write_header(tmp_path / name / "ct" / "1.dcm", "")
        write_header(tmp_path / name / "ct" / "2.dcm", "ANON1")
    touch(tmp_path, "c/lungs.nii.gz", "c/ct/1.dcm")
    assert [case.patient for case in find_cases(tmp_path)] == ["ANON1", "ANON1", "c"]
    assert [record.getMessage() for record in caplog.records if "PatientID" in record.getMessage()] == [
        f"{tmp_path / 'c' / 'ct'}: no file has a PatientID; the case is treated as a separate patient."
    ]
