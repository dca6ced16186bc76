"""`lungunetseg evaluate` from files to report, with cases that fail."""

from __future__ import annotations

import argparse
import csv
import json
import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.cli.evaluate import add_arguments, run
from LungUNetSegLib.errors import DataError, LungUNetSegError, WriteError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk


def evaluate(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(each) for each in arguments]))


def shifted(labels: Volume, rows: int) -> Volume:
    return Volume(np.roll(labels.array, rows, axis=1), labels.geometry)


@pytest.fixture
def folders(tmp_path: Path, small_phantom: Phantom) -> tuple[Path, Path]:
    """Predictions and references of: a good case, a bad one, an unreadable and a missing prediction."""
    predictions, references = tmp_path / "predictions", tmp_path / "references"
    predictions.mkdir()
    references.mkdir()
    labels = small_phantom.labels
    for name in ("good", "bad", "broken", "missing"):
        write_labels(references / f"{name}.nii.gz", labels)
    write_labels(predictions / "good.nii.gz", labels)
    write_labels(predictions / "bad.seg.nrrd", shifted(labels, 6))
    (predictions / "broken.nii.gz").write_bytes(b"not an image")
    write_labels(predictions / "extra.nrrd", labels)
    return predictions, references


class Page(HTMLParser):
    """Counts a page's elements and notes whatever it would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tags, self.open, self.addresses = text, [], [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in ("href", "src")]
        if tag not in ("meta", "br", "image", "path", "circle", "use", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_two_files_print_scores_and_write_json(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, references = folders
    path = tmp_path / "scores.json"
    assert evaluate(predictions / "bad.seg.nrrd", references / "bad.nii.gz", "--json", path) == 0
    printed = capsys.readouterr().out
    assert "HD95, mm" in printed
    assert printed.splitlines()[0].endswith("Both lungs"), "people read a title, programs a segment's name"
    (case,) = json.loads(path.read_text())["cases"]
    assert [region["name"] for region in case["regions"]] == ["Right lung", "Left lung", "Lungs"]
    assert 0 < case["regions"][2]["dsc"] < 1 and case["error"] is None
    assert len(case["regions"][0]["dsc_by_slice"]) == len(case["slice_z_mm"]) == 24


def test_one_bad_case_does_not_stop_the_others(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(*folders, "--report", tmp_path / "out") == 1
    messages = capsys.readouterr().err
    assert "broken: " in messages and "missing: There is no prediction" in messages and "extra" in messages
    cases = json.loads((tmp_path / "out" / "scores.json").read_text())["cases"]
    assert [case["name"] for case in cases] == ["broken", "missing", "bad", "good"]


def test_report_folder_holds_page_and_tables(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluate(*folders, "--report", out)
    assert sorted(path.name for path in out.iterdir()) == ["cases.csv", "report.html", "scores.json", "slices.csv"]
    with (out / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["region"]) for row in rows[:3]] == [
        ("broken", ""),
        ("missing", ""),
        ("bad", "Right lung"),
    ]
    assert float(rows[-1]["dsc"]) == 1 and rows[0]["error"]
    with (out / "slices.csv").open(newline="") as file:
        assert {row["case"] for row in csv.DictReader(file)} == {"bad", "good"}


def test_names_are_no_formulas_for_spreadsheets(tmp_path: Path, small_phantom: Phantom) -> None:
    """Protects who opens the scores: a case may be called anything by who sent it, also what Excel would compute."""
    names = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\uff1dA1")
    for name in names:
        for kind in ("predictions", "references"):
            write_labels(make_folder(tmp_path / kind) / f"{name}.nrrd", small_phantom.labels)
    write_labels(tmp_path / "references" / "=lost.nrrd", small_phantom.labels)
    evaluate(tmp_path / "predictions", tmp_path / "references", "--report", tmp_path / "out")
    for table in ("cases.csv", "slices.csv"):
        with (tmp_path / "out" / table).open(newline="", encoding="utf-8") as file:
            cases = {row["case"] for row in csv.DictReader(file)}
        assert {f"'{name}" for name in names} <= cases <= {f"'{name}" for name in (*names, "=lost")}


def make_folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path


def test_slices_are_scored_and_empty_ones_counted_apart(
    folders: tuple[Path, Path], small_phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The paper's numbers over a test set, without its zeros for slices that were rightly left empty."""
    evaluate(*folders, "--report", tmp_path)
    empty = int((~small_phantom.labels.array.any(axis=(1, 2))).sum())
    with (tmp_path / "slices.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == "Lungs"]
    assert len(rows) == 2 * 24
    assert sum(row["dsc"] == "" for row in rows) == 2 * empty > 0
    dsc, accuracy = ([float(row[score]) for row in rows if row[score]] for score in ("dsc", "accuracy"))
    sentence = (
        f"Both lungs by slice: mean DSC {np.mean(dsc):.3f} over {48 - 2 * empty} slices, mean binary accuracy "
        f"{np.mean(accuracy):.4f} over 48; {2 * empty} slices have no lung in either label map."
    )
    assert sentence in capsys.readouterr().out
    assert sentence in (tmp_path / "report.html").read_text()
    summary = json.loads((tmp_path / "scores.json").read_text())["slices"]
    assert summary["accuracy"]["Lungs"]["mean"] == pytest.approx(np.mean(accuracy), abs=1e-6)
    assert summary["dsc"]["Lungs"]["undefined"] == 2 * empty


def test_page_is_whole_and_loads_nothing_from_elsewhere(folders: tuple[Path, Path], tmp_path: Path) -> None:
    evaluate(*folders, "--report", tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert page.open == [] and "script" not in page.tags
    assert all(each.startswith(("#", "data:image/png;base64,")) for each in page.addresses)
    assert page.tags.count("section") == 2 and "2 of 4 cases failed" in page.text and page.tags.count("h1") == 1
    assert "http" not in page.text


def test_page_names_the_model(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A label map does not know what made it."""
    evaluate(*folders, "--report", tmp_path, "--model", "lungs 1.0")
    assert "<dt>Model</dt><dd>lungs 1.0</dd>" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "scores.json").read_text())["about"]["Model"] == "lungs 1.0"


def test_page_shows_names_as_text(small_phantom: Phantom, tmp_path: Path) -> None:
    """A case may be called anything."""
    for folder in ("p", "r"):
        (tmp_path / folder).mkdir()
        for name in ("<b>&", "plain"):
            write_labels(tmp_path / folder / f"{name}.nrrd", small_phantom.labels)
    evaluate(tmp_path / "p", tmp_path / "r", "--report", tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;&amp;" in page and "<b>&" not in page


def test_pictures_show_the_scan(folders: tuple[Path, Path], small_phantom: Phantom, tmp_path: Path) -> None:
    import SimpleITK as sitk

    predictions, references = folders
    sitk.WriteImage(to_sitk(small_phantom.ct), str(tmp_path / "ct.nii.gz"))
    arguments = (predictions / "good.nii.gz", references / "good.nii.gz", "--report", tmp_path)
    evaluate(*arguments)
    without = Page((tmp_path / "report.html").read_text())
    evaluate(*arguments, "--images", tmp_path / "ct.nii.gz")
    with_scan = Page((tmp_path / "report.html").read_text())
    assert without.tags.count("figure") == 27 and with_scan.tags.count("figure") == 36


def test_empty_prediction_is_written_without_infinity_in_json(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON knows no infinity; what reads it must not choke on a failed case."""
    _, references = folders
    from LungUNetSegLib.io import read_labels

    reference = read_labels(references / "good.nii.gz")
    write_labels(tmp_path / "empty.nrrd", Volume(np.zeros_like(reference.array), reference.geometry))
    evaluate(tmp_path / "empty.nrrd", references / "good.nii.gz", "--report", tmp_path)
    text = (tmp_path / "scores.json").read_text()
    assert "Infinity" not in text and "NaN" not in text
    assert json.loads(text)["cases"][0]["regions"][0]["hd_mm"] is None
    assert json.loads(text)["summary"]["hd_mm"]["Lungs"]["infinite"] == 1
    with (tmp_path / "cases.csv").open(newline="") as file:
        assert math.isinf(float(next(csv.DictReader(file))["hd_mm"]))
    assert "in the reference only" in capsys.readouterr().err and "∞" in (tmp_path / "report.html").read_text()


def test_two_files_that_cannot_be_compared_raise(folders: tuple[Path, Path]) -> None:
    predictions, references = folders
    with pytest.raises(LungUNetSegError, match="broken"):
        evaluate(predictions / "broken.nii.gz", references / "broken.nii.gz")


def test_report_into_a_file_is_refused_before_computing(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(WriteError, match="taken"):
        evaluate(*folders, "--report", tmp_path / "taken")


def test_no_pairs_raise(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no label map"):
        evaluate(tmp_path / "none", folders[1])


def test_the_challenge_s_scores_stand_beside_ours(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case that could not be compared scores 0: leaving it out would reward failing."""
    evaluate(*folders, "--report", tmp_path / "out", "--metrics", "lctsc")
    assert "By the rules of LCTSC 2017" in capsys.readouterr().out
    with (tmp_path / "out" / "lctsc.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["region"]) for row in rows][-2:] == [("good", "Right lung"), ("good", "Left lung")]
    assert float(rows[-1]["score"]) == 100 and float(rows[0]["score"]) < 50
    (good,) = (case for case in json.loads((tmp_path / "out" / "scores.json").read_text())["cases"][-1:])
    assert good["lctsc"][0]["hd95_mm"] == 0


def test_institutions_are_averaged_apart(
    tmp_path: Path, small_phantom: Phantom, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the challenge's names tell them; two of three cases of S1 are right, and one is missing."""
    for kind, names in (("p", ("S1-101", "S1-102", "S2-101")), ("r", ("S1-101", "S1-102", "S1-103", "S2-101"))):
        for name in names:
            write_labels(make_folder(tmp_path / kind) / f"LCTSC-Test-{name}.nrrd", small_phantom.labels)
    evaluate(tmp_path / "p", tmp_path / "r", "--metrics", "lctsc")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (of_s1,) = (line for line in lines if line[:1] == ["S1"] and "right" in line and "mean" in line)
    assert of_s1[1:7] == ["(3", "cases,", "1", "of", "them", "missing),"] and of_s1[-1] == "67"
    (of_s2,) = (line for line in lines if line[:1] == ["S2"] and "left" in line and "worst" in line)
    assert of_s2[-1] == "100"


def test_the_challenge_s_scores_want_sides(folders: tuple[Path, Path]) -> None:
    with pytest.raises(LungUNetSegError, match="needs right and left lung"):
        evaluate(*folders, "--metrics", "lctsc", "--labels", "binary")
