"""Writes a batch's index.html: a table of all scans that sorts and filters, with pictures, most doubtful first.

The rows are data in the page, and only those that are looked at become elements of it: two thousand scans do not freeze
a browser. Pictures are loaded from beside the page as they come into view; nothing is loaded from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.batch.table import DONE, Row, is_doubtful
from LungUNetSegLib.evaluation.report.html import page, tiles
from LungUNetSegLib.files import replacing
from LungUNetSegLib.segmentation.quality import LOW_CONFIDENCE

SHOWN = (
    ("name", "scan"),
    ("site", "site"),
    ("scanner", "scanner"),
    ("kernel", "kernel"),
    ("thickness_mm", "thickness mm"),
    ("slices", "slices"),
    ("right_ml", "right ml"),
    ("left_ml", "left ml"),
    ("total_ml", "total ml"),
    ("total_mean_hu", "mean HU"),
    ("confidence", "confidence"),
    ("seconds", "seconds"),
    ("remarks", "remarks"),
)
"""Columns of the page, by their names in the table and for people."""

DECIMALS = {"confidence": 3, "thickness_mm": 2, "seconds": 1}

STYLE, SCRIPT = (Path(__file__).with_name(name).read_text("utf-8") for name in ("page.css", "page.js"))


def write_page(path: Path, rows: Sequence[Row], reports: Sequence[Mapping[str, Any]]) -> None:
    """Write the page.

    Args:
        path: Beside the folder of the scans.
        rows: From `table.row_of`.
        reports: What they were made from.

    Raises:
        WriteError: It cannot be written.
    """
    saved = Store(path.parent).plan
    plan = saved.relative_to(path.parent).as_posix() if saved.exists() else ""
    with replacing(path, ".html") as draft:
        draft.write_text(page("Lungs of many scans", _body(rows, reports, plan)), encoding="utf-8", errors="replace")


def _body(rows: Sequence[Row], reports: Sequence[Mapping[str, Any]], plan: str) -> str:
    done = [row for row in rows if row["status"] == DONE]
    doubtful = sum(map(is_doubtful, done))
    counts = (
        (str(len(done)), "segmented"),
        (str(len(rows) - len(done)), "failed"),
        (str(doubtful), f"doubtful: no lung found, or confidence below {LOW_CONFIDENCE}"),
    )
    scans = sorted(map(_scan, rows, reports), key=_doubt)
    left_out = f' What was left out of the source, and why: <a href="{plan}">{plan}</a>.' if plan else ""
    data = json.dumps({"columns": SHOWN, "decimals": DECIMALS, "low": LOW_CONFIDENCE, "scans": scans})
    data = data.replace("<", "\\u003c")  # no text of a header can end the script
    return f"""<style>
{STYLE}</style>
<h1>Lungs of {len(rows)} scans</h1>
<p class="soft">LungUNetSeg {escape(LungUNetSegLib.__version__)}. Not a medical device. Numbers of all scans:
<a href="results.csv">results.csv</a>; its columns are explained in docs/json.md.{left_out}</p>
<p class="soft">Failed and doubtful scans come first. Click a scan for its remarks in words, its slices to look at
first and its files; click a column's title to sort.</p>
{tiles(counts)}
<p class="tools"><input id="filter" type="search" aria-label="filter"
placeholder="filter: any text of a scan, such as a site or a remark">
<select id="status" aria-label="which scans"><option value="">all</option><option value="done">segmented</option>
<option value="doubtful">doubtful</option><option value="failed">failed</option></select>
<span id="count" class="soft"></span></p>
<div class="wide"><table id="scans"><thead></thead><tbody></tbody></table><div id="more"></div></div>
<script type="application/json" id="data">{data}</script>
<script>
{SCRIPT}</script>"""


def _scan(row: Row, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page's values for a scan."""
    findings = report.get("findings", [])
    identity = [str(each) for each in report.get("identity", {}).values() if each]
    # Which file it was is said beside the error.
    error = (row["error"] or "").removeprefix(f"{report.get('identity', {}).get('path')}: ")
    return {
        **{name: row.get(name) for name, _ in SHOWN},
        "status": row["status"],
        "identity": identity,
        "remarks": error or ", ".join(finding["code"] for finding in findings),
        "messages": [error] if error else [finding["message"] for finding in findings],
        "files": list(report.get("outputs", ())),
    }


def _doubt(scan: Mapping[str, Any]) -> tuple[bool, float, str]:
    """Return the sort key: failed scans first, then those without lung, then by confidence."""
    confidence = scan["confidence"]
    return scan["status"] == DONE, -1.0 if confidence is None else confidence, scan["name"]
