"""Prints a plan for people, and saves it as JSON."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from LungUNetSegLib.batch.plan import Plan
from LungUNetSegLib.files import write_json
from LungUNetSegLib.texts import listed

PRINTED = 40
"""Number of lines of each kind that are printed, and of reasons for the rest; the saved plan has all."""

_COUNT = re.compile(r" \(\d+\)$")
"""How many files of a folder a reason is about."""


def print_plan(plan: Plan, saved: Path | None = None) -> None:
    """Print what is taken and why, then what is skipped: of the first each, of the rest how many for which reason.

    Places are given within the source, or within the folder in which it lies.

    Args:
        plan: The plan.
        saved: Where all of it can be read.
    """
    within = f"{plan.source if plan.source.is_dir() else plan.source.parent}{os.sep}"
    for each in plan.taken[:PRINTED]:
        scan = each.scan
        spacing = " x ".join(f"{step:.3g}" for step in scan.spacing_mm)
        size = " x ".join(map(str, scan.shape))
        print(f"+ {scan.place.removeprefix(within)} ({scan.title}): {size} voxels of {spacing} mm; {each.why}")
    _print_rest(len(plan.taken))
    for left in plan.skipped[:PRINTED]:
        title = f" ({left.title})" if left.title else ""
        print(f"- {left.place.removeprefix(within)}{title}: {left.why.replace(within, '')}")
    _print_rest(len(plan.skipped), ":")
    reasons = Counter(_COUNT.sub("", left.why) for left in plan.skipped[PRINTED:])
    for why, number in reasons.most_common(PRINTED):
        print(f"    {number} {why}")
    if saved and max(len(plan.taken), len(plan.skipped)) > PRINTED:
        print(f"the whole plan: {saved}")
    print(f"{len(plan.taken)} scans to segment, {len(plan.skipped)} skipped")


def left_out_text(plan: Plan) -> str:
    """Return for which reasons something was skipped, each once, the most frequent first."""
    reasons = Counter(_COUNT.sub("", each.why) for each in plan.skipped)
    return listed([why for why, _ in reasons.most_common()], separator="; ")


def _print_rest(number: int, end: str = "") -> None:
    if number > PRINTED:
        print(f"  and {number - PRINTED} more{end}")


def save_plan(plan: Plan, path: Path) -> None:
    """Write the whole plan as JSON.

    Raises:
        WriteError: It cannot be written.
    """
    content = {
        "source": str(plan.source),
        "taken": [
            {
                "place": each.scan.place,
                "title": each.scan.title,
                "why": each.why,
                "files": len(each.scan.files),
                "shape": list(each.scan.shape),
                "spacing_mm": list(each.scan.spacing_mm),
                "details": each.scan.details,
            }
            for each in plan.taken
        ],
        "skipped": [{"place": each.place, "title": each.title, "why": each.why} for each in plan.skipped],
        "reasons": dict(Counter(each.why for each in plan.skipped)),
    }
    write_json(path, content)
