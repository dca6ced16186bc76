"""`lungunetseg followup` on files: what it writes and prints, and what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from phantom_cases import write_image

from LungUNetSegLib.cli import main
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom.write import slice_datasets, write_dicom_series
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM series and a NIfTI of the same phantom, 100 HU denser, with its mask."""
    folder = tmp_path_factory.mktemp("dates")
    phantom = make_phantom(phantom_geometry((24, 64, 72)), rng=1)
    write_dicom_series(phantom.ct, folder / "first")
    lungs = phantom.labels.array > 0
    denser = np.where(lungs, phantom.ct.array + 100, phantom.ct.array).astype(np.int16)
    write_image(Volume(denser, phantom.ct.geometry), folder / "second.nii.gz")
    write_image(phantom.labels, folder / "lungs.nii.gz")
    return folder


def compare(dates: Path, *options: str, first: str = "first", second: str = "second.nii.gz") -> int:
    mask = dates / "lungs.nii.gz"
    places = [str(dates / first), str(dates / second), f"--first-lungs={mask}", f"--second-lungs={mask}"]
    return main(["followup", *places, *options])


def test_two_dates_become_table_json_page_and_images(
    dates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects the whole way: 100 HU more are 100 mg more in each ml, and the page and the images show them."""
    names = {"json": "c.json", "csv": "c.csv", "report": "c.html", "aligned": "a.nii.gz", "difference": "d.nii.gz"}
    options = [f"--{key}={tmp_path / name}" for key, name in names.items()]
    assert compare(dates, *options) == 0
    printed = capsys.readouterr().out
    assert "Mean, HU" in printed and "aligned: DSC of the lungs 0.9" in printed
    assert "Both lungs" in printed and "total" not in printed
    found = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    total = found["lungs"]["total"]
    assert total["mean_hu"]["change"] == pytest.approx(100)
    assert total["mass_g"]["change"] == pytest.approx(0.1 * total["volume_ml"]["first"], rel=0.01)
    assert found["first"]["date"] == "2000-01-01" and found["second"]["date"] is None and found["days"] is None
    rigid = found["alignment"]["rigid"]
    assert rigid["surface_mm"] < 1 and np.abs(np.array(rigid["matrix_lps"])[:3, :3] - np.eye(3)).max() < 0.01
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()))
    change = {(row["lung"], row["region"], row["measure"]): row["change"] for row in rows}
    assert change["left", "", "mean_hu"] == "100.00" and change["right", "dorsal", "mean_hu"] == "100.00"
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "data:image/png" in page and "+100" in page and "The dates are unknown" in page
    assert "change of mean, HU" in page, "HU is a unit, and stays so within a title"
    density, lungs = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (tmp_path / "d.nii.gz", dates / "lungs.nii.gz")
    )
    assert np.median(density[lungs > 0]) == pytest.approx(100, abs=5)
    aligned, first = read_scan(tmp_path / "a.nii.gz").volume, read_scan(dates / "first").volume
    assert aligned.geometry.matches(first.geometry, 0.1)
    assert np.abs(aligned.array - first.array.astype(np.int32)).mean() < 60
    assert compare(dates, *options[:4]) == 0  # its own results are replaced
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "a.nii.gz")) + 1, str(tmp_path / "a.nii.gz"))
    assert compare(dates, options[3]) == 1  # an image that somebody changed is not


def test_what_is_refused_is_said(dates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    phantom = read_scan(dates / "first").volume
    for name, about in {"other": {"PatientID": "B"}, "before": {"StudyDate": "19990101"}}.items():
        (dates / name).mkdir()
        for number, dataset in enumerate(slice_datasets(phantom)):
            for key, value in about.items():
                setattr(dataset, key, value)
            dataset.save_as(dates / name / f"{number}.dcm", enforce_file_format=True)
    assert compare(dates, "--first-series=1.2.3") == 1
    assert "there is no CT series 1.2.3" in capsys.readouterr().err
    assert compare(dates, second="other") == 1
    assert "different patient IDs" in capsys.readouterr().err
    assert compare(dates, second="before") == 1
    assert "is of 2000-01-01 and" in capsys.readouterr().err
    small = Volume(np.zeros((4, 8, 8), np.uint8), phantom_geometry((4, 8, 8)))
    write_image(small, tmp_path / "small.nii.gz")
    places = [str(dates / "first"), str(dates / "second.nii.gz"), f"--first-lungs={tmp_path / 'small.nii.gz'}"]
    assert main(["followup", *places, f"--second-lungs={dates / 'lungs.nii.gz'}"]) == 1
    assert "small.nii.gz has (4, 8, 8) voxels" in capsys.readouterr().err


def test_masks_with_swapped_sides_are_refused_before_anything_is_measured(
    dates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from a right lung's change told of the left one: both masks being swapped, nothing else would tell."""
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(dates / "lungs.nii.gz")))
    swapped = np.array([0, 2, 1], np.uint8)[labels]
    write_image(Volume(swapped, phantom_geometry((24, 64, 72))), tmp_path / "swapped.nii.gz")
    masks = [f"--{name}-lungs={tmp_path / 'swapped.nii.gz'}" for name in ("first", "second")]
    assert main(["followup", str(dates / "first"), str(dates / "second.nii.gz"), *masks]) == 1
    assert "swapped.nii.gz has label 1 on the patient's left" in capsys.readouterr().err
