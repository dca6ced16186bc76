"""The command line keeps the user's files: a scan is never written over, and two results never go to one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from LungUNetSegLib.cli import main
from LungUNetSegLib.io import write_dicom_series, write_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume


@pytest.mark.parametrize(
    "options",
    [["-o", "{scan}"], ["-o", "{link}"], ["-o", "r", "--format", "nii.gz"], ["-o", "l.mha", "--json", "{scan}.json"]],
)
def test_nothing_is_written_over_the_scan_or_twice(
    options: list[str], scan_file: Path, tiny_model: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects a scan of which there may be no other copy."""
    monkeypatch.chdir(tmp_path)
    link, report = tmp_path / "link.nii.gz", scan_file.with_name(f"{scan_file.name}.json")
    for each in (link, report, tmp_path / "r" / scan_file.name):
        each.parent.mkdir(exist_ok=True)
        each.symlink_to(scan_file)
    before = scan_file.read_bytes()
    words = [each.format(scan=scan_file, link=link) for each in options]
    assert main(["segment", str(scan_file), *words, "--model", str(tiny_model)]) == 1
    assert "another name" in capsys.readouterr().err
    assert scan_file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"link.nii.gz", "r", report.name, scan_file.name}


def test_json_and_csv_are_not_written_to_one_file(scan_file: Path, tiny_model: Path, tmp_path: Path, capsys) -> None:
    """Nor over a scan of that name: a NRRD file may be called anything."""
    out = tmp_path / "r.nrrd"
    link = tmp_path / "table.csv"
    (tmp_path / "report.json").write_text("{}")
    link.symlink_to(tmp_path / "report.json")
    options = ["--json", str(tmp_path / "report.json"), "--csv", str(link)]
    assert main(["segment", str(scan_file), "-o", str(out), *options, "--model", str(tiny_model)]) == 1
    assert "would be written twice" in capsys.readouterr().err and not out.exists()


def test_scores_are_not_written_over_a_mask(small_phantom: Phantom, tmp_path: Path, capsys) -> None:
    """Protects a reference that somebody drew."""
    masks = [tmp_path / "prediction.nrrd", tmp_path / "reference.nrrd"]
    for mask in masks:
        write_labels(mask, small_phantom.labels)
    before = masks[1].read_bytes()
    (tmp_path / "scores.json").symlink_to(masks[1])
    assert main(["evaluate", *map(str, masks), "--json", str(tmp_path / "scores.json")]) == 1
    assert "another name" in capsys.readouterr().err
    assert masks[1].read_bytes() == before


def test_slices_given_one_by_one_are_no_scans(thin: Volume, tiny_model: Path, tmp_path: Path, capsys) -> None:
    """Protects who types `series/*.dcm -o lungs.nii.gz` from a folder of that name with a hundred label maps."""
    write_dicom_series(thin, tmp_path / "series")
    slices = [str(path) for path in sorted((tmp_path / "series").iterdir())]
    assert main(["segment", *slices, "-o", str(tmp_path / "lungs.nii.gz"), "--model", str(tiny_model)]) == 1
    assert "give their folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["series"]


def test_info_lists_all_series_though_the_first_cannot_be_read(thin: Volume, tmp_path: Path, capsys) -> None:
    """Protects the way out: --series needs a UID, and only this command tells them."""
    write_dicom_series(thin, tmp_path / "broken", "Chest")
    for number in (5, 6, 7):
        (tmp_path / "broken" / f"{number:04}.dcm").unlink()
    short = Volume(thin.array[:4], Geometry((4, *thin.geometry.shape[1:]), thin.geometry.affine_lps))
    write_dicom_series(short, tmp_path / "whole", "Other")
    assert main(["info", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "gap" in told.err and told.err.count("\n") == 1
    first, second = told.out.splitlines()
    assert first.startswith("* ") and "Chest" in first and "Other" in second
    assert main(["info", str(tmp_path), "--series", second.split()[0]]) == 0
    assert "* " + second.split()[0] in capsys.readouterr().out
