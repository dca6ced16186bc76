"""The paper's figures are drawn, each from the slices it should show."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.errors import MissingDependencyError
from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.paper.figures import gallery, learning_curves, score_curves, write_figures
from LungUNetSegLib.paper.slices import SliceScores, evaluate_slices
from LungUNetSegLib.phantom import Phantom

HISTORY = [{"epoch": n + 1.0, "train_loss": 1 / (n + 1), "train_accuracy": 1 - 0.1 / (n + 1)} for n in range(10)]


@pytest.fixture(scope="module")
def scores(small_phantom: Phantom) -> SliceScores:
    """The phantom's slices against themselves shifted by as many pixels as their number."""
    references = small_phantom.labels.array > 0
    predictions = [np.roll(mask, index // 4, axis=1) for index, mask in enumerate(references)]
    return evaluate_slices(small_phantom.ct.array, references, predictions, ["phantom"] * len(references))


def test_all_figures_and_the_page_are_written(scores: SliceScores, tmp_path: Path) -> None:
    paths = write_figures(tmp_path / "figures", HISTORY, scores, scores, longer=HISTORY * 2)
    assert [path.name for path in paths] == [*(f"figure_{n:02d}.png" for n in range(2, 12)), "figures.html"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[:-1])
    page = paths[-1].read_text()
    assert page.count("<img") == 10 and "http" not in page and f"{scores.summaries['dsc'].undefined} slices" in page


def test_figure_3_needs_a_longer_training(scores: SliceScores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, path, **how: Path(path).touch())  # in no time
    assert len(write_figures(tmp_path, HISTORY, scores, scores)) == 10


def test_learning_curves_show_validation_where_there_is_one() -> None:
    with_validation = [row | {"val_loss": 1.0, "val_accuracy": 0.9} for row in HISTORY]
    assert [len(axes.lines) for axes in learning_curves(HISTORY).axes] == [1, 1]
    assert [len(axes.lines) for axes in learning_curves(with_validation).axes] == [2, 2]


def test_score_curves_leave_out_what_has_no_score(scores: SliceScores) -> None:
    """Histograms count the slices that have a DSC, and say how many have none."""
    axes = score_curves(scores).axes
    bars = [sum(patch.get_height() for patch in each.patches) for each in axes]
    assert bars == [0, len(scores.dsc), 0, scores.summaries["dsc"].finite]
    assert "no lung, none found" in axes[3].get_title(loc="left")


def test_notes_leave_the_bars_alone_and_counts_are_whole_numbers() -> None:
    """In the paper's histograms the highest bar stands at 0, in the corner that is free else."""
    half, empty = np.eye(4, dtype=bool), np.zeros((4, 4), bool)
    figure = score_curves(evaluate_slices([empty] * 1002, [half, half] + [empty] * 1000, [empty] * 1002))
    figure.draw_without_rendering()
    for axes in (figure.axes[1], figure.axes[3]):
        assert not axes.texts
        assert axes._left_title.get_window_extent().x1 < figure.bbox.x1
        assert axes.get_ylabel() == "slices"
        assert all(float(tick).is_integer() for tick in axes.get_yticks())


@pytest.mark.parametrize("role", ["best", "worst", "in between"])
def test_gallery_rows_are_image_reference_prediction(scores: SliceScores, role: str) -> None:
    axes = gallery(scores, role).axes
    assert len(axes) == 9
    values = [float(each.get_title(loc="left").split()[-1]) for each in axes[2::3]]
    worst, best = np.nanmin(scores.dsc), np.nanmax(scores.dsc)
    assert (values[0] == pytest.approx(worst, abs=1e-3)) == (role == "worst")
    assert (values[0] == pytest.approx(best, abs=1e-3)) == (role == "best")


def test_gallery_shows_a_mask_of_every_pixel_and_lungs_beside_metal() -> None:
    """By itself matplotlib draws all-true as black as all-false, and lungs beside a pacemaker as black as air."""
    hu = np.full((20, 20), 40)
    hu[5:15, 5:15] = -850
    hu[0, 0], hu[0, 1] = 30_000, -1024
    everything, lung = np.ones_like(hu, bool), hu < -800
    axes = gallery(evaluate_slices([hu], [lung], [everything]), "worst").axes
    low, high = axes[0].images[0].get_clim()
    assert -1024 <= low <= -850 and 40 <= high < 2000
    assert [each.images[0].get_clim() for each in axes[1:]] == [(0, 1), (0, 1)]


def test_titles_of_a_gallery_do_not_run_into_each_other(scores: SliceScores) -> None:
    names = [f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{n:030d}" for n in range(len(scores.cases))]
    figure = gallery(dataclasses.replace(scores, cases=names), "worst")
    figure.draw_without_rendering()
    first, second, third = (axes._left_title.get_window_extent() for axes in figure.axes[:3])
    assert first.x1 < second.x0 and second.x1 < third.x0


def test_gallery_without_lungs_says_so(scores: SliceScores) -> None:
    empty = [np.zeros((4, 4), bool)] * 2
    nothing = evaluate_slices(empty, empty, empty)
    assert gallery(nothing, "best").texts[0].get_text() == "too few slices with lung"


def test_missing_matplotlib_is_named(scores: SliceScores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="matplotlib"):
        score_curves(scores)


def test_report_needs_no_matplotlib(monkeypatch: pytest.MonkeyPatch, small_phantom: Phantom) -> None:
    """Slicer ships none."""
    from LungUNetSegLib.evaluation.evaluate import describe_comparison
    from LungUNetSegLib.evaluation.report.report import about, build_report

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    comparison = compare(small_phantom.labels, small_phantom.labels)
    assert "<svg" in build_report([describe_comparison("x", comparison, small_phantom.ct)], about())
