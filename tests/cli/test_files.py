"""The command line keeps the user's files: a scan is never written over, and two results never go to one file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_mask_files import outlines, structure_set

from LungUNetSegLib.cli import main
from LungUNetSegLib.config import to_json
from LungUNetSegLib.files import write_json
from LungUNetSegLib.io import write_dicom_series, write_labels
from LungUNetSegLib.nodules.study import StudyConfig
from LungUNetSegLib.outcomes.auc import Auc
from LungUNetSegLib.outcomes.training import OutcomeConfig
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk


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


# What somebody made or corrected is not replaced without being asked for


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha", ".seg.nrrd"])
def test_a_result_that_nobody_changed_is_replaced_and_a_corrected_one_is_not(
    ending: str, run, scan_file: Path, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects the work of who reviewed a mask, and who runs a command twice from being asked."""
    output = tmp_path / f"lungs{ending}"
    assert run("segment", scan_file, "-o", output)[0] == 0
    assert run("segment", scan_file, "-o", output)[0] == 0
    image = sitk.ReadImage(str(output))
    before = np.count_nonzero(sitk.GetArrayViewFromImage(image))
    image[3, 4, 5] = (image[3, 4, 5] + 1) % 3  # one voxel, in a program that keeps the header
    sitk.WriteImage(image, str(output))
    corrected = output.read_bytes()
    code, _, message = run("segment", scan_file, "-o", output)
    assert code == 1 and "corrected mask" in message and "--overwrite" in message
    assert output.read_bytes() == corrected
    assert run("segment", scan_file, "-o", output, "--overwrite")[0] == 0
    assert np.count_nonzero(sitk.GetArrayViewFromImage(sitk.ReadImage(str(output)))) == before


