"""The pictures of docs/architectures.md: accuracy against cost, and each network's worst slice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from architecture_scores import LUNGS

matplotlib.use("Agg")
from matplotlib import pyplot, ticker

IN_BOTH, FOUND_ONLY, MISSED = (0.45, 0.75, 0.45), (0.85, 0.2, 0.2), (0.2, 0.35, 0.85)
MARKERS = "os^Dvp"


def cost_figure(path: Path, costs: dict[str, Any], accuracy: dict[str, Any]) -> None:
    """Draw the mean DSC of each network, on volumes and on single slices, against its CPU time for a slice."""
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    for axis, (kind, title) in zip(axes, (("volumes", "Volumes"), ("slices", "Single slices")), strict=True):
        for (name, each), marker in zip(accuracy.items(), cycle(MARKERS), strict=False):
            if not (spread := each[kind, "trainings"]):
                continue
            ms = costs[name]["onnxruntime"]["cpu_ms"]
            mean = np.mean([each[kind, lung]["mean"] for lung in LUNGS])
            (dot,) = axis.plot(ms, mean, marker, label=name, alpha=0.8)
            axis.plot([ms] * len(spread), spread, "_", color=dot.get_color())
        axis.set(
            xscale="log", xlabel="CPU ms a slice, ONNX Runtime, one thread", ylabel="mean DSC of a lung", title=title
        )
        axis.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axis.xaxis.set_minor_locator(ticker.NullLocator())
        axis.margins(x=0.3, y=0.15)
        axis.grid(alpha=0.3)
    figure.suptitle("Large: mean of all lungs; dashes: mean of each training", fontsize=9)
    drawn = max((axis.get_legend_handles_labels() for axis in axes), key=lambda each: len(each[0]))
    figure.legend(*drawn, loc="outside lower center", ncols=6, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def worst_figure(path: Path, folder: Path, names: Sequence[str]) -> None:
    """Draw the slice that is kept of each network, as masks."""
    figure, axes = pyplot.subplots(2, (len(names) + 1) // 2, figsize=(10, 6.4), layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, names, strict=False):
        if not (folder / f"{name}.npz").exists():
            continue
        with np.load(folder / f"{name}.npz") as kept:
            found, reference = kept["prediction"], kept["reference"]
            box = _around((found > 0) | (reference > 0))
            found, reference = found[box], reference[box]
            picture = np.ones((*found.shape, 3))
            picture[(found > 0) & (found == reference)] = IN_BOTH
            picture[(found > 0) & (found != reference)] = FOUND_ONLY
            picture[(reference > 0) & (found == 0)] = MISSED
            rows, columns = kept["spacing_mm"]
            axis.imshow(picture, aspect=float(rows / columns), interpolation="nearest")
            title = f"{name}\n{kept['case']}, slice {int(kept['slice'])}, DSC of a lung {float(kept['dsc']):.3f}"
            axis.set_title(title, fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _around(mask: np.ndarray[Any, np.dtype[np.bool_]], margin: int = 8) -> tuple[slice, ...]:
    """Return the rectangle around a mask, and some pixels more."""
    spans = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return tuple(slice(max(0, at[0] - margin), at[-1] + 1 + margin) if at.size else slice(None) for at in spans)
