"""Predictions find their references, and nothing is paired by guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from LungUNetSegLib.cases.compared import pair_cases
from LungUNetSegLib.errors import DataError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def save_dicom(path: Path, modality: str) -> None:
    path.parent.mkdir(exist_ok=True)
    dataset = Dataset()
    dataset.Modality, dataset.SOPClassUID, dataset.SOPInstanceUID = modality, "1.2", "1.2.3"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def test_two_files_are_a_pair_whatever_their_names(tmp_path: Path) -> None:
    make(tmp_path, "a.seg.nrrd", "b.nii.gz")
    pairs, unused = pair_cases(tmp_path / "a.seg.nrrd", tmp_path / "b.nii.gz")
    assert [pair.name for pair in pairs] == ["a"] and unused == []


def test_folders_are_paired_by_name_across_endings_and_suffixes(tmp_path: Path) -> None:
    predictions = make(tmp_path / "p", "Case_001.nii.gz", "Case_002.seg.nrrd", "log.txt")
    references = make(tmp_path / "r", "Case_001_seg.npz", "Case_002_mask.nii")
    pairs, _ = pair_cases(predictions, references)
    assert [(pair.name, pair.prediction and pair.prediction.name, pair.reference.name) for pair in pairs] == [
        ("Case_001", "Case_001.nii.gz", "Case_001_seg.npz"),
        ("Case_002", "Case_002.seg.nrrd", "Case_002_mask.nii"),
    ]


def test_case_folders_hold_label_map_and_scan(tmp_path: Path) -> None:
    references = make(tmp_path / "r", "A/lungs.nii.gz", "A/ignore.nii.gz", "A/ct/1.dcm", "B/lungs.nii.gz", "B/ct/1.dcm")
    predictions = make(tmp_path / "p", "A.nii.gz", "B/out.nrrd")
    pairs, _ = pair_cases(predictions, references, references)
    assert [pair.name for pair in pairs] == ["A", "B"]
    assert pairs[0].reference.name == "lungs.nii.gz" and pairs[0].image == references / "A" / "ct"
    assert pairs[1].prediction == predictions / "B" / "out.nrrd"


def test_dicom_masks_are_told_from_other_files(tmp_path: Path) -> None:
    """Their names say nothing: by their modality, among the scan's own files, too; label maps go before them."""
    references = make(tmp_path / "r", "A/lungs.nii.gz", "notes", "readme.dcm")
    for name, modality in (("A/1.dcm", "SEG"), ("B/1-1", "SEG"), ("B/ct.1", "CT"), ("C.dcm", "RTSTRUCT")):
        save_dicom(references / name, modality)
    predictions = make(tmp_path / "p", "A.nrrd", "B.nrrd", "C.nrrd")
    pairs, _ = pair_cases(predictions, references)
    found = {pair.name: pair.reference.relative_to(references).as_posix() for pair in pairs}
    assert found == {"A": "A/lungs.nii.gz", "B": "B/1-1", "C": "C.dcm"}


def test_missing_prediction_is_kept_and_superfluous_one_named(tmp_path: Path) -> None:
    """A case that the segmenter left out must not vanish from the mean in silence."""
    pairs, unused = pair_cases(make(tmp_path / "p", "A.nrrd", "C.nrrd"), make(tmp_path / "r", "A.nrrd", "B.nrrd"))
    assert [(pair.name, pair.prediction is None) for pair in pairs] == [("A", False), ("B", True)]
    assert unused == ["C"]


@pytest.mark.parametrize(
    ("predicted", "referred", "words"),
    [
        (["A.nrrd"], ["B.nrrd"], r"No case of .* \(A against B\); rename"),
        (["A.nrrd"], ["notes.txt"], "holds no label map"),
        (["A_mask.nrrd", "A_seg.nii"], ["A.nrrd"], "are both case A"),
        (["A/one.nrrd", "A/two.nrrd"], ["A.nrrd"], "several label maps .one.nrrd, two.nrrd."),
    ],
)
def test_folders_that_cannot_be_paired(tmp_path: Path, predicted: list[str], referred: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        pair_cases(make(tmp_path / "p", *predicted), make(tmp_path / "r", *referred))


def test_file_against_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "a.nrrd", "r/a.nrrd")
    with pytest.raises(DataError, match="two label maps or two folders"):
        pair_cases(tmp_path / "a.nrrd", tmp_path / "r")


