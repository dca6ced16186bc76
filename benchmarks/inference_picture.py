"""The picture of docs/performance.md: where the time of a segmentation goes, beside an earlier checkout's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def profile_figure(path: Path, stages: Mapping[str, Mapping[str, float]]) -> None:
    """Draw a bar for each program, in the order given from above, of the seconds of wall time of its stages."""
    figure, axis = pyplot.subplots(figsize=(9, 0.6 + 0.45 * len(stages)), layout="constrained")
    names = list(next(iter(stages.values())))
    starts = [0.0] * len(stages)
    for number, stage in enumerate(names):
        seconds = [of_program[stage] for of_program in stages.values()]
        axis.barh(list(stages), seconds, left=starts, label=stage, color=f"C{number}")
        starts = [start + each for start, each in zip(starts, seconds, strict=True)]
    for row, total in enumerate(starts):
        axis.annotate(
            f"{total:.1f} s", (total, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    axis.invert_yaxis()
    axis.margins(x=0.08)
    axis.set_xlabel("seconds of wall time, a volume in memory to final labels and measures")
    axis.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