def test_a_reviewed_mask_in_the_case_it_belongs_to_is_kept(
    run, thin: Volume, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects training data: `segment CASE -o CASE/lungs.nii.gz` replaced a reviewed mask, even by an empty one."""
    write_dicom_series(thin, tmp_path / "CASE" / "ct")
    mask = tmp_path / "CASE" / "lungs.nii.gz"
    write_labels(mask, small_phantom.labels)
    before = mask.read_bytes()
    code, _, message = run("segment", tmp_path / "CASE", "-o", mask)
    assert code == 1 and "--overwrite" in message and mask.read_bytes() == before
    assert run("segment", tmp_path / "CASE", "-o", mask, "--overwrite")[0] == 0


@pytest.mark.parametrize("name", ["0003.nii.gz", "0003.mha"])
def test_a_slice_of_the_input_is_never_replaced(name: str, run, thin: Volume, tmp_path: Path) -> None:
    """Protects the only copy of a scan, whatever its slices are called and whatever was asked for."""
    write_dicom_series(thin, tmp_path / "ct")
    slice_file = (tmp_path / "ct" / "0003.dcm").rename(tmp_path / "ct" / name)
    before = slice_file.read_bytes()
    for options in ((), ("--overwrite",)):
        code, _, message = run("segment", tmp_path / "ct", "-o", slice_file, *options)
        assert code == 1 and "part of the input scan" in message and slice_file.read_bytes() == before


def test_the_voxels_of_a_header_are_never_replaced(run, small_phantom: Phantom, tmp_path: Path) -> None:
    sitk.WriteImage(to_sitk(small_phantom.ct), str(tmp_path / "ct.mhd"))
    voxels = (tmp_path / "ct.raw").rename(tmp_path / "ct.mha")
    header = tmp_path / "ct.mhd"
    header.write_text(header.read_text().replace("ct.raw", "ct.mha"))
    before = voxels.read_bytes()
    code, _, message = run("segment", header, "-o", voxels, "--overwrite")
    assert code == 1 and "part of the input scan" in message and voxels.read_bytes() == before


@pytest.mark.parametrize(("option", "name"), [("--json", "a.json"), ("--csv", "a.csv")])
def test_tables_replace_their_own_kind_only(option: str, name: str, run, scan_file: Path, tmp_path: Path) -> None:
    """Protects somebody's JSON and CSV from a slip of the hand."""
    table = tmp_path / name
    table.write_text('{"patients": 3}' if name.endswith("json") else "patient,age\n")
    before = table.read_bytes()
    words = ("segment", scan_file, "-o", tmp_path / "l.nrrd", option, table)
    assert run(*words)[0] == 1 and table.read_bytes() == before
    assert run(*words, "--overwrite")[0] == 0 and table.read_bytes() != before
    assert run(*words)[0] == 0


@pytest.mark.parametrize("name", ["map.nii.gz", "map.nrrd", "map.mha"])
def test_a_map_of_density_that_nobody_changed_is_replaced(name: str, run, scan_file: Path, tmp_path: Path) -> None:
    """Protects who runs a command twice from being told that it is not the command's own file."""
    words = ("segment", scan_file, "-o", tmp_path / "l.nrrd", "--density-map", tmp_path / name)
    assert run(*words)[0] == 0
    assert run(*words)[0] == 0
    image = sitk.ReadImage(str(tmp_path / name))
    image[3, 4, 5] = image[3, 4, 5] + 1
    sitk.WriteImage(image, str(tmp_path / name))
    code, _, message = run(*words)
    assert code == 1 and "--overwrite" in message


def test_crop_keeps_the_mask_that_lies_where_its_own_would(
    run, scan_file: Path, small_phantom: Phantom, tmp_path: Path
) -> None:
    """Protects `NAME_lungs.nii.gz`, as saved cases call the reviewed mask: `-o NAME.nii.gz` does not name that file."""
    drawn, given = tmp_path / "case_lungs.nii.gz", tmp_path / "given.nrrd"
    for path in (drawn, given):
        write_labels(path, small_phantom.labels)
    before = drawn.read_bytes()
    words = ("crop", scan_file, "--mask", given, "-o", tmp_path / "case.nii.gz")
    code, _, message = run(*words)
    assert code == 1 and "case_lungs.nii.gz" in message and "--overwrite" in message
    assert drawn.read_bytes() == before and not (tmp_path / "case.nii.gz").exists()
    assert run(*words, "--overwrite")[0] == 0 and drawn.read_bytes() != before
    assert run(*words)[0] == 0, "its own box and mask are replaced"


def test_scores_replace_their_own_kind_only(run, small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects somebody's cases.csv in the folder that was given for the report."""
    mask, folder = tmp_path / "mask.nrrd", tmp_path / "report"
    write_labels(mask, small_phantom.labels)
    folder.mkdir()
    words = ("evaluate", mask, mask, "--metrics", "lctsc", "--json", tmp_path / "mine.json", "--report", folder)
    for name in ("report/cases.csv", "report/report.html", "report/lctsc.csv", "mine.json"):
        (tmp_path / name).write_text('{"my": "own"}')
        code, _, message = run(*words)
        assert code == 1 and f"{Path(name).name}: exists" in message
        assert (tmp_path / name).read_text() == '{"my": "own"}' and len(list(folder.iterdir())) <= 1
        (tmp_path / name).unlink()
    (folder / "cases.csv").write_text("my,own")
    assert run(*words, "--overwrite")[0] == 0
    assert run(*words)[0] == 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("nodules",), "config.json"),
        (("nodules",), "results.csv"),
        (("outcomes", "--outcomes", "a.csv"), "config.json"),
    ],
)
def test_a_study_replaces_its_own_files_only(words: tuple[str, ...], name: str, run, tmp_path: Path) -> None:
    """Protects a training's config.json and a batch's results.csv from a study that is given their folder."""
    (tmp_path / name).write_text('{"network": {}}' if name.endswith("json") else "name,status\n")
    before = (tmp_path / name).read_text()
    code, _, message = run(*words, "--data", tmp_path, "--out", tmp_path)
    assert code == 1 and f"{name}: exists" in message and (tmp_path / name).read_text() == before
    code, _, message = run(*words, "--data", tmp_path, "--out", tmp_path, "--overwrite")
    assert code == 1 and "holds no case" in message
    write_json(tmp_path / "config.json", to_json(StudyConfig() if words == ("nodules",) else OutcomeConfig()))
    write_json(tmp_path / "auc.json", asdict(Auc(value=0.5, low=0.4, high=0.6, positives=2, negatives=2)))
    (tmp_path / "results.csv").write_text("features,classifier,accuracy\n")
    code, _, message = run(*words, "--data", tmp_path, "--out", tmp_path)
    assert code == 1 and "holds no case" in message, "its own results are replaced"


def test_the_map_is_told_on_the_command_line(run, small_phantom: Phantom, tmp_path: Path) -> None:
    """Protects names in other languages: `--map "Polmone dx=right"`."""
    lungs = outlines(small_phantom.labels)
    reference = structure_set(tmp_path / "r.dcm", {"Polmone=dx": lungs["Right Lung"], "Polmone sx": lungs["Left Lung"]})
    write_labels(tmp_path / "p.nii.gz", small_phantom.labels)
    code, _, message = run("evaluate", tmp_path / "p.nii.gz", reference)
    assert code == 1 and "Polmone sx" in message
    options = ("--map", "Polmone=dx=right", "--map", "polmone sx = LEFT")
    code, told, _ = run("evaluate", tmp_path / "p.nii.gz", reference, *options, "--json", tmp_path / "s.json")
    assert code == 0 and "Right lung" in told
    (case,) = json.loads((tmp_path / "s.json").read_text())["cases"]
    assert min(region["dsc"] for region in case["regions"]) > 0.99
    code, _, message = run("evaluate", tmp_path / "p.nii.gz", reference, "--map", "Polmone dx")
    assert code == 2 and "is not NAME=right|left|both|none" in message
