"""Makes what the page shows of scans, results and comparisons: texts and numbers, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from LungUNetSegLib.evaluation.evaluate import EvaluatedCase
from LungUNetSegLib.evaluation.report.pictures import DIFFERENCE_COLOURS
from LungUNetSegLib.evaluation.report.tables import COLUMNS
from LungUNetSegLib.files import finite
from LungUNetSegLib.texts import number_text, with_minus
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.geometry import slice_number
from LungUNetSegSlicer.compare.display import DIFFERENCES, DISTANCE_COLOURS
from LungUNetSegSlicer.panel.texts import (
    density_map_text,
    disagreement_text,
    finding_heading,
    place_text,
    reason_text,
    result_rows,
    time_text,
)
from LungUNetSegSlicer.scene.colour_maps import ColourMap
from LungUNetSegSlicer.scene.local_density import DENSITY_COLOURS
from LungUNetSegSlicer.scene.volume_bridge import point_to_ras
from LungUNetSegSlicer.web.viewer.downloads import offered
from LungUNetSegSlicer.web.viewer.offers import Offer
from LungUNetSegSlicer.web.viewer.scans import OpenScan

SHOWN = 10
"""Disagreements that the page lists; the report has twenty."""


def offer_row(offer: Offer) -> dict[str, str]:
    """Return a scan that was found for the list of those that can be opened."""
    return {"title": offer.title, "detail": offer.detail, "reason": offer.reason}


def scan_row(scan: OpenScan) -> dict[str, Any]:
    """Return a scan for the list of open scans."""
    text, share = scan.progress
    return {
        "number": scan.number, "name": scan.name, "status": scan.status, "message": scan.message, "stage": text,
        "share": share,
    }  # fmt: skip


def result_of(scan: OpenScan, doubtful: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a result: a table, warnings, where to look, the methods sentence and the downloads."""
    if scan.result is None:
        return None
    return {
        "rows": result_rows(scan.result),
        "warnings": [warning(each) for each in scan.result["findings"]],
        "time": time_text(scan.result),
        "methods": scan.result["methods"],
        "doubtful": list(doubtful),
        "downloads": offered(scan.scan),
        "segments": [
            {"id": each.segment_id, "name": each.name, "colour": css_colour(each.colour)} for each in scan.segments
        ],
    }


def warning(finding: Mapping[str, str]) -> dict[str, str]:
    """Return a finding's heading and message."""
    return {"heading": finding_heading(finding["code"]), "message": finding["message"]}


def doubtful_places(labels: Volume, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the slices to look at first: what each is called, and its middle in RAS mm.

    A slice that is doubtful for both lungs is listed once, with the greater doubt's reason. In an oblique scan they are
    not its own slices, so that the height says where they are.
    """
    left, back, _ = labels.geometry.corners_lps().mean(axis=0)
    found = {each["slice"]: each for each in reversed(result["doubtful_slices"])}
    places = []
    for index, each in sorted(found.items()):
        title = f"Slice {slice_number(index)}: {reason_text(each['reason'])}"
        places.append({"title": title, "ras": list(point_to_ras((left, back, each["height_mm"])))})
    return places


def comparison_of(scan: OpenScan) -> dict[str, Any] | None:
    """Return a comparison: scores, the curve of each lung by slice, where the two differ, warnings and colours."""
    if scan.comparison is None:
        return None
    found = scan.comparison.comparison
    return {
        "reference": scan.comparison.reference_node.GetName(),
        "columns": [each.title for each in found.regions],
        "rows": [
            {
                "title": column.heading,
                "values": [column.page_text(getattr(each, column.field)) for each in found.regions],
            }
            for column in COLUMNS
        ],
        "curves": [
            {"name": each.title, "values": [finite(value) for value in each.dsc_by_slice]} for each in found.regions
        ],
        "disagreements": disagreements_of(scan.comparison.case),
        "warnings": [{"heading": "", "message": each.message} for each in scan.comparison.findings],
        "colours": [
            {"name": each.name, "colour": "#" + bytes(DIFFERENCE_COLOURS[each.label][:3]).hex()} for each in DIFFERENCES
        ],
    }


def disagreements_of(case: EvaluatedCase) -> list[dict[str, Any]]:
    """Return the largest disagreements of a comparison: what each is called, its ml and mm, and its place in RAS mm."""
    parts = case.disagreements.parts[:SHOWN] if case.disagreements is not None else ()
    rows = []
    for each in parts:
        title = f"Slice {slice_number(each.slice)}: {disagreement_text(each.kind)}, {place_text(each.lung, each.third)}"
        values = [number_text(each.volume_ml, 1), number_text(each.distance_mm, 1)]
        rows.append({"title": title, "values": values, "ras": list(point_to_ras(each.point_lps))})
    return rows


def density_legend() -> dict[str, Any]:
    """Return what the colours of the map of local density mean."""
    return _legend(DENSITY_COLOURS, density_map_text())


def distance_legend() -> dict[str, Any]:
    """Return what the colours of a comparison's surface mean."""
    text = "In 3D: how far the result's surface lies inside (blue) or outside (red) of the reference's."
    return _legend(DISTANCE_COLOURS, text)


def _legend(colours: ColourMap, text: str) -> dict[str, Any]:
    """Return a sentence, and values with their colour and their place on the scale, from 0 to 1."""
    low, high = colours.ends
    points = [
        {
            "value": with_minus(f"{value:g} {colours.unit}"),
            "colour": css_colour(colour),
            "place": (value - low) / (high - low),
        }
        for value, colour in colours.points
    ]
    return {"text": text, "points": points}


def css_colour(colour: Sequence[float]) -> str:
    """Return RGB from 0 to 1 as CSS."""
    return "#" + bytes(round(255 * each) for each in colour).hex()
