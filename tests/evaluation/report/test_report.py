"""The report at its edges: one slice, one region, no lung, no case left; and its charts."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.evaluation.disagreements import Disagreement, Disagreements
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, describe_comparison
from LungUNetSegLib.evaluation.report.charts import Series, dot_chart, line_chart, nice_ticks
from LungUNetSegLib.evaluation.report.disagreements import disagreements_section
from LungUNetSegLib.evaluation.report.report import about, build_report
from LungUNetSegLib.evaluation.report.tables import COLUMNS, Column
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
    assert "<th>Both lungs</th>" in page and "Right lung" not in page


def test_no_lung_anywhere(head_phantom: Phantom) -> None:
    labels = head_phantom.labels
    page = build_report([describe_comparison("head", compare(labels, labels))], about())
    assert "No slice holds lung." in page and "in neither label map" in page


def test_cases_are_sorted_by_a_number_that_is_shown(small_phantom: Phantom) -> None:
    """By the lowest DSC, mostly the worse lung's: both lungs' DSC alone would look unsorted."""
    labels = small_phantom.labels
    half = np.where((labels.array == 2) & (np.arange(labels.array.shape[1])[:, None] > 32), 0, labels.array)
    comparison = compare(Volume(half.astype(np.uint8), labels.geometry), labels)
    cases = [describe_comparison("a", comparison), describe_comparison("b", compare(labels, labels))]
    page = build_report(cases, about())
    rows = page.split("<h3>Both lungs</h3>")[1].split("</table>")[0].split("<tr>")
    assert "<th>Lowest DSC</th>" in rows[1]
    assert f"</a></td><td>{comparison.regions[1].dsc:.3f}</td>" in rows[2] and "</a></td><td>1.000</td>" in rows[3]


def test_the_headline_says_how_many_distances_are_infinite(small_phantom: Phantom) -> None:
    """Protects from a median that gets better with each missed scan: a distance from nothing is in no statistic."""
    labels = small_phantom.labels
    missed = compare(Volume(np.zeros_like(labels.array), labels.geometry), labels)
    cases = [describe_comparison("missed", missed), describe_comparison("found", compare(labels, labels))]
    headline = build_report(cases, about()).split("<h2>")[0]
    assert (
        headline.count("median of 1, 0.00 to 0.00; 1 infinite") == headline.count("median of 1, 0.0 to 0.0; 1 inf") == 1
    )
    assert headline.count("median of 2, 0.000 to 1.000<") == 2


def test_no_two_cases_share_an_id(small_phantom: Phantom) -> None:
    """Protects the second of P1.2 and P1-2 from the first one's CT: a picture is drawn once and used by its id."""
    comparison = compare(small_phantom.labels, small_phantom.labels)
    names = ("P1.2", "P1-2", "P1_2", "P1-2-3", "P\u00b9 2")
    page = build_report([describe_comparison(name, comparison, small_phantom.ct) for name in names], about())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 2 * len(names)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_each_of_several_cases_begins_on_a_page_of_its_own_in_print(small_phantom: Phantom) -> None:
    """But a single one stands under the title; the first page would be empty else."""
    case = describe_comparison("a", compare(small_phantom.labels, small_phantom.labels))
    assert build_report([case], about()).count('class="case paged"') == 0
    assert build_report([case, case], about()).count('class="case paged"') == 2


def test_names_that_differ_by_a_full_stop_lead_to_their_own_case(small_phantom: Phantom) -> None:
    """Protects from the CT of one patient under another's scores: P1.2 and P1-2 once had one id."""
    labels, scan = small_phantom.labels, small_phantom.ct
    other = Volume(-scan.array - 1000, scan.geometry)
    comparison = compare(labels, labels)
    cases = [describe_comparison(name, comparison, image) for name, image in (("P1.2", scan), ("P1-2", other))]
    page = build_report(cases, about())
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 2
    used = set(re.findall(r'href="#([^"]+)"', page))
    assert used <= set(ids)


def test_a_wide_table_stays_within_the_page(small_phantom: Phantom) -> None:
    """Protects the many cases of a hospital, whose names are long and whose remarks are many."""
    case = describe_comparison("1.2.840." * 20, compare(small_phantom.labels, small_phantom.labels))
    page = build_report([case, case], about())
    assert page.count('<div class="scroll"><table>') == page.count("<table>") > 0
    assert "overflow-wrap: anywhere" in page


