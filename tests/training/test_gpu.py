"""Training on an NVIDIA GPU; skipped where there is none."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from phantom_cases import write_three_patients

from LungUNetSegLib.training.checkpoint import load_checkpoint

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

SETTINGS = {
    "preprocess": {"spacing_mm": 7.0, "size": [48, 56], "context_mm": 20.0, "coarse_mm": 14.0},
    "coarse": {"network": {"features_per_stage": [4, 8]}, "steps": 2, "part_steps": 1, "batch_size": 1},
    "views": {"per_case": 2},
    "network": {"features_per_stage": [8, 16], "dropout": 0.0},
    "sampling": {"order": "every"},
    "epochs": 3,
    "batch_size": 4,
    "precision": "float32",
}


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    write_three_patients(tmp_path / "data", slices=6)
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    places = {"data": tmp_path / "data", "cache": tmp_path / "cache", "config": tmp_path / "settings.json"}
    return ["train", *(f"--{name}={path}" for name, path in places.items())]


def train(arguments: list[str], out: Path, processes: int = 0) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, under torchrun if `processes` are said."""
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"] if processes else []
    command = [sys.executable, "-m", *launcher, "LungUNetSegLib", *arguments, f"--out={out}"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def losses(folder: Path) -> list[float]:
    return [row["train_loss"] for row in load_checkpoint(folder / "last.pt").history]


def test_the_gpu_follows_the_cpus_loss_curve(arguments: list[str], tmp_path: Path) -> None:
    """Protects the one training loop: a lab's GPU must learn what the CPU learns."""
    for device in ("cpu", "cuda"):
        result = train([*arguments, f"--device={device}", "--workers=2"], tmp_path / device)
        assert result.returncode == 0, result.stderr
    assert losses(tmp_path / "cuda") == pytest.approx(losses(tmp_path / "cpu"), abs=0.01)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_and_goes_on(arguments: list[str], tmp_path: Path, precision: str) -> None:
    """Protects autocast and, in float16, the scaled loss, also over a stop."""
    half = [*arguments, f"--set=precision={precision}", "--set=channels_last=true"]
    for epochs, more in ((2, []), (4, ["--resume"])):
        result = train([*half, "--set=schedule=constant", f"--set=epochs={epochs}", *more], tmp_path / "half")
        assert result.returncode == 0, result.stderr
        assert "float32" not in result.stderr
    curve = losses(tmp_path / "half")
    assert len(curve) == 4 and all(map(math.isfinite, curve)) and curve[-1] < curve[0]
    assert train([*arguments, "--set=epochs=4", "--set=schedule=constant"], tmp_path / "single").returncode == 0
    assert curve == pytest.approx(losses(tmp_path / "single"), abs=0.03)
    checkpoint = load_checkpoint(tmp_path / "half/last.pt")
    assert bool(checkpoint.scaler) == (precision == "float16")


def test_nccl_follows_the_loss_curve_of_one_process(arguments: list[str], tmp_path: Path) -> None:
    """Protects the way of several GPUs: gradients, scores and waiting go through NCCL, with one GPU too."""
    assert train([*arguments, "--device=cuda"], tmp_path / "alone").returncode == 0
    result = train([*arguments, "--device=cuda"], tmp_path / "joined", processes=1)
    assert result.returncode == 0, result.stderr
    assert losses(tmp_path / "joined") == pytest.approx(losses(tmp_path / "alone"), abs=0.005)


def test_more_processes_than_gpus_are_refused(arguments: list[str], tmp_path: Path) -> None:
    gpus = torch.cuda.device_count()
    result = train([*arguments, "--device=cuda"], tmp_path / "out", processes=gpus + 1)
    assert result.returncode != 0
    assert f"there are {gpus} GPU(s); start one process per GPU" in result.stderr
