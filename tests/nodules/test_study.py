"""Candidates, classifiers and the command, on phantoms."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("skimage")
pytest.importorskip("sklearn")

from phantom_cases import write_image

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import LabelledScan
from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.candidates import PIXELS, Candidate, check_mask, cut_out, hand_made_features
from LungUNetSegLib.nodules.classify import CLASSIFIERS, folds_by_patient, make_classifier, score
from LungUNetSegLib.nodules.deep import COUNT, DeepConfig, VggFeatures, deep_features, train_features
from LungUNetSegLib.nodules.learning import LearningConfig
from LungUNetSegLib.nodules.masks import predicted_masks, score_masks, train_segnet
from LungUNetSegLib.nodules.paint import NODULES, PAINTED_VESSEL, VESSEL, candidates_of, paint
from LungUNetSegLib.nodules.study import FEATURES, StudyConfig, cross_validate
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry, Volume

KINDS = {*NODULES, VESSEL, PAINTED_VESSEL}

TINY = StudyConfig(folds=2, slices=2, deep=DeepConfig(first_features=2, dense=8, epochs=1, batch_size=4))
GRID = Geometry.axial((4, 168, 216), (20.0, 2.0, 2.0), (-215.0, -167.0, -30.0))


def lungs_with_vessels(seed: int) -> LabelledScan:
    """A phantom whose lungs hold round vessels of 6 mm."""
    phantom = make_phantom(GRID, rng=seed)
    hu, labels = phantom.ct.array.copy(), phantom.labels
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(hu.shape[1:])
    for plane, lung in zip(hu, labels.array > 0, strict=True):
        plane[lung & (plane > -600)] = -850
        for row, column in rng.permutation(np.argwhere(lung))[:12]:
            plane[lung & (np.hypot(rows - row, columns - column) <= 1.6)] = 40
    return LabelledScan(Volume(hu, phantom.ct.geometry), labels)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    """Of four patients, some of each kind."""
    found: list[Candidate] = []
    for seed in range(4):
        case = Case(case_id=f"p{seed}", patient=f"p{seed}", image=Path(), mask=Path())
        found += candidates_of(case, lungs_with_vessels(seed), 2, np.random.default_rng(seed))
    return found


def test_every_kind_is_there_and_as_large_as_the_others(candidates: list[Candidate]) -> None:
    """Protects the experiment: where nodules were larger than vessels, size alone would tell them apart."""
    assert {each.kind for each in candidates} == KINDS
    assert all(each.is_nodule == (each.kind in NODULES) and each.mask.any() for each in candidates)
    areas = {flag: [each.mask.sum() for each in candidates if each.is_nodule == flag] for flag in (True, False)}
    assert 0.5 < np.median(areas[True]) / np.median(areas[False]) < 2


def test_painted_nodules_have_the_densities_of_their_kind() -> None:
    lung = np.full((PIXELS, PIXELS), -850, np.float32)
    middle = np.s_[PIXELS // 2 - 2 : PIXELS // 2 + 2, PIXELS // 2 - 2 : PIXELS // 2 + 2]
    means = {kind: paint(lung, kind, 6.0, np.random.default_rng(1))[0][middle].mean() for kind in NODULES}
    assert means["solid"] > -100 and means["part-solid"] > -200 and -600 < means["ground glass"] < -250
    assert (lung == -850).all(), "the lung itself is not painted on"


def test_cutting_out_follows_the_pixels_of_the_slice() -> None:
    """A step at column 20 of 1.2 mm pixels lies 12 of 0.6 mm to the left of the middle at column 26."""
    plane = np.zeros((40, 60))
    plane[:, 20:] = 1
    picture = cut_out(plane, (1.2, 1.2), 20, 26)
    assert np.flatnonzero(picture[PIXELS // 2] >= 0.5)[0] == pytest.approx(PIXELS / 2 - 12.5, abs=1)


def test_masks_that_cannot_be_nodules_are_refused() -> None:
    lung = np.zeros((8, 8), bool)
    lung[2:4, 2:4] = True
    with pytest.raises(DataError, match="case7: the nodule's mask is empty"):
        check_mask(np.zeros_like(lung), lung, "case7")
    with pytest.raises(DataError, match="larger than the slice's lung"):
        check_mask(np.ones_like(lung), lung, "case7")
    with pytest.raises(DataError, match="different shapes"):
        check_mask(np.ones((4, 4), bool), lung, "case7")
    empty = Candidate(
        case="case7", patient="x", kind="solid", is_nodule=True,
        hu=np.zeros((PIXELS, PIXELS), np.float32), mask=np.zeros((PIXELS, PIXELS), bool),
    )  # fmt: skip
    with pytest.raises(DataError, match="case7: the nodule's mask is empty"):
        hand_made_features(empty)


def test_a_class_of_one_sample_is_refused() -> None:
    with pytest.raises(DataError, match="There are 1 nodules; training and testing need at least 2"):
        list(folds_by_patient(["a", "b", "c"], np.array([True, False, False]), 2, 0))
    with pytest.raises(DataError, match="Only 1 patients have nodules"):
        list(folds_by_patient(["a", "a", "b", "c"], np.array([True, True, False, False]), 2, 0))


def test_folds_never_share_a_patient() -> None:
    patients = [f"p{number % 5}" for number in range(30)]
    folds = list(folds_by_patient(patients, np.arange(30) % 2 == 0, 3, 0))
    assert sorted(np.concatenate(folds).tolist()) == list(range(30))
    of_fold = [{patients[index] for index in fold} for fold in folds]
    assert not (of_fold[0] & of_fold[1] or of_fold[0] & of_fold[2] or of_fold[1] & of_fold[2])


def test_standardisation_learns_from_the_training_alone() -> None:
    """One far value in the test must not move what the training's values are divided by."""
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(40, 3)), np.arange(40) % 2 == 0
    fitted = make_classifier("SVM-RBF").fit(values[:30], target[:30])
    assert fitted[0].mean_ == pytest.approx(values[:30].mean(axis=0))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_learns_what_is_plain(name: str) -> None:
    rng = np.random.default_rng(0)
    target = np.arange(60) % 2 == 0
    values = rng.normal(size=(60, 4)) + 4 * target[:, None]
    told = make_classifier(name).fit(values[:40], target[:40]).predict(values[40:])
    assert score(told, target[40:]).accuracy == 1


