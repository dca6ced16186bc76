"""Splits of any data set: every case is in one part, no patient is in both, folds cover all, and files keep them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st
from random_volumes import QUICK

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.splits import Split, load_split, save_split, split_cases

NAMES = st.text("abcÄß日 .-_0123456789", min_size=1, max_size=8)


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    """Draw cases with ids of their own, several of one patient among them."""
    patients = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    owners = patients + draw(st.lists(st.sampled_from(patients), max_size=8))
    ids = draw(st.lists(NAMES, min_size=len(owners), max_size=len(owners), unique=True))
    file = Path("scan.nii.gz")
    return [Case(case_id=each, patient=owner, image=file, mask=file) for each, owner in zip(ids, owners, strict=True)]


def patients_of(cases: list[Case], ids: tuple[str, ...]) -> set[str]:
    return {case.patient for case in cases if case.case_id in ids}


@QUICK
@given(cases(), st.integers(0, 2**31))
def test_a_split_is_by_patient_and_leaves_no_case_out(cases: list[Case], seed: int) -> None:
    split = split_cases(cases, seed)
    assert sorted(split.training + split.test) == sorted(case.case_id for case in cases)
    assert not patients_of(cases, split.training) & patients_of(cases, split.test)
    assert split.training and split.test
    assert split_cases(cases, seed) == split


@QUICK
@given(cases(), st.integers(0, 2**31), st.integers(2, 5))
def test_every_patient_is_tested_in_exactly_one_fold(cases: list[Case], seed: int, folds: int) -> None:
    assume(len({case.patient for case in cases}) >= folds)
    tested = [patients_of(cases, split_cases(cases, seed, folds=folds, fold=fold).test) for fold in range(folds)]
    assert sorted(name for names in tested for name in names) == sorted({case.patient for case in cases})


@QUICK
@given(st.lists(NAMES, max_size=10, unique=True), st.integers(0, 10))
def test_a_split_is_read_as_it_was_written(names: list[str], test: int) -> None:
    split = Split(training=tuple(names[test:]), test=tuple(names[:test]))
    with tempfile.TemporaryDirectory() as folder:
        save_split(split, Path(folder) / "split.json")
        assert load_split(Path(folder) / "split.json") == split
