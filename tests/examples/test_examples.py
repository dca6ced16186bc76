"""The programs in examples/ run, each as its first lines say, and print what they promise."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from phantom_cases import TINY_TRAINING, write_image, write_pair

from LungUNetSegLib.io import read_labels
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: object) -> str:
    """Run an example as a user does, and return what it prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_every_example_is_listed_and_says_how_it_is_run() -> None:
    files = sorted(path.name for path in EXAMPLES.glob("*.py"))
    listed = re.findall(r"^\| \[(.+?)\]\((.+?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(target for _, target in listed) == files
    assert all(f"examples/{name}" in (EXAMPLES / name).read_text(encoding="utf-8") for name in files)


def test_segment(small_phantom: Phantom, tiny_model: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.nii.gz"
    sitk.WriteImage(to_sitk(small_phantom.ct), str(scan))
    printed = run("segment.py", scan, scan, "--output", tmp_path / "out", "--model", tiny_model)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0001.nii.gz", "0002.nii.gz"]
    labels = read_labels(tmp_path / "out" / "0001.nii.gz")
    ml = np.count_nonzero(labels.array) * labels.geometry.voxel_volume_ml
    share = np.mean(small_phantom.ct.array[labels.array > 0] < -950)
    assert printed.count(f"{scan}: {ml:.0f} ml, {share:.1%} below -950 HU") == 2


def test_compare(small_phantom: Phantom, tmp_path: Path) -> None:
    prediction = small_phantom.labels.array.copy()
    prediction[12, 20:30, 30:40] = 1
    write_image(Volume(prediction, small_phantom.labels.geometry), tmp_path / "prediction.nrrd")
    write_image(small_phantom.labels, tmp_path / "reference.nrrd")
    printed = run("compare.py", tmp_path / "prediction.nrrd", tmp_path / "reference.nrrd").splitlines()
    assert [line.split(":")[0] for line in printed[:3]] == ["Right lung", "Left lung", "Both lungs"]
    wrong = np.count_nonzero(prediction != small_phantom.labels.array)
    assert printed[3].startswith("slice 12 ") and 0 < int(re.search(r"(\d+) voxels", printed[3])[1]) <= wrong


def test_train_and_test(tmp_path: Path) -> None:
    for seed in range(3):
        write_pair(tmp_path / "data", f"p{seed}", slices=16, seed=seed)
    settings = tmp_path / "tiny.json"
    settings.write_text(json.dumps(TINY_TRAINING), encoding="utf-8")
    options = ("--config", settings, "--cache", tmp_path / "cache", "--device", "cpu", "--threads", 1)
    printed = run("train_and_test.py", tmp_path / "data", tmp_path / "run", *options)
    tested = json.loads((tmp_path / "run" / "split.json").read_text(encoding="utf-8"))["test"]
    assert len(tested) == 1
    assert re.search(
        rf"^{tested[0]}: Right lung DSC \S+, Left lung DSC \S+, Both lungs DSC \S+$", printed, re.MULTILINE
    )
    assert (tmp_path / "run" / "predictions" / f"{tested[0]}.nii.gz").exists()


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_examples_stay_short(name: str) -> None:
    """An example is read before it is run."""
    assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 40
