"""The table of a report that says where two segmentations differ, largest first."""

from __future__ import annotations

from collections.abc import Sequence

from LungUNetSegLib.evaluation.compare import TOLERANCE_MM
from LungUNetSegLib.evaluation.disagreements import KINDS, LEAST_ML, Disagreements
from LungUNetSegLib.evaluation.report.html import table, with_unit
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.texts import number_text
from LungUNetSegLib.volume.geometry import slice_number

TITLES = {
    "left-out": "left out: in the reference only",
    "taken-in": "taken in: in the prediction only",
    "other-side": "given to the other lung",
}

SHOWN = 20
"""Rows of the table; scores.json has all."""

HEADER = (
    "Disagreement",
    "Where",
    "Slice",
    with_unit("z", "mm"),
    with_unit("Volume", "ml"),
    with_unit("Greatest distance", "mm"),
)


def disagreements_section(found: Disagreements, slice_z_mm: Sequence[float]) -> str:
    """Return the table and a sentence on what is not in it, as HTML.

    Args:
        found: From `find_disagreements`.
        slice_z_mm: Height of each slice.
    """
    rows = [
        [
            TITLES[each.kind],
            f"{LUNG_TITLES[each.lung].lower()}, {each.third} third",
            str(slice_number(each.slice)),
            number_text(slice_z_mm[each.slice], 1),
            number_text(each.volume_ml, 1),
            number_text(each.distance_mm, 1),
        ]
        for each in found.parts[:SHOWN]
    ]
    rest = f'<p class="soft">{rest_text(found, SHOWN)}</p>'
    return (table(HEADER, rows, words=(HEADER.index("Where"),)) if rows else "") + rest


def rest_text(found: Disagreements, shown: int) -> str:
    """Return a sentence on the disagreements that a table of so many rows does not show.

    Args:
        found: From `find_disagreements`.
        shown: Rows of the table.
    """
    left = found.parts[shown:]
    volumes = ", ".join(f"{found.rest_ml[kind]:.1f} ml {_SHORT[kind]}" for kind in KINDS)
    more = (
        f"{len(left)} smaller ones, {sum(each.volume_ml for each in left):.1f} ml together, are not shown. "
        if left
        else ""
    )
    return f"{more}Within {TOLERANCE_MM:g} mm of the other's edge, or in parts of less than {LEAST_ML:g} ml: {volumes}."


_SHORT = {"left-out": "left out", "taken-in": "taken in", "other-side": "given to the other lung"}
