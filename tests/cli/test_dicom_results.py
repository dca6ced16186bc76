"""`segment` writes DICOM by a name's ending or by `--format`, and refuses what DICOM cannot rightly say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import save
from dicom_geometries import SERIES
from outside_programs import dciodvfy_errors
from pydicom import dcmread
from pydicom.dataset import Dataset

from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk

pytest.importorskip("highdicom")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return save(SERIES["axial"]()[0], tmp_path / "ct")


def measured(report: Dataset) -> dict[str, dict[str, float]]:
    """Return the numbers of each lung in a report, by what was measured or derived."""
    (groups,) = (each for each in report.ContentSequence if meaning(each) == "Imaging Measurements")
    found = {}
    for group in groups.ContentSequence:
        texts = {each.get("TextValue") for each in group.ContentSequence}
        numbers = found["right" if "RightLung" in texts else "left"] = {}
        for each in group.ContentSequence:
            if each.ValueType != "NUM" or "Dice" in meaning(each):
                continue
            derived = [
                part.ConceptCodeSequence[0].CodeMeaning
                for part in each.get("ContentSequence", ())
                if meaning(part) == "Derivation"
            ]
            value = float(each.MeasuredValueSequence[0].NumericValue)
            numbers[(derived or [meaning(each)])[0]] = pytest.approx(value, abs=1e-4)
    return found


def meaning(item: Dataset) -> str:
    """Return what an item of a report is called."""
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def test_a_name_s_ending_chooses_the_object(run, series: Path, tmp_path: Path) -> None:
    """Protects `-o lungs.dcm` and the rest: the SEG is what the NIfTI is, the report's numbers are the JSON's."""
    for name in ("lungs.nii.gz", "lungs.dcm", "other.sr.dcm", "lungs.rtstruct.dcm"):
        code, _, stderr = run("segment", series, "-o", tmp_path / name, "--raw", "--json", tmp_path / "r.json")
        assert (code, stderr) == (0, "")
    scan = read_scan(series)
    expected = read_labels(tmp_path / "lungs.nii.gz").array
    for name in ("lungs.dcm", "other.dcm", "lungs.rtstruct.dcm"):
        assert np.array_equal(read_labels(tmp_path / name, scan.volume.geometry).array, expected)
    report = dcmread(tmp_path / "other.sr.dcm")
    assert dciodvfy_errors(tmp_path / "other.sr.dcm") == []
    text = str(report)
    summary = json.loads((tmp_path / "r.json").read_text())
    assert f"{round(summary['volumes_ml']['right'], 4):.16g}" in text
    assert measured(report) == {
        lung: {
            "Volume": summary["volumes_ml"][lung],
            "Mass": summary["density"][lung]["mass_g"],
            "Mean": summary["mean_hu"][lung],
            "Standard Deviation": summary["density"][lung]["sd_hu"],
            "Skewness": summary["density"][lung]["skewness"],
            "Kurtosis": summary["density"][lung]["kurtosis"],
        }
        for lung in ("right", "left")
    }
    assert str(dcmread(tmp_path / "other.dcm").SOPInstanceUID) in text


def test_formats_by_name_for_a_file_and_a_folder(run, series: Path, tmp_path: Path) -> None:
    assert run("segment", series, "-o", tmp_path / "a.dcm", "--format", "dicom-seg", "--raw")[0] == 0
    assert run("segment", series, "-o", tmp_path / "many", "--format", "dicom-sr", "--raw")[0] == 0
    assert sorted(each.name for each in (tmp_path / "many").iterdir()) == ["ct.dcm", "ct.sr.dcm"]
    code, _, stderr = run("segment", series, "-o", tmp_path / "b.txt")
    assert code == 2 and ".rtstruct.dcm" in stderr


def test_our_own_object_is_replaced_and_nobody_else_s(run, series: Path, tmp_path: Path) -> None:
    out = tmp_path / "lungs.dcm"
    for _ in range(2):
        assert run("segment", series, "-o", out, "--raw")[0] == 0
    changed = dcmread(out)
    changed.SeriesDescription = "corrected by hand"
    changed.save_as(out)
    code, _, stderr = run("segment", series, "-o", out, "--raw")
    assert code == 1 and "--overwrite" in stderr


def test_an_image_file_needs_its_series(run, series: Path, tmp_path: Path) -> None:
    """Protects patients from each other's results: the series has to show the same voxels."""
    scan = read_scan(series)
    for name, array in (("same", scan.volume.array), ("other", scan.volume.array[:, ::-1])):
        volume = Volume(np.ascontiguousarray(array), scan.volume.geometry)
        sitk.WriteImage(to_sitk(volume), str(tmp_path / f"{name}.nii.gz"))
    code, _, stderr = run("segment", tmp_path / "same.nii.gz", "-o", tmp_path / "l.dcm", "--raw")
    assert code == 1 and "--dicom-reference" in stderr
    options = ("-o", tmp_path / "l.dcm", "--raw", "--dicom-reference", series)
    code, _, stderr = run("segment", tmp_path / "other.nii.gz", *options)
    assert code == 1 and "does not show the same" in stderr and not (tmp_path / "l.dcm").exists()
    assert run("segment", tmp_path / "same.nii.gz", *options)[0] == 0
    assert run("segment", tmp_path / "same.nii.gz", "-o", tmp_path / "l.nii.gz", "--raw")[0] == 0
    labels = read_labels(tmp_path / "l.dcm", scan.volume.geometry)
    assert np.array_equal(labels.array, read_labels(tmp_path / "l.nii.gz", scan.volume.geometry).array)


def test_without_highdicom_it_says_what_to_install(
    run, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "highdicom", None)
    code, _, stderr = run("segment", series, "-o", tmp_path / "l.dcm")
    assert code == 1 and "pip install '.[dicom]'" in stderr
