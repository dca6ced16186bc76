"""benchmarks/architecture_page.py: the comparison's tables and sentences, from scores and costs made by hand."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

import architecture_page as page
import architectures
import numpy as np
from architecture_runs import CONTENDERS, REGIONS, Size

SIZE = Size(
    spacing_mm=2.0, pixels=(168, 216), folds=2, epochs=1, steps=2, batch=4, rate=1e-3, slice_mm=5.0
)  # fmt: skip


def a_row(
    network: str, dsc: float | None, fold: int, single: bool = False, region: str = "whole scan", there: bool = True
) -> list[Any]:
    common = {"seed": 0, "fold": fold, "case": f"c{fold}", "single": single, "network": network, "region": region}
    hd95 = None if dsc is None else (float("inf") if dsc == 0 else 10 * (1 - dsc))
    scores = {
        "dsc": dsc,
        "hd95_mm": hd95,
        "reference_ml": 2000.0 * there,
        "found_ml": 0.0 if not dsc and there else 70.0,
    }
    return [common | scores | {"lung": lung} for lung in ("Right lung", "Left lung", "Lungs")]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two folds in which `paper` is a little better on volumes than `lungs`, and all others are worse."""
    dsc = dict.fromkeys(CONTENDERS, 0.5) | {"lungs": 0.956, "paper": 0.960}
    for fold in range(2):
        rows = [
            row for name, each in dsc.items() for single in (False, True) for row in a_row(name, each, fold, single)
        ]
        rows += a_row("vgg_segnet", 0.0, fold) + a_row("paper", 0.0, fold, there=False)
        rows += [
            r for region in list(REGIONS)[1:] for one in (False, True) for r in a_row("lungs", 0.9, fold, one, region)
        ]
        (tmp_path / f"scores-seed0-fold{fold}.json").write_text(json.dumps(rows).replace("Infinity", "1e999"))
    costs = {
        name: {"trained_weights": 10 + place, "preset_weights": 9, "trained_gflop": 1.0, "preset_gflop": 2.0}
        | {"trained_pixels": (8, 8), "preset_pixels": (16, 16)}
        | {engine: {"cpu_ms": 5.0 + place, "memory_mb": 7.0} for engine in page.ENGINES}
        for place, name in enumerate(CONTENDERS)
    }
    (tmp_path / "costs.json").write_text(json.dumps(costs))
    (tmp_path / "worst").mkdir()
    kept = {"dsc": 0.3, "case": "c0", "slice": 4, "spacing_mm": (1.0, 1.0)}
    mask = np.ones((8, 8), np.uint8)
    np.savez(tmp_path / "worst" / "lungs.npz", prediction=mask, reference=mask, **kept)
    return tmp_path


def test_the_page_says_its_size_and_who_wins_where(runs: Path) -> None:
    """Protects the page's claims: what differs by less than 0.005 DSC is no win of one alone."""
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert "2 trainings of each network (2 folds by patient, 1 seed), each of 2 steps of 4 slices (8 slices" in text
    wins = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("- `")}
    assert "highest mean DSC on volumes" in wins["lungs"] and "highest mean DSC on volumes" in wins["paper"]
    assert "fewest weights" in wins["lungs"] and "fewest weights" not in wins["paper"]
    assert "highest mean DSC" not in wins["dilated_unet"]
    assert (runs / "docs" / "images" / "architectures_worst.png").exists()


def test_the_head_counts_what_was_judged_and_what_the_shipped_weights_saw(runs: Path) -> None:
    """Protects the page's first sentences, which were true of one size alone: c0 and c1, each with and without slices.

    The shipped weights saw 114 epochs of 1,200 slices, that is 85.5 times 1,600.
    """
    size = dataclasses.replace(SIZE, epochs=4, steps=100)
    page.write(runs / "docs", runs, size, "the command")
    text = " ".join((runs / "docs" / "architectures.md").read_text(encoding="utf-8").split())
    assert "Judged are 2 volumes and 2 single slices, each by networks that did not see its patient." in text
    assert "the shipped `lungs` saw 86 times as many slices" in text


