"""`lungunetseg crop` and `lungunetseg outcomes` from the shell."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dicom_files import save, slices_of
from dicom_mask_files import segmentation
from phantom_cases import few_slices, partly_outside, write_image

from LungUNetSegLib.cli import crop as command
from LungUNetSegLib.cli import main
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import read_image, read_labels
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.region import crop, lung_box
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import resample


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, small_phantom: Phantom) -> Path:
    """A folder with `ct.nii.gz` and `mask.nii.gz`."""
    folder = tmp_path_factory.mktemp("crop")
    write_image(small_phantom.ct, folder / "ct.nii.gz")
    write_image(small_phantom.labels, folder / "mask.nii.gz")
    return folder


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_image_and_mask_keep_their_place(
    files: Path, tmp_path: Path, small_phantom: Phantom, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects overlays on the scan: the box's voxels lie where they lay, in image and mask alike."""
    out = tmp_path / f"box{ending}"
    assert main(["crop", f"{files}/ct.nii.gz", "-o", str(out), "--mask", f"{files}/mask.nii.gz", "--margin", "8"]) == 0
    image, mask = read_image(out).volume, read_labels(tmp_path / f"box_lungs{ending}")
    assert image.geometry.matches(mask.geometry)
    assert image.geometry.shape < small_phantom.ct.geometry.shape
    box = lung_box(small_phantom.labels, 8.0)
    np.testing.assert_allclose(image.geometry.to_lps((0, 0, 0)), small_phantom.ct.geometry.to_lps(box.start), atol=1e-3)
    restored = resample(mask, small_phantom.labels.geometry, "nearest")
    assert np.array_equal(restored.array, small_phantom.labels.array)
    said = capsys.readouterr().out
    assert said.startswith(f"slices {box.start[0] + 1} to {box.stop[0]}, rows {box.start[1] + 1}"), "from 1, for people"


