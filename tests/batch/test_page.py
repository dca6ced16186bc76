"""Pictures, tables and the page: what they show of a scan, worst first, and nothing that a header smuggles in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from LungUNetSegLib.batch.page import write_page
from LungUNetSegLib.batch.summary import summarise
from LungUNetSegLib.batch.table import COLUMNS, row_of, write_results
from LungUNetSegLib.batch.write import slices_to_draw
from LungUNetSegLib.segmentation.doubt import NO_DOUBTS, Doubts


def report(name: str, confidence: float | None, **more: Any) -> dict[str, Any]:
    """A report of a scan that is done, as `scan.json` holds it."""
    volumes = {"right": 10.0, "left": 20.0, "total": 30.0}
    quality = {"confidence": confidence, "cut_mm2": {"feet": 100.0, "head": 50.0}}
    return {
        "name": name, "identity": {}, "scanner": {"site": "Bern"}, "volumes_ml": volumes, "mean_hu": volumes,
        "quality": quality, "findings": [], "seconds": {"load": 9.0, "read": 1.0, "segment": 2.0}, "engine": "e",
        "lungunetseg": "1", "model": {"name": "m", "sha256": "s"},
        "geometry": {"shape": [3, 4, 5], "spacing_mm": [1.0, 2.0, 3.0]}, **more,
    }  # fmt: skip


def scans_of(path: Path) -> list[dict[str, Any]]:
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert data
    return json.loads(data[1])["scans"]


def test_the_page_begins_with_what_failed_and_then_the_most_doubtful(tmp_path: Path) -> None:
    failed = {"name": "f", "error": "too little memory", "identity": {}, "scanner": {}}
    reports = [report("good", 0.99), report("bad", 0.8), failed, report("no lung", None)]
    write_page(tmp_path / "index.html", [row_of(each) for each in reports], reports)
    assert [scan["name"] for scan in scans_of(tmp_path / "index.html")] == ["f", "no lung", "bad", "good"]


def test_remarks_are_short(tmp_path: Path) -> None:
    """Protects the width of the page: the path, which the identity has, stood in each remark."""
    findings = [{"code": "lung-cut", "message": "Cut."}, {"code": "no-lung", "message": "None."}]
    failed = {"name": "f", "error": "/in/f.nii: is broken.", "identity": {"path": "/in/f.nii"}, "scanner": {}}
    reports = [report("x", None, findings=findings), failed]
    write_page(tmp_path / "index.html", [row_of(each) for each in reports], reports)
    bad, good = scans_of(tmp_path / "index.html")
    assert bad["remarks"] == "is broken." and bad["messages"] == ["is broken."] and bad["identity"] == ["/in/f.nii"]
    assert good["remarks"] == "lung-cut, no-lung" and good["messages"] == ["Cut.", "None."]


def test_a_header_s_text_is_no_part_of_the_page(tmp_path: Path) -> None:
    """Protects who opens the page: a description may hold anything."""
    evil = "</script><script>alert(1)</script><!--"
    reports = [report("x", 0.9, identity={"description": evil}, scanner={"kernel": evil})]
    write_page(tmp_path / "index.html", [row_of(each) for each in reports], reports)
    text = (tmp_path / "index.html").read_text()
    assert "alert(1)" in text and evil not in text and text.count("<script") == 2
    assert scans_of(tmp_path / "index.html")[0]["kernel"] == evil
    write_results(tmp_path / "a.csv", [row_of(report("x", 0.9, scanner={"kernel": "=HYPERLINK(1)"}))])
    assert "'=HYPERLINK(1)" in (tmp_path / "a.csv").read_text()


def test_a_row_by_hand() -> None:
    row = row_of(report("x", 0.9))
    assert set(row) == set(COLUMNS)
    assert (row["slices"], row["slice_mm"], row["total_ml"], row["cut_mm2"], row["seconds"]) == (
        3,
        1.0,
        30.0,
        150.0,
        3.0,
    )
    assert (row["site"], row["status"], row["patient_id"], row["error"]) == ("Bern", "done", None, None)


def test_a_summary_by_hand() -> None:
    """Two sites: three scans of Bern, one of them failed, one doubtful; of nowhere one, and one without lung.

    The page counts the last one as doubtful, too.
    """
    rows = [row_of(report(name, confidence)) for name, confidence in (("a", 0.99), ("b", 0.9))]
    rows.append(row_of({"name": "c", "error": "x", "scanner": {"site": "Bern"}}))
    rows += [row_of(report("d", 0.98, scanner={})), row_of(report("e", None, scanner={}))]
    assert summarise(rows, "site") == [
        ("Bern", "3", "1", "30", "0", "30", "0.945", "1", "3.0"),
        ("not given", "2", "0", "30", "0", "30", "0.980", "1", "3.0"),
    ]


def test_the_most_doubtful_slices_are_drawn_from_the_feet_on() -> None:
    """Protects the picture: as many slices as `DOUBTFUL_SLICES`, each once though both lungs are doubtful in it."""
    areas = np.zeros((2, 9, 4))
    areas[0, [1, 3, 5], 0] = 30, 10, 20
    areas[1, [3, 8, 7], 0] = 40, 25, 5
    doubts = Doubts(("right", "left"), np.arange(9.0), areas)
    assert slices_to_draw(doubts) == [1, 3, 5, 8]
    assert slices_to_draw(NO_DOUBTS) == []
