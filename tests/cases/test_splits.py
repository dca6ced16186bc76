"""No patient is ever in training and test, whatever the split."""

from __future__ import annotations

from pathlib import Path

import pytest

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import choose, load_split, save_split, split_cases
from LungUNetSegLib.errors import ConfigError, DataError

CASES = [
    Case(case_id=f"p{patient}c{number}", patient=f"p{patient}", image=Path("x"), mask=Path("y"))
    for patient in range(9)
    for number in range(1 + patient % 3)
]
PATIENT_OF = {case.case_id: case.patient for case in CASES}


def patients(case_ids: tuple[str, ...]) -> set[str]:
    return {PATIENT_OF[case_id] for case_id in case_ids}


@pytest.mark.parametrize(("folds", "fold"), [(0, 0), (3, 1), (4, 3), (9, 8)])
def test_patients_are_never_split_and_no_case_is_lost(folds: int, fold: int) -> None:
    split = split_cases(CASES, seed=1, folds=folds, fold=fold)
    assert not patients(split.training) & patients(split.test)
    assert sorted(split.training + split.test) == sorted(PATIENT_OF)


def test_the_default_is_two_to_one_by_patient() -> None:
    split = split_cases(CASES, seed=0)
    assert (len(patients(split.training)), len(patients(split.test))) == (6, 3)


def test_the_folds_test_every_case_once() -> None:
    tested = [case for fold in range(4) for case in split_cases(CASES, 7, folds=4, fold=fold).test]
    assert sorted(tested) == sorted(PATIENT_OF)


def test_the_seed_decides() -> None:
    assert split_cases(CASES, 3) == split_cases(CASES, 3)
    assert len({split_cases(CASES, seed).test for seed in range(10)}) > 1


def test_two_patients_are_one_for_training_and_one_for_the_test() -> None:
    split = split_cases([case for case in CASES if case.patient in ("p0", "p3")], 0)
    assert len(split.training) == len(split.test) == 1


def test_volumes_and_single_slices_are_both_spread_over_the_folds(tmp_path: Path) -> None:
    cases = []
    for name in "abcdef":
        image = tmp_path / name
        image.mkdir()
        for number in range(20 if name in "abc" else 1):
            (image / str(number)).touch()
        cases.append(Case(case_id=name, patient=name, image=image, mask=image))
    for fold in range(3):
        test = split_cases(cases, 5, folds=3, fold=fold).test
        assert len(set(test) & set("abc")) == len(set(test) & set("def")) == 1


@pytest.mark.parametrize(("folds", "fold"), [(10, 0), (1, 0), (3, 3), (3, -1)])
def test_impossible_folds_are_refused(folds: int, fold: int) -> None:
    with pytest.raises(DataError):
        split_cases(CASES, 0, folds=folds, fold=fold)


def test_one_patient_cannot_be_split() -> None:
    with pytest.raises(DataError, match="1 patient"):
        split_cases([case for case in CASES if case.patient == "p2"], 0)


def test_a_split_survives_the_disk(tmp_path: Path) -> None:
    split = split_cases(CASES, 0)
    save_split(split, tmp_path / "split.json")
    assert load_split(tmp_path / "split.json") == split
    assert [case.case_id for case in choose(CASES, split.test)] == list(split.test)


def test_a_split_of_other_data_or_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stranger"):
        choose(CASES, ("stranger",))
    with pytest.raises(DataError, match=r"none\.json"):
        load_split(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"train": []}', encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown setting 'train'"):
        load_split(tmp_path / "other.json")
