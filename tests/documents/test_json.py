"""docs/json.md explains every key and column that the commands write."""

from __future__ import annotations

import ast
import csv
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import main
from LungUNetSegLib.measures import REGIONS
from LungUNetSegLib.metrics import summarise
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume.resample import to_sitk

ROOT = Path(__file__).resolve().parents[2]


def explained(*headings: str) -> set[str]:
    """Return what stands in backticks under the page's headings that begin so."""
    sections = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").split("\n## ")
    chosen = [text for text in sections if text.startswith(headings)]
    assert len(chosen) == len(headings)
    names = set(re.findall(r"`([^`]+)`", "\n".join(chosen)))
    places = [("<lung>", lung, "<region>", region) for lung in ("right", "left", "total") for region in REGIONS]
    return names | {name.replace(*place[:2]).replace(*place[2:]) for name in names for place in places if "<" in name}


def keys_in(value: Any) -> Iterator[str]:
    """Yield every key of a JSON value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


@pytest.fixture(scope="module")
def folder(small_phantom: Phantom, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds what segmenting a phantom and comparing the result with itself write."""
    folder = tmp_path_factory.mktemp("json")
    sitk.WriteImage(to_sitk(small_phantom.ct), str(folder / "scan.nii.gz"))
    names = ("scan.nii.gz", "lungs.nrrd", "segment.json", "segment.csv", "evaluate.json")
    scan, labels, report, table, scores = (str(folder / name) for name in names)
    segment = ["segment", scan, "-o", labels, "--json", report, "--csv", table, "--model", str(tiny_model), "--raw"]
    assert main(segment) == 0
    batch = ["batch", str(folder / "scan.nii.gz"), "-o", str(folder / "batch"), "--model", str(tiny_model)]
    assert main([*batch, "--jobs", "0"]) == 0
    assert main(["evaluate", labels, labels, "--json", scores, "--report", str(folder)]) == 0
    return folder


def test_every_key_of_segment_is_explained(folder: Path) -> None:
    report = json.loads((folder / "segment.json").read_text(encoding="utf-8"))
    assert set(keys_in(report)) - explained("`segment --json`") == set()
    assert len(report["quality"]) > 5  # the page would pass an empty one


def test_every_key_of_evaluate_is_explained(folder: Path) -> None:
    report = json.loads((folder / "evaluate.json").read_text(encoding="utf-8"))
    report["about"] = {}  # for people; each names itself
    assert set(keys_in(report)) - explained("`evaluate --json`") == set()
    assert set(dataclasses.asdict(summarise([1.0]))) <= explained("`evaluate --json`")


def test_every_key_of_a_batch_is_explained(folder: Path) -> None:
    """The report of a scan, and the plan."""
    (path,) = (folder / "batch" / "scans").glob("*/scan.json")
    known = explained("`segment --json`", "`batch`")
    assert set(keys_in(json.loads(path.read_text(encoding="utf-8")))) - known == set()
    plan = json.loads((folder / "batch" / "work" / "plan.json").read_text(encoding="utf-8"))
    plan["reasons"] = plan["taken"][0]["details"] = {}  # sentences, and DICOM's own keywords
    assert set(keys_in(plan)) - known == set()


@pytest.mark.parametrize(
    ("name", "heading"),
    [("segment.csv", "`segment --csv`"), ("slices.csv", "`evaluate --json`"), ("batch/results.csv", "`batch`")],
)
def test_every_column_is_explained(folder: Path, name: str, heading: str) -> None:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        assert set(next(csv.reader(file))) - explained(heading) == set()


def test_every_code_of_a_finding_is_explained() -> None:
    """Programs test for them, so each must be written down; read from the library's source."""
    codes = set()
    for path in (ROOT / "LungUNetSegLib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_finding = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
            if is_finding and node.args and isinstance(node.args[0], ast.Constant):
                codes.add(node.args[0].value)
    assert len(codes) > 20
    assert codes - explained("Codes of findings") == set()


def test_every_key_and_column_of_two_dates_is_explained(
    small_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects docs/json.md's `followup`: keys of JSON, measures and columns of CSV."""
    monkeypatch.setattr("LungUNetSegLib.followup.alignment.STEP_MM", 16.0)
    paths = [tmp_path / name for name in ("scan.nii.gz", "lungs.nii.gz", "c.json", "c.csv")]
    for volume, path in zip((small_phantom.ct, small_phantom.labels), paths, strict=False):
        sitk.WriteImage(to_sitk(volume), str(path))
    scan, lungs, report, table = map(str, paths)
    masks = ["--first-lungs", lungs, "--second-lungs", lungs]
    assert main(["followup", scan, scan, *masks, "--json", report, "--csv", table]) == 0
    found = json.loads(paths[2].read_text(encoding="utf-8"))
    assert set(keys_in(found)) - explained("`followup --json`", "`segment --json`") == set()
    assert found["findings"][0]["code"] == "same-scan"
    with paths[3].open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert set(header) - explained("`followup --csv`") == set()
    assert {row[2] for row in rows} - explained("`followup --json`") == set()


def test_every_key_of_a_training_case_is_explained(small_phantom: Phantom, tmp_path: Path) -> None:
    scan, lungs = tmp_path / "scan.nii.gz", tmp_path / "lungs.nii.gz"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(scan))
    sitk.WriteImage(to_sitk(small_phantom.labels), str(lungs))
    assert (
        main(["save-case", str(scan), str(lungs), "--to", str(tmp_path / "cases"), "--network-mask", str(lungs)]) == 0
    )
    (path,) = (tmp_path / "cases").glob("*/origin.json")
    assert set(keys_in(json.loads(path.read_text(encoding="utf-8")))) - explained("`save-case`") == set()
