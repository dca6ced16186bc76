"""The report at its edges: one slice, one region, no lung, no case left; and its charts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from LungUNetSegLib.evaluation.charts import Series, dot_chart, line_chart, nice_ticks
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, describe_comparison
from LungUNetSegLib.evaluation.report import about, build_report
from LungUNetSegLib.evaluation.tables import COLUMNS, Column
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume


def single_slice(phantom: Phantom) -> Volume:
    shape = (1, *phantom.labels.geometry.shape[1:])
    return Volume(phantom.labels.array[12:13], Geometry(shape, phantom.labels.geometry.affine_lps))


def test_single_slice(small_phantom: Phantom) -> None:
    labels = single_slice(small_phantom)
    page = build_report([describe_comparison("slice", compare(labels, labels))], about())
    assert "Worst: DSC 1.000" in page and "Best" not in page


def test_both_lungs_as_one(small_phantom: Phantom) -> None:
    labels = small_phantom.labels
    page = build_report([describe_comparison("x", compare(labels, labels, "binary"))], about())
    assert "<th>Lungs</th>" in page and "<th>Right lung</th>" not in page


def test_no_lung_anywhere(head_phantom: Phantom) -> None:
    labels = head_phantom.labels
    page = build_report([describe_comparison("head", compare(labels, labels))], about())
    assert "No slice holds lung." in page and "in neither label map" in page


def test_no_case_left() -> None:
    page = build_report([EvaluatedCase(name="a", error="lost"), EvaluatedCase(name="b", error="broken")], about())
    assert "2 of 2 cases failed" in page and "broken" in page


def test_facts_of_the_caller_are_shown(small_phantom: Phantom) -> None:
    labels = single_slice(small_phantom)
    page = build_report([describe_comparison("x", compare(labels, labels))], about(Model="lungs <1>"))
    assert "<dt>Model</dt><dd>lungs &lt;1&gt;</dd>" in page and "SimpleITK" in page


def test_curve_breaks_off_where_there_is_no_score() -> None:
    series = Series(name="DSC", colour="red", values=[0.5, math.nan, 0.5, 0.7])
    chart = line_chart([0, 1, 2, 3], [series], "slice", {})
    curve = chart.split('fill="none" stroke="red"')[0].rsplit('d="', 1)[1]
    assert curve.count("M") == 2 and curve.count("L") == 1 and chart.count("<circle") == 3


def test_dots_stay_within_the_chart() -> None:
    chart = dot_chart(["a", "b"], [Series(name="DSC", colour="red", values=[0.13, 0.99])], "DSC")
    places = [float(part.split('"')[1]) for part in chart.split("<circle cx=")[1:]]
    assert len(places) == 2 and all(210 <= each <= 884 for each in places)


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-7, 55, [0, 20, 40]), (3, 3, [3])]
)
def test_ticks_are_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    np.testing.assert_allclose(nice_ticks(low, high), ticks, atol=1e-12)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("dsc", 0.98765, "0.988"),
        ("dsc", math.nan, "n/a"),
        ("hd_mm", math.inf, "inf"),
        ("difference_ml", 12.4, "+12"),
        ("difference_ml", -0.2, "0"),
        ("difference_percent", -1.26, "-1.3"),
    ],
)
def test_numbers_for_people(field: str, value: float, text: str) -> None:
    column: Column = next(each for each in COLUMNS if each.field == field)
    assert column.text(value) == text and text.isascii()
