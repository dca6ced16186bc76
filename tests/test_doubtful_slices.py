"""benchmarks/doubtful_slices.py: the figures of docs/measures.md, by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from doubtful_slices import (
    JudgedLung,
    error_mm2,
    fit_weights,
    held,
    held_error,
    informed_errors,
    listed_ml,
    print_left_out,
)

from LungUNetSegLib.segmentation.doubt import CAUSES


def judged(errors: list[float], dense: list[float], odd: list[float] | None = None) -> JudgedLung:
    areas = np.zeros((len(errors), len(CAUSES)))
    areas[:, 0] = dense
    areas[:, 2] = odd or 0
    return JudgedLung(patient="a", case="a", lung="Right lung", areas_mm2=areas, error_mm2=np.array(errors))


def test_errors_at_the_outline_do_not_count() -> None:
    """Of a square that is found 5 mm too wide, three columns lie more than 2 mm from its edge."""
    reference = np.zeros((2, 30, 30), bool)
    reference[:, 5:15, 5:15] = True
    found = reference.copy()
    found[0, 5:15, 15:20] = True
    found[1, 5:15, 14] = False
    assert error_mm2(found, reference, (5.0, 1.0, 1.0)).tolist() == [30.0, 0.0]


def test_what_is_found_where_there_is_no_lung_is_all_wrong() -> None:
    found = np.zeros((1, 8, 8), bool)
    found[0, 2:4, 2:4] = True
    assert error_mm2(found, np.zeros_like(found), (1.0, 2.0, 2.0)).tolist() == [16.0]


def test_the_list_against_the_worst_by_hand() -> None:
    """Six slices have errors, one of them too little; of the five others three are listed, and neighbours of two."""
    lung = judged([19, 90, 80, 70, 0, 60, 0, 0, 50], [0, 5, 4, 3, 2, 0, 0, 1, 0])
    assert lung.worst == [1, 2, 3, 5, 8] and lung.listed(np.array([1.0, 0, 0, 0])) == [1, 2, 3, 4, 7]
    weights = np.array([1.0, 0, 0, 0])
    assert held([lung], weights) == (3, 5) and held([lung], weights, within=1) == (5, 5)
    assert held_error([lung], weights) == pytest.approx(240 / 350)
    good = judged([10, 5, 0, 0, 0, 0], [0] * 6)
    assert good.worst == [] and held([good], weights) == (0, 0)
    assert held_error([lung, good], weights) == pytest.approx(240 / 350), "a lung without errors has none to find"


def test_weights_follow_the_roots_of_the_errors() -> None:
    """Errors whose roots are dense + 2 odd give these weights back, whatever a lung without errors shows."""
    dense, odd = [0.0, 1, 2, 3, 0, 5], [4.0, 0, 1, 0, 2, 3]
    errors = [(one + 2 * two) ** 2 for one, two in zip(dense, odd, strict=True)]
    lungs = [judged(errors, dense, odd), judged([0] * 6, odd, dense)]
    np.testing.assert_allclose(fit_weights(lungs), [1, 0, 2, 0], atol=1e-9)


def test_ml_of_error_by_hand() -> None:
    """Slices of 5 mm: the list holds 90 + 80 + 70 mm2 of seven slices with errors, the five worst 350 mm2."""
    lung = judged([19, 90, 80, 70, 0, 60, 0, 0, 50], [0, 5, 4, 3, 2, 0, 0, 1, 0])
    lung = dataclasses.replace(lung, slice_mm=5.0)
    assert listed_ml([lung], np.array([1.0, 0, 0, 0])) == pytest.approx((1.2, 1.75, 1.845))


def test_a_patient_is_judged_by_the_weights_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    """Where errors of a and b are, lung is dense; those of c lie where neighbours differ, which a and b do not tell."""
    errors = [19.0, 90, 80, 70, 0, 60, 0, 0, 50]
    dense = judged(errors, [0, 5, 4, 3, 2, 0, 0, 1, 0])
    odd = judged(errors, [5, 0, 0, 0, 4, 0, 3, 2, 0], [0, 5, 4, 3, 0, 2, 0, 0, 1])
    lungs = [dataclasses.replace(dense, patient=name, slice_mm=5.0) for name in "ab"]
    weights = print_left_out([*lungs, dataclasses.replace(odd, patient="c", slice_mm=5.0)])
    assert weights[0][2] > 0 and weights[2].tolist() == [1, 0, 0, 0]
    assert capsys.readouterr().out.splitlines()[2:] == [
        "| a | 5 | 3 | 5 | 1.8 | 1.2 | 69% |",
        "| b | 5 | 3 | 5 | 1.8 | 1.2 | 69% |",
        "| c | 5 | 1 | 5 | 1.8 | 0.5 | 31% |",
        "| **all** | 15 | 7 (47%) | 15 (100%) | 5.2 | 2.9 (56.1%) | 56% |",
    ]


def test_errors_as_other_readers_would_measure_them() -> None:
    """Protects the figures of how many slices can be found at all; lungs are squares of 20 mm, slices 1 mm."""
    reference = np.zeros((5, 40, 40), bool)
    reference[:, 10:30, 10:30] = True
    found, hu = reference.copy(), np.full((5, 40, 40), -900, np.int16)
    found[1, 10:30, 30:35] = True  # five columns too many, of which three lie more than 2 mm from the outline
    reference[3, 10:30, 10:20] = False  # half of a lung, as its neighbours do not show it
    hu[0, 28:30, 10:30] = -400  # two rows at the outline
    informed = informed_errors(found, reference, hu, (1.0, 1.0, 1.0))
    assert error_mm2(found, reference, (1.0, 1.0, 1.0)).tolist() == [0, 60, 0, 160, 0]
    assert informed["mean error of both neighbours"].tolist() == [30, 0, 110, 0, 80]
    assert informed["wrong area without tolerance"].tolist() == [0, 100, 0, 200, 0]
    assert informed["reference drawn in every second slice"].tolist() == [0, 60, 0, 0, 0]
    assert informed["reference with its edge at -500 HU"].tolist() == [0, 60, 0, 160, 0]
    hu[1, 10:30, 28:30] = -500
    assert informed_errors(found, reference, hu, (1.0, 1.0, 1.0))["reference with its edge at -500 HU"][1] == 100
    single = informed_errors(found[:1], reference[:1], hu[:1], (1.0, 1.0, 1.0))
    assert all(errors.tolist() == [0] for name, errors in single.items())
