"""A network of outcomes trained and judged by cross-validation, on phantoms with and without disease."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from phantom_cases import few_slices, write_image

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.outcomes.inputs import InputConfig
from LungUNetSegLib.outcomes.network import Covid19Net
from LungUNetSegLib.outcomes.training import OutcomeConfig, Prediction, auc_over_patients, cross_validate
from LungUNetSegLib.phantom import make_phantom

TINY = OutcomeConfig(
    inputs=InputConfig(crop=False, size=(8, 16, 24)), folds=2, epochs=3, batch_size=2, learning_rate=3e-3
)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Eight phantoms; every second has consolidated lung."""
    folder = tmp_path_factory.mktemp("outcomes")
    for number in range(8):
        phantom = make_phantom(few_slices((10, 48, 56)), rng=number, consolidation=number % 2 == 1)
        write_image(phantom.ct, folder / f"p{number}.nii.gz")
        write_image(phantom.labels, folder / f"p{number}_seg.nii.gz")
    return find_cases(folder)


def test_every_patient_is_judged_by_a_network_that_never_saw_them(cases: list[Case], tmp_path: Path) -> None:
    """And what is written is what was found: predictions, area, settings and weights."""
    torch.set_num_threads(1)
    outcomes = {case.case_id: case.case_id in ("p1", "p3", "p5", "p7") for case in cases}
    seen: list[tuple[str, int, int]] = []
    predictions, result = cross_validate(cases, outcomes, TINY, tmp_path, progress=lambda *step: seen.append(step))
    assert sorted(each.case for each in predictions) == [case.case_id for case in cases]
    assert (result.positives, result.negatives) == (4, 4)
    assert result == auc_over_patients(predictions)
    rows = list(csv.DictReader((tmp_path / "predictions.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row["probability"]) for row in rows] == pytest.approx([e.probability for e in predictions], abs=1e-6)
    assert json.loads((tmp_path / "auc.json").read_text())["value"] == result.value
    for fold in range(2):
        Covid19Net().load_state_dict(torch.load(tmp_path / f"fold_{fold}.pt", weights_only=True))
    assert seen[0] == ("prepare", 1, 8) and seen[-1][1] == seen[-1][2]
    again, _ = cross_validate(cases, outcomes, TINY, tmp_path / "again")
    assert [each.probability for each in again] == [each.probability for each in predictions]


def test_results_are_replaced_together(cases: list[Case], tmp_path: Path) -> None:
    """Protects from networks of two trainings in one folder: of one with more folds, or of one that was stopped."""
    outcomes = {case.case_id: case.case_id in ("p1", "p3", "p5", "p7") for case in cases}
    cross_validate(cases, outcomes, replace(TINY, folds=3, epochs=1), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert "fold_2.pt" in before
    (tmp_path / "fold_2.note.txt").touch()

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "train" and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(cases, outcomes, replace(TINY, epochs=1, seed=1), tmp_path, progress=stop)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    cross_validate(cases, outcomes, replace(TINY, epochs=1, seed=1), tmp_path)
    names = ["auc.json", "config.json", "fold_0.pt", "fold_1.pt", "fold_2.note.txt", "predictions.csv"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == names


def test_scans_of_one_patient_are_one_score() -> None:
    """Else a patient with ten scans would count ten times, and the interval would be too narrow."""

    def of(patient: str, outcome: bool, probability: float) -> Prediction:
        return Prediction(
            case=f"{patient}{probability}", patient=patient, fold=0, outcome=outcome, probability=probability
        )

    predictions = [of("a", True, 0.9), of("a", True, 0.1), of("b", True, 0.8), of("c", False, 0.6), of("d", False, 0.2)]
    result = auc_over_patients(predictions)
    assert (result.positives, result.negatives) == (2, 2)
    assert result.value == pytest.approx(0.75)  # a's 0.5 lies between 0.6 and 0.2


def test_what_cannot_be_trained_is_refused(cases: list[Case], tmp_path: Path) -> None:
    """One patient with an outcome leaves a fold without any."""
    one = {case.case_id: case.case_id == "p1" for case in cases}
    with pytest.raises(DataError, match=r"1 patient\(s\) have the outcome and 7"):
        cross_validate(cases, one, TINY, tmp_path)
    for wrong in ({"folds": 1}, {"batch_size": 1}, {"learning_rate": 0.0}, {"flip": 2.0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            OutcomeConfig(**wrong)  # type: ignore[arg-type]