def test_what_is_odd_of_the_scan_is_said(tmp_path: Path, thin: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects from a box cut out of a scan that lost a slice, in silence; its mask is drawn on the real slices."""
    datasets = slices_of(thin)
    save([*datasets[:6], *datasets[7:]], tmp_path / "ct")
    labels = np.zeros(thin.array.shape, np.uint8)
    labels[2:11, 10:30, 10:40] = 1
    segmentation(tmp_path / "mask.dcm", Volume(np.where(np.arange(13)[:, None, None] == 6, 0, labels), thin.geometry))
    out = tmp_path / "box.nii.gz"
    assert main(["crop", f"{tmp_path}/ct", "-o", str(out), "--mask", f"{tmp_path}/mask.dcm"]) == 0
    assert "note: Slices are missing (1 of 13" in capsys.readouterr().out
    assert read_labels(tmp_path / "box_lungs.nii.gz").array.all(), "the lost slice is filled in the mask as in the scan"


def test_what_is_odd_of_the_mask_is_said(
    files: Path, tmp_path: Path, small_phantom: Phantom, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from a box that misses lung in silence: part of this mask lies behind the scan's last row."""
    write_image(partly_outside(small_phantom.labels), tmp_path / "longer.nii.gz")
    out = tmp_path / "box.nii.gz"
    assert main(["crop", f"{files}/ct.nii.gz", "-o", str(out), "--mask", f"{tmp_path}/longer.nii.gz"]) == 0
    assert "note: Of the mask's" in capsys.readouterr().out


def test_without_a_mask_the_lungs_are_segmented(
    files: Path,
    tmp_path: Path,
    tiny_model: Path,
    small_phantom: Phantom,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Protects who has a scan alone: the box is put around what the model finds, and its doubts are said."""
    asked = []

    def segment(scan: Volume, model: Model, **_: object) -> SimpleNamespace:
        asked.append(model.name)
        assert scan.geometry.matches(small_phantom.ct.geometry)
        return SimpleNamespace(labels=small_phantom.labels, findings=(Finding("small-lung", "Only one lung."),))

    monkeypatch.setattr(command, "segment", segment)
    out = tmp_path / "box.nii.gz"
    assert main(["crop", f"{files}/ct.nii.gz", "-o", str(out), "--model", str(tiny_model)]) == 0
    assert asked == ["tiny"]
    assert "note: Only one lung." in capsys.readouterr().out
    assert read_image(out).volume.geometry.shape == crop(small_phantom.ct, lung_box(small_phantom.labels)).array.shape


def test_suppression_changes_what_is_not_lung(files: Path, tmp_path: Path) -> None:
    """Protects the lungs' own values up to the cap; outside there is neither bone nor emptiness left."""
    given = ["crop", f"{files}/ct.nii.gz", "--mask", f"{files}/mask.nii.gz", "-o"]
    assert main([*given, str(tmp_path / "plain.nii.gz")]) == 0
    assert main([*given, str(tmp_path / "less.nii.gz"), "--suppress"]) == 0
    plain, less = (read_image(tmp_path / f"{name}.nii.gz").volume.array for name in ("plain", "less"))
    lung = read_labels(tmp_path / "less_lungs.nii.gz").array > 0
    cap = np.percentile(plain, 95)
    assert np.array_equal(less[lung], np.rint(np.minimum(plain, cap))[lung].astype(np.int16))
    assert np.ptp(less[~lung].astype(int)) < np.ptp(plain[~lung].astype(int))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "{out}/box.txt"], "must end in"),
        (["-o", "{out}/none/box.nii.gz"], "does not exist"),
        (["-o", "{out}/box.nii.gz", "--margin", "-1"], "at least 0 mm"),
        (["-o", "{out}/box.nii.gz", "--margin", "nan"], "at least 0 mm"),
        (["-o", "{out}/box.nii.gz", "--margin", "inf"], "at least 0 mm"),
        (["-o", "{out}/box.nii.gz", "--rule", "wang2020"], "60 pixels a side"),
        (["-o", "{out}/box.nii.gz", "--rule", "wang2020", "--margin", "5"], "has no margin"),
        (["-o", "{files}/ct.nii.gz"], "is an input of this run"),
    ],
)
def test_what_cannot_be_cut_out_is_said(
    files: Path, tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one sentence, and nothing is written."""
    given = [option.format(out=tmp_path, files=files) for option in options]
    assert main(["crop", f"{files}/ct.nii.gz", "--mask", f"{files}/mask.nii.gz", *given]) != 0
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_outcomes_are_trained_on_and_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the one command: cases and a table in, an area with its interval out."""
    data = tmp_path / "data"
    data.mkdir()
    rows = ["case,outcome"]
    for number in range(4):
        phantom = make_phantom(few_slices((6, 40, 48)), rng=number, consolidation=number % 2 == 1)
        write_image(phantom.ct, data / f"p{number}.nii.gz")
        write_image(phantom.labels, data / f"p{number}_seg.nii.gz")
        rows.append(f"p{number},{number % 2}")
    (tmp_path / "outcomes.csv").write_text("\n".join(rows), encoding="utf-8")
    places = [f"--data={data}", f"--outcomes={tmp_path}/outcomes.csv", f"--out={tmp_path}/run", "--device=cpu"]
    small = ["--size", "6", "12", "16", "--folds=2", "--epochs=1", "--batch-size=2"]
    assert main(["outcomes", *places, *small, "--no-crop"]) == 0
    said = capsys.readouterr().out
    assert "area under the ROC curve" in said and "2 patients with the outcome and 2 without" in said
    table = (tmp_path / "run" / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert [row["case"] for row in csv.DictReader(table)] and len(table) == 5
    assert main(["outcomes", *places, *small]) == 1
    assert "_seg.nii.gz: The lungs fill" in capsys.readouterr().err


def test_a_mask_that_does_not_lie_on_the_lungs_is_said_and_values_can_be_mapped(
    files: Path, tmp_path: Path, small_phantom: Phantom, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects from a box around something else in silence; and a mask of 255 needs no other program."""
    labels = small_phantom.labels
    write_image(Volume(np.ascontiguousarray(labels.array[:, ::-1]), labels.geometry), tmp_path / "turned.nii.gz")
    write_image(Volume((labels.array > 0).astype(np.uint8) * 255, labels.geometry), tmp_path / "both.nii.gz")
    words = ["crop", f"{files}/ct.nii.gz", "-o", str(tmp_path / "box.nii.gz"), "--mask"]
    assert main([*words, f"{tmp_path}/turned.nii.gz"]) == 0
    assert "turned.nii.gz does not lie on the lung of its scan" in capsys.readouterr().out
    assert main([*words, f"{tmp_path}/both.nii.gz", "--map", "255=both"]) == 0
    assert "note:" not in capsys.readouterr().out
    assert set(np.unique(read_labels(tmp_path / "box_lungs.nii.gz").array)) == {0, 1}
