"""The picture of docs/performance.md: where the time of a segmentation goes, beside an earlier checkout's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def profile_figure(path: Path, programs: Sequence[tuple[str, Mapping[str, float]]]) -> None:
    """Draw a bar for each program, in the order given from above, of the seconds of wall time of its stages."""
    figure, axis = pyplot.subplots(figsize=(9, 0.6 + 0.45 * len(programs)), layout="constrained")
    rows, names = range(len(programs)), list(programs[0][1])  # by number: two programs may have the same title
    starts = [0.0] * len(programs)
    for number, stage in enumerate(names):
        seconds = [of_program[stage] for _, of_program in programs]
        axis.barh(rows, seconds, left=starts, label=stage, color=f"C{number}")
        starts = [start + each for start, each in zip(starts, seconds, strict=True)]
    for row, total in enumerate(starts):
        axis.annotate(
            f"{total:.1f} s", (total, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    axis.set_yticks(rows, [title for title, _ in programs])
    axis.invert_yaxis()
    axis.set_xlim(0, 1.12 * max(starts))  # room for the numbers
    axis.set_xlabel("seconds of wall time, a volume in memory to final labels and measures")
    axis.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
