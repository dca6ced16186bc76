"""Writes the page of `make demo`: volumes, findings, the views and, if there is a reference, all scores."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from LungUNetSegLib.evaluation.evaluate import EvaluatedCase
from LungUNetSegLib.evaluation.report.html import data_url, findings_list, page, tiles, with_unit
from LungUNetSegLib.evaluation.report.report import about, case_section, footer
from LungUNetSegLib.files import replacing
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.texts import number_text


def write_page(path: Path, name: str, summary: Mapping[str, Any], scored: EvaluatedCase | None, views: Path) -> None:
    """Write one HTML file that needs nothing else.

    Args:
        path: Path of the page.
        name: Name of the scan.
        summary: From `LungUNetSegLib.segmentation.summary.report`, with "input".
        scored: The comparison with a reference; None without one.
        views: The picture of the views; left out if there is no such file, as on a machine that cannot draw.

    Raises:
        WriteError: The file cannot be written.
    """
    facts = about(
        Scan=summary["input"],
        Model=f"{summary['model']['name']}, SHA-256 {summary['model']['sha256']}",
        Engine=summary["engine"],
    )
    parts = [f"<h1>Lungs of {escape(name)}</h1>", f'<p class="soft">{escape(summary["methods"])}</p>', _tiles(summary)]
    parts.append(findings_list(finding["message"] for finding in summary["findings"]))
    if views.exists():
        alt = "Axial, coronal, sagittal and 3D view of the scan with its lungs"
        parts.append(f'<figure style="margin:22px 0"><img src="{data_url(views.read_bytes())}" alt="{alt}"></figure>')
    if scored is not None:
        parts.append(case_section(scored, "reference", "Compared with the reference"))
    parts.append(footer(facts) if scored is not None else footer(facts, definitions=""))
    with replacing(path, ".html") as draft:
        draft.write_text(page(f"Lungs of {name}", "\n".join(parts)), encoding="utf-8")


def _tiles(summary: Mapping[str, Any]) -> str:
    shown = []
    for key, title in LUNG_TITLES.items():
        volume_ml, mean_hu = summary["volumes_ml"][key], summary["mean_hu"][key]
        if volume_ml is not None:
            density = "" if mean_hu is None else f"<br>mean density {number_text(mean_hu)} HU"
            shown.append((with_unit(f"{volume_ml:.0f}", "ml"), title + density))
    return tiles(shown)