def test_scores_by_hand() -> None:
    """3 nodules of which 2 are found, 2 others of which 1 is called a nodule."""
    found = score(np.array([True, True, False, True, False]), np.array([True, True, True, False, False]))
    assert (found.accuracy, found.specificity) == (3 / 5, 1 / 2)
    assert (found.precision, found.sensitivity, found.f1) == (2 / 3, 2 / 3, 2 / 3)


def test_deep_features_are_1024_and_the_paper_s_widths_can_be_had(candidates: list[Candidate]) -> None:
    """VGG19's convolutions, then 4096, 4096 and 1024; at 64 x 64 pixels the first dense layer sees 2 x 2 of 512."""
    network = train_features(candidates, TINY.deep)
    assert deep_features(network, candidates).shape == (len(candidates), COUNT)
    with torch.device("meta"):
        whole = VggFeatures(DeepConfig(first_features=64, dense=4096))
    assert sum(each.numel() for each in whole.encoder.parameters() if each.dim() == 4) == 20_018_880
    assert [layer.out_features for layer in whole.dense if hasattr(layer, "out_features")] == [4096, 4096, 1024]


def test_the_segnet_learns_to_cut_out_what_is_plain() -> None:
    """Protects Khan 2021's first step, the nodule's mask: bright discs are cut out, dark ones are left."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((PIXELS, PIXELS))
    plain = []
    for number in range(16):
        row, column = rng.integers(20, 44, 2)
        disc = np.hypot(rows - row, columns - column) < 10
        hu = np.where(disc, 50.0 if number % 2 else -700.0, -850.0).astype(np.float32)
        kind = "solid" if number % 2 else "vessel"
        plain.append(Candidate(case="c", patient="p", kind=kind, is_nodule=kind == "solid", hu=hu, mask=disc))
    network = train_segnet(plain, LearningConfig(first_features=4, epochs=24, batch_size=4, learning_rate=3e-3))
    solid, vessel = score_masks(predicted_masks(network, plain), plain)
    assert (solid.kind, solid.candidates, solid.found) == ("solid", 8, 1.0) and solid.dsc > 0.6
    assert vessel.found < 0.5 and np.isnan(vessel.dsc)


def test_masks_are_scored_by_hand() -> None:
    """Two nodules of 4 pixels, one found by half: DSC 2 x 2 / (4 + 2) and Jaccard 2 / 4; the other is missed."""
    mask = np.zeros((PIXELS, PIXELS), bool)
    mask[8, 8:12] = True
    hu = np.zeros((PIXELS, PIXELS), np.float32)
    kinds = ("solid", "solid", "vessel", "vessel")
    some = [Candidate(case="c", patient="p", kind=k, is_nodule=k == "solid", hu=hu, mask=mask) for k in kinds]
    predicted = np.zeros((4, PIXELS, PIXELS), bool)
    predicted[0, 8, 8:10] = predicted[2, 0, 0] = True
    solid, vessel = score_masks(predicted, some)
    assert (solid.dsc, solid.jaccard, solid.found) == pytest.approx((2 / 3 / 2, 1 / 4, 1 / 2))
    assert vessel.found == 1 / 2 and vessel.candidates == 2


def test_every_classifier_is_judged_with_all_features(candidates: list[Candidate]) -> None:
    results = cross_validate(candidates, TINY)
    assert {(each.features, each.classifier) for each in results} == {(f, c) for f in FEATURES for c in CLASSIFIERS}
    assert all(0 <= each.scores.accuracy <= 1 and set(each.rightly) == KINDS for each in results)


def test_the_command_writes_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(4):
        pair = lungs_with_vessels(seed)
        (tmp_path / "data").mkdir(exist_ok=True)
        write_image(pair.ct, tmp_path / "data" / f"p{seed}.nii.gz")
        write_image(pair.labels, tmp_path / "data" / f"p{seed}_seg.nii.gz")
    words = ["--slices", "2", "--folds", "2", "--epochs", "1", "--width", "2"]
    assert main(["nodules", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), *words]) == 0
    said = capsys.readouterr().out
    assert "candidates of 4 patients" in said and "Masks by the VGG-SegNet" in said
    with (tmp_path / "out" / "masks.csv").open(newline="") as file:
        assert {row["kind"]: row["dsc"] == "" for row in csv.DictReader(file)} == {
            kind: kind not in NODULES for kind in KINDS
        }
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(FEATURES) * len(CLASSIFIERS)
