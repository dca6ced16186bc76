"""What the page says about scans, results and comparisons, as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from LungUNetSegLib.evaluation.report.pictures import DIFFERENCE_COLOURS
from LungUNetSegLib.evaluation.report.tables import COLUMNS
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.display import DIFFERENCES
from LungUNetSegSlicer.panel.texts import finding_heading, reason_text, result_rows, time_text
from LungUNetSegSlicer.web.viewer.downloads import offered
from LungUNetSegSlicer.web.viewer.scans import OpenScan


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

    A slice that is doubtful for both lungs is listed once, with the greater doubt's reason.
    """
    upright = labels.canonical()
    found = {each["slice"]: reason_text(each["reason"]) for each in reversed(result["doubtful_slices"])}
    places = []
    for index, reason in sorted(found.items()):
        x, y, z = upright.geometry.slice_centre_lps(index)
        places.append({"title": f"Slice {index + 1}: {reason}", "ras": [-float(x), -float(y), float(z)]})
    return places


def comparison_of(scan: OpenScan) -> dict[str, Any] | None:
    """Return a comparison: a table of scores, the curve of each lung by slice, warnings and colours."""
    if scan.comparison is None:
        return None
    found = scan.comparison.comparison
    return {
        "reference": scan.comparison.reference_node.GetName(),
        "columns": [each.name for each in found.regions],
        "rows": [
            {
                "title": f"{column.title}, {column.unit}" if column.unit else column.title,
                "values": [column.text(getattr(each, column.field)) for each in found.regions],
            }
            for column in COLUMNS
        ],
        "curves": [
            {"name": each.name, "values": [_finite(value) for value in each.dsc_by_slice]} for each in found.regions
        ],
        "warnings": [{"heading": "", "message": each.message} for each in scan.comparison.findings],
        "colours": [
            {"name": each.name, "colour": "#" + bytes(DIFFERENCE_COLOURS[each.label][:3]).hex()} for each in DIFFERENCES
        ],
    }


def css_colour(colour: Sequence[float]) -> str:
    """Return RGB from 0 to 1 as CSS."""
    return "#" + bytes(round(255 * each) for each in colour).hex()


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