def test_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.nrrd: there is no such file"):
        pair_cases(tmp_path / "nowhere.nrrd", tmp_path)


@pytest.mark.parametrize(
    ("predicted", "referred"),
    [
        ("case1_lungs_pred.nii.gz", "case1_lungs.nii.gz"),
        ("case1_pred_seg.nii.gz", "case1-label.nrrd"),
        ("case1.NII.GZ", "case1_MASK.Seg.Nrrd"),
        ("case1_0000.nii.gz", "case1_ct_seg.npz"),
    ],
)
def test_appended_words_go_in_any_order_and_case(predicted: str, referred: str, tmp_path: Path) -> None:
    """Protects pairs from being missed: `case1_lungs_pred` is of the case that `case1_lungs` is of."""
    pairs, unused = pair_cases(make(tmp_path / "p", predicted), make(tmp_path / "r", referred))
    assert [(pair.name, pair.prediction is not None) for pair in pairs] == [("case1", True)] and unused == []


def test_a_name_that_is_only_such_a_word_stays(tmp_path: Path) -> None:
    pairs, _ = pair_cases(make(tmp_path / "p", "lungs.nii.gz"), make(tmp_path / "r", "lungs_mask.nii.gz"))
    assert [pair.name for pair in pairs] == ["lungs"]


@pytest.mark.parametrize(
    ("files", "reference", "image"),
    [
        (("p.nii.gz", "p_mask.nii.gz"), "p_mask.nii.gz", "p.nii.gz"),
        (("p_ct.nii.gz", "p_mask.nii.gz", "p_pred.nii.gz"), "p_mask.nii.gz", "p_ct.nii.gz"),
        (("p.nrrd", "p.seg.nrrd"), "p.seg.nrrd", "p.nrrd"),
        (("p/1.dcm", "p_mask.nii.gz"), "p_mask.nii.gz", "p"),
        (("images/p.nii.gz", "masks/p.nii.gz"), "masks/p.nii.gz", "images/p.nii.gz"),
        (("imagesTr/p_0000.nii.gz", "labelsTr/p.nii.gz"), "labelsTr/p.nii.gz", "imagesTr/p_0000.nii.gz"),
        (("Images/p/1.dcm", "Segmentations/p_seg.npz"), "Segmentations/p_seg.npz", "Images/p"),
    ],
)
def test_the_layouts_of_training_are_known(files: tuple[str, ...], reference: str, image: str, tmp_path: Path) -> None:
    """Protects a mask from being confused with its scan, in the folder that one trains on."""
    root = make(tmp_path / "r", *files)
    (pair,), _ = pair_cases(make(tmp_path / "p", "p.nii.gz"), root, root)
    assert (pair.reference, pair.image) == (root / reference, root / image)


def test_results_and_references_may_share_a_folder(tmp_path: Path) -> None:
    folder = make(tmp_path, "p.nii.gz", "p_mask.nii.gz", "p_pred.nii.gz", "q_reference.nrrd", "q_seg.nrrd")
    pairs, _ = pair_cases(folder, folder)
    assert [(pair.prediction.name, pair.reference.name) for pair in pairs if pair.prediction] == [
        ("p_pred.nii.gz", "p_mask.nii.gz"),
        ("q_seg.nrrd", "q_reference.nrrd"),
    ]


def test_hidden_files_are_no_cases(tmp_path: Path) -> None:
    """Protects from what macOS and Windows leave in every folder."""
    litter = (".DS_Store", "._a.nii.gz", "Thumbs.db", "b/._lungs.nii.gz", "b/.DS_Store", ".hidden/lungs.nii.gz")
    references = make(tmp_path / "r", "a.nii.gz", "b/lungs.nii.gz", *litter)
    predictions = make(tmp_path / "p", "a.nii.gz", "b.nii.gz", "._b.nii.gz")
    pairs, unused = pair_cases(predictions, references, references)
    assert [(pair.name, pair.reference.name) for pair in pairs] == [("a", "a.nii.gz"), ("b", "lungs.nii.gz")]
    assert unused == []