def test_what_is_written_by_hand_stays(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the remarks of who looked at the results: a new page overwrote them."""
    page.write(runs / "docs", runs, SIZE, "the command")
    path = runs / "docs" / "architectures.md"
    assert not capsys.readouterr().out
    by_hand = "## Before you compare\n\n- One volume holds no lung.\n\nSo its DSC is 0.\n"
    path.write_text(path.read_text(encoding="utf-8").replace("## Cost", f"{by_hand}\n## Cost"), encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    page.write(runs / "docs", runs, SIZE, "the command")
    assert path.read_text(encoding="utf-8") == before and by_hand in before
    assert "Is it still true?" in capsys.readouterr().out


def test_a_missed_lung_counts(runs: Path) -> None:
    """vgg_segnet's volumes: 0.5 and 0 where there is a lung; the mean is 0.25."""
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    line = next(line for line in text.split("## Accuracy")[1].splitlines() if line.startswith("| `vgg_segnet`"))
    assert line.startswith("| `vgg_segnet` | 0.250 | 0.000 | 0.250 | 0.000 |")
    assert line.endswith("| 4 of 8 | 0 of 0 |")


def test_a_lung_found_where_there_is_none_is_told_apart(runs: Path) -> None:
    """Protects means and worst lungs from a scan without lungs: paper finds 70 ml of each side there, in two folds."""
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    line = next(line for line in text.split("## Accuracy")[1].splitlines() if line.startswith("| `paper`"))
    assert line.startswith("| `paper` | 0.960 | 0.960 | 0.960 | 0.960 |")
    assert line.endswith("| 0.960, 0.960 | 0 of 4 | 4 of 4, 280.0 ml |")


def test_without_scores_no_page_is_written(tmp_path: Path) -> None:
    page.write(tmp_path / "docs", tmp_path, SIZE, "the command")
    assert not (tmp_path / "docs").exists()


def test_networks_that_are_not_trained_yet_are_named(runs: Path) -> None:
    """Protects readers of a page that was written before its runs had ended."""
    for path in runs.glob("scores-*.json"):
        rows = [row for row in page.parse_json(path.read_text()) if row["network"] != "densenet_fpn"]
        path.write_text(json.dumps(rows))
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert "Not trained yet: `densenet_fpn`." in text and "- `densenet_fpn`" not in text


def test_data_without_single_slices_give_a_page(runs: Path) -> None:
    """Protects whoever trains for hours on volumes alone: the page ended in an error of NumPy's."""
    for path in runs.glob("scores-*.json"):
        rows = [row for row in page.parse_json(path.read_text()) if not row["single"]]
        path.write_text(json.dumps(rows))
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert "| region of interest | 0.900 | 0.900 | 1.0 | - | - |" in text
    accuracy = text.split("## Accuracy")[1].split("## Where")[0]
    assert "| Volumes |" in accuracy and "| Single slices |" not in accuracy
    assert "single slices" not in text.split("## Where each wins")[1].split("##")[0] and "nan" not in text


def test_without_ours_there_is_no_table_of_regions(runs: Path) -> None:
    """Protects `--networks paper unet_2015`: regions of interest are tried with ours alone."""
    for path in runs.glob("scores-*.json"):
        rows = [row for row in page.parse_json(path.read_text()) if row["network"] != "lungs"]
        path.write_text(json.dumps(rows))
    page.write(runs / "docs", runs, SIZE, "the command")
    assert "## Region of interest" not in (runs / "docs" / "architectures.md").read_text(encoding="utf-8")


def test_the_page_names_the_programs_that_made_its_figures(runs: Path) -> None:
    """Protects readers of an old page: today's program may give other figures."""
    programs = ["commit 1234567 on a processor", "commit 89abcde on a processor", "commit 89abcde on another"]
    (runs / "programs.json").write_text(json.dumps(programs))
    page.write(runs / "docs", runs, SIZE, "the command")
    text = (runs / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert "by commit 1234567, then 89abcde on a processor, by commit 89abcde on another." in text


def test_a_program_that_goes_on_is_noted_once(tmp_path: Path) -> None:
    """Protects the page's first sentence from a commit for each time that a run was started again."""
    for _ in range(2):
        architectures._note_program(tmp_path)
    (program,) = json.loads((tmp_path / "programs.json").read_text())
    assert program.startswith("commit ") and " on " in program