def test_no_case_left() -> None:
    page = build_report([EvaluatedCase(name="a", error="lost"), EvaluatedCase(name="b", error="broken")], about())
    assert "2 of 2 cases failed" in page and "broken" in page


def test_facts_of_the_caller_are_shown(small_phantom: Phantom) -> None:
    labels = single_slice(small_phantom)
    page = build_report([describe_comparison("x", compare(labels, labels))], about(Model="lungs <1>"))
    assert "<dt>Model</dt><dd>lungs &lt;1&gt;</dd>" in page and "SimpleITK" in page


def test_pictures_say_which_side_is_which_and_show_the_largest_error(small_phantom: Phantom) -> None:
    labels = small_phantom.labels
    wrong = labels.array.copy()
    wrong[12, 20:44, 30:40] = 1
    wrong[np.flatnonzero(wrong.any(axis=(1, 2)))[0]] = 0  # a sliver missed: DSC 0
    comparison = compare(Volume(wrong, labels.geometry), labels)
    page = build_report([describe_comparison("x", comparison, examples=1)], about())
    assert "Lung missed or invented: DSC 0.000" in page
    both, right, left = (region.dsc_by_slice[12] for region in (comparison.whole, *comparison.regions[:2]))
    sides = f"<small>right lung {right:.3f}, left lung {left:.3f}, slice 13"
    assert f"Most wrong voxels: DSC {both:.3f} {sides}" in page
    assert "most wrong voxels: slice 13" in page  # in the chart
    assert "The patient's right is on the left" in page


def test_a_case_lists_where_the_two_differ(small_phantom: Phantom) -> None:
    """Protects the rows of disagreements, and that an infinite distance is a sign and not a word."""
    prediction = Volume(
        np.where(small_phantom.labels.array == 2, 0, small_phantom.labels.array), small_phantom.labels.geometry
    )
    case = describe_comparison("x", compare(prediction, small_phantom.labels))
    page = build_report([case], about())
    assert case.disagreements is not None
    (part,) = case.disagreements.parts
    place = f'<td class="words">left lung, {part.third} third</td><td>{part.slice + 1}</td>'
    assert f"<td>left out: in the reference only</td>{place}" in page, "words begin at the left"
    assert f"<td>{part.volume_ml:.1f}</td><td>∞</td>" in page
    assert "0.0 ml left out, 0.0 ml taken in, 0.0 ml given to the other lung." in page


def test_smaller_disagreements_are_summed_up() -> None:
    """Protects the sentence below a table that does not show all rows."""
    part = Disagreement(kind="left-out", lung="left", third="apical", volume_ml=0.5, distance_mm=3.0, slice=0,
                        point_lps=(0.0, 0.0, 0.0))  # fmt: skip
    found = Disagreements(parts=(part,) * 22, rest_ml={"left-out": 4.0, "taken-in": 0.25, "other-side": 0.0})
    page = disagreements_section(found, [-12.0])
    assert page.count("left lung, apical third</td>") == 20 and "<td>\N{MINUS SIGN}12.0</td>" in page
    assert "2 smaller ones, 1.0 ml together, are not shown." in page and "4.0 ml left out, 0.2 ml taken in" in page


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
    ("field", "value", "text", "page_text"),
    [
        ("dsc", 0.98765, "0.988", "0.988"),
        ("dsc", math.nan, "n/a", "–"),
        ("hd_mm", math.inf, "inf", "∞"),
        ("difference_ml", 12.4, "+12", "+12"),
        ("difference_ml", -0.2, "0", "0"),
        ("difference_percent", -1.26, "-1.3", "\N{MINUS SIGN}1.3"),
    ],
)
def test_numbers_for_people(field: str, value: float, text: str, page_text: str) -> None:
    """Protects terminals, which may know ASCII only, and readers of pages, on which a minus is no hyphen."""
    column: Column = next(each for each in COLUMNS if each.field == field)
    assert column.text(value) == text and text.isascii()
    assert column.page_text(value) == page_text


def test_heights_below_zero_have_a_real_minus() -> None:
    """Protects the axis of a chart, which had hyphens beside the tables' minus signs."""
    chart = line_chart([-200.0, -100.0], [Series(name="DSC", colour="red", values=[1.0, 1.0])], "mm", {})
    assert ">\N{MINUS SIGN}200</text>" in chart and ">-" not in chart
