"""Draws the paper's figures 2 to 11 for a training, as PNG files and one HTML page.

Needs matplotlib (in the training extra), but no display.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import INSTALL_TRAIN, MissingDependencyError
from LungUNetSegLib.evaluation.report.charts import shorten
from LungUNetSegLib.evaluation.report.examples import Role, pick_examples
from LungUNetSegLib.evaluation.report.html import data_url, page
from LungUNetSegLib.files import replacing
from LungUNetSegLib.paper.slices import SliceScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, float]]

TRAINING, VALIDATION, NOTE = "#1f6f8b", "#e08a2c", "#5c6b78"
EXAMPLES = 3
"""Rows of a gallery, as in the paper."""

ROLES: tuple[tuple[Role, str], ...] = (("best", "best"), ("worst", "worst"), ("in between", "in-between"))


def write_figures(
    folder: Path, history: History, training: SliceScores, test: SliceScores, longer: History | None = None
) -> list[Path]:
    """Write figures 2 to 11 and ``figures.html``.

    Args:
        folder: Created if missing.
        history: One row per epoch: ``train_loss``, ``train_accuracy`` and, where there is validation, ``val_loss``,
            ``val_accuracy`` (`training.history`).
        training: Scores of the training slices.
        test: Scores of the test slices.
        longer: History of a longer training (the paper's 20 epochs), for figure 3; without it figure 3 is left out.

    Returns:
        The files written, the page last.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        WriteError: The folder cannot be written to.
    """
    figures: dict[int, tuple[str, Figure]] = {}
    for number, rows in ((2, history), (3, longer)):
        if rows:
            figures[number] = (f"Loss and binary accuracy over {len(rows)} epochs", learning_curves(rows))
    for first, name, scores in ((4, "training", training), (5, "test", test)):
        figures[first] = (f"Binary accuracy and DSC of the {name} slices", score_curves(scores))
    for first, name, scores in ((6, "training", training), (9, "test", test)):
        for offset, (role, title) in enumerate(ROLES):
            figures[first + offset] = (f"{title.capitalize()} DSC among the {name} slices", gallery(scores, role))
    folder.mkdir(parents=True, exist_ok=True)
    paths, parts = [], []
    for number, (caption, figure) in sorted(figures.items()):
        path = folder / f"figure_{number:02d}.png"
        with replacing(path, ".png") as draft:
            figure.savefig(draft, dpi=110)
        paths.append(path)
        parts.append(_figure_html(f"Figure {number}. {caption}", path))
    body = f"<h1>The paper's figures</h1>{_summary('Training', training)}{_summary('Test', test)}{''.join(parts)}"
    with replacing(folder / "figures.html", ".html") as draft:
        draft.write_text(page("The paper's figures", body), encoding="utf-8")
    return [*paths, folder / "figures.html"]


def learning_curves(history: History) -> Figure:
    """Return figures 2 and 3: loss and binary accuracy by epoch."""
    figure = _figure(9, 3.4)
    epochs = np.arange(1, len(history) + 1)
    for axes, name, title in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("Loss", "Binary accuracy"), strict=True):
        for prefix, colour, label in (("train", TRAINING, "training"), ("val", VALIDATION, "validation")):
            values = [row.get(f"{prefix}_{name}", np.nan) for row in history]
            if np.isfinite(values).any():
                axes.plot(epochs, values, color=colour, label=label, marker="o", markersize=3)
        _label(axes, title, "epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    return figure


def score_curves(scores: SliceScores) -> Figure:
    """Return figures 4 and 5: binary accuracy and DSC of each slice in order, and how often each value occurs."""
    figure = _figure(9, 5.6)
    values = ((scores.accuracy, "Binary accuracy", TRAINING), (scores.dsc, "DSC", VALIDATION))
    for (curve, histogram), (each, title, colour) in zip(
        figure.subplots(2, 2, width_ratios=(2, 1)), values, strict=True
    ):
        summary = scores.summaries["dsc" if title == "DSC" else "accuracy"]
        curve.plot(each, color=colour, linewidth=0.8, marker=".", markersize=2.5)
        _label(curve, f"{title}: mean {summary.mean:.3f}, median {summary.median:.3f}", "slice")
        curve.set(xlim=(-1, len(each)), ylim=(-0.03, 1.03))
        histogram.hist(each[np.isfinite(each)], bins=np.linspace(0, 1, 26), color=colour)
        note = f"\n{summary.undefined} more: no lung, none found" if summary.undefined else ""
        _label(histogram, f"{summary.finite} slices{note}", title)
        histogram.set_ylabel("slices")
        histogram.yaxis.get_major_locator().set_params(integer=True)
    return figure


def gallery(scores: SliceScores, role: Role) -> Figure:
    """Return one of figures 6 to 11: image, reference and prediction of the best, worst or in-between slices."""
    chosen = [index for kind, index in pick_examples(scores.from_worst(), EXAMPLES) if kind == role][:EXAMPLES]
    figure = _figure(7.2, 2.5 * max(len(chosen), 1))
    if not chosen:
        figure.text(0.5, 0.5, "too few slices with lung", ha="center", color=NOTE)
        return figure
    grid = figure.subplots(len(chosen), 3, squeeze=False)
    for row, index in zip(grid, chosen, strict=True):
        image, reference, prediction = (
            np.squeeze(np.asarray(each[index])) for each in (scores.images, scores.references, scores.predictions)
        )
        # Ignores the few pixels of metal, which would make lung as dark as air.
        low, high = np.percentile(image, (0.5, 99.5))
        _show(row[0], image, low, high, shorten(scores.cases[index], 28))
        _show(row[1], reference, 0, 1, "reference")
        _show(row[2], prediction, 0, 1, f"prediction, DSC {scores.dsc[index]:.3f}")
    return figure


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(f"Figures need matplotlib, which is not installed: {INSTALL_TRAIN}.") from None
    return Figure(figsize=(width, height), layout="constrained")


def _show(axes: Axes, plane: npt.NDArray[Any], low: float, high: float, title: str) -> None:
    axes.imshow(plane, cmap="gray", vmin=low, vmax=high)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_axis_off()


def _label(axes: Axes, title: str, x_label: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _summary(name: str, scores: SliceScores) -> str:
    dsc, accuracy = scores.summaries["dsc"], scores.summaries["accuracy"]
    sentences = (
        f"{accuracy.finite} slices of {len(set(scores.cases))} case(s).",
        f"Mean binary accuracy {accuracy.mean:.4f}; mean DSC {dsc.mean:.3f} over the {dsc.finite} slices with a DSC.",
        f"In {scores.false_alarms} of these lung was predicted where there is none, in {scores.misses} all of it was",
        f"missed (DSC 0). {dsc.undefined} slices were empty and left empty: they have none.",
    )
    return f"<p><b>{escape(name)}</b>: {' '.join(sentences)}</p>"


def _figure_html(caption: str, path: Path) -> str:
    image = f'<img alt="{escape(caption)}" src="{data_url(path.read_bytes())}">'
    return f"<h3>{escape(caption)}</h3><figure>{image}</figure>"
