"""benchmarks/calibration.py: the model card's figures of warnings, by hand."""

from __future__ import annotations

import pytest
from calibration import Judged, choose_threshold, judged_slices, leave_one_patient_out, poor_below_good, warned

SLICES = [
    Judged("a", True, 0.91),
    Judged("a", False, 0.99),
    Judged("b", True, 0.956),
    Judged("b", False, 0.98),
    Judged("c", True, 0.985),
    Judged("c", False, 0.97),
]


def test_rows_without_lung_are_left_out_and_nothing_found_is_no_confidence() -> None:
    rows = [
        {"case": "P_x_1", "dsc": 0.94, "reference_ml": 2.0, "confidence": 0.96},
        {"case": "P_x_2", "dsc": 0.0, "reference_ml": 0.5, "confidence": None},
        {"case": "P_y_1", "dsc": float("nan"), "reference_ml": 0.0, "confidence": None},
    ]
    assert judged_slices(rows) == [Judged("P_x", True, 0.96), Judged("P_x", True, 0.0)]


def test_the_threshold_parts_poor_from_good() -> None:
    """From 0.96 to 0.97 two of the poor ones and none of the good lie below."""
    assert warned(SLICES, 0.97) == (2, 0)
    assert choose_threshold(SLICES) == 0.96


def test_each_patient_is_judged_by_a_threshold_that_did_not_see_it() -> None:
    """Without c the poor ones end at 0.956: 0.96. Without b they are 0.91 and 0.985: 0.915, and b's is missed."""
    thresholds, of_poor, of_good = leave_one_patient_out(SLICES)
    assert thresholds == [0.96, 0.915, 0.96]
    assert (of_poor, of_good) == (1, 0)


def test_pairs_of_poor_and_good() -> None:
    """0.91 and 0.956 lie below all three good ones, 0.985 below one of them: 7 of 9."""
    assert poor_below_good(SLICES) == pytest.approx(7 / 9)
