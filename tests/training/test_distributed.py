"""Training under torchrun: the loss curve of one process, and a clear end when a worker is killed."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from phantom_cases import write_three_patients

from LungUNetSegLib.cli import main, training_end
from LungUNetSegLib.errors import ConfigError, LungUNetSegError
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.distributed import Process
from LungUNetSegLib.training.trainer import Trainer

LOSS_TOLERANCE = 0.02
"""Each process takes the soft Dice over its own slices, so the mean of two losses is not quite the loss of all."""

SETTINGS = {
    "preprocess": {"spacing_mm": 7.0, "size": [48, 56], "context_mm": 20.0, "coarse_mm": 14.0},
    "coarse": {"network": {"features_per_stage": [4, 8]}, "steps": 2, "part_steps": 1, "batch_size": 1},
    "views": {"per_case": 2},
    # Without batch statistics, which each process takes over its own slices, the gradients are nearly the same.
    "network": {"in_channels": 5, "features_per_stage": [8, 16], "normalisation": "group", "dropout": 0.0},
    "sampling": {"order": "every", "own_disease_probability": 0.0},
    "epochs": 3,
    "batch_size": 4,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("training")
    write_three_patients(folder / "data", slices=6)
    (folder / "settings.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    places = {"data": folder / "data", "cache": folder / "cache", "config": folder / "settings.json"}
    return ["train", "--device=cpu", "--threads=1", *(f"--{name}={path}" for name, path in places.items())]


@pytest.fixture(scope="module")
def alone(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The history of one process without torchrun."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert main([*arguments, f"--out={out}"]) == 0
    return load_checkpoint(out / "last.pt").history


def trained(arguments: list[str], out: Path, processes: int) -> list[dict[str, Any]]:
    """Train to the end, and return the history."""
    process = start(arguments, out, processes)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return load_checkpoint(out / "last.pt").history


def start(arguments: list[str], out: Path, processes: int) -> subprocess.Popen[str]:
    """Train in `processes` under torchrun."""
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    command = [sys.executable, "-m", *launcher, "LungUNetSegLib", *arguments, f"--out={out}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)


def test_two_processes_follow_the_loss_curve_of_one(
    arguments: list[str], alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    for one, both in zip(alone, trained(arguments, tmp_path / "out", 2), strict=True):
        for score in ("train_loss", "val_loss", "train_accuracy", "val_accuracy"):
            assert both[score] == pytest.approx(one[score], abs=LOSS_TOLERANCE), score


def workers(launcher: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in children.split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found through /proc")
def test_a_killed_worker_ends_the_run_with_a_sentence_and_a_checkpoint(arguments: list[str], tmp_path: Path) -> None:
    last = tmp_path / "out" / "last.pt"
    process = start([*arguments, "--set", "epochs=100000"], tmp_path / "out", 2)
    try:
        end = time.monotonic() + 240
        while not last.exists():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(workers(process)[-1], signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    (line,) = (line for line in errors.splitlines() if line.startswith("lungunetseg:"))
    assert f"{last} holds" in line
    assert "continue with --resume" in line
    assert load_checkpoint(last).epoch >= 1


def test_processes_wait_for_each_other_as_long_as_a_cache_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first builds it, and validates, for all; gloo would give up after 30 minutes, NCCL after 10."""
    joined: dict[str, object] = {}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(dist, "init_process_group", lambda backend, **how: joined.update(how, backend=backend))
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    assert Process.from_environment(torch.device("cpu")) == Process(rank=1, world_size=2)
    assert joined["backend"] == "gloo"
    assert joined["timeout"] >= timedelta(hours=12)


def test_what_ends_one_of_several_is_not_said_to_be_its_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`torchrun` ends the others by SIGTERM, which also ends a training that runs alone."""

    def stopped() -> None:
        raise KeyboardInterrupt

    handlers: list[object] = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: handlers.append(handler))
    trainer = SimpleNamespace(folder=tmp_path, run=stopped)
    for process, sentence in (
        (Process(), r"^Training was stopped\. No epoch"),
        (Process(rank=1, world_size=2), r"^Training was stopped, here or in another of the 2 processes\. No epoch"),
    ):
        with pytest.raises(LungUNetSegError, match=sentence):
            training_end.run_to_the_end(trainer, process)
    assert handlers[-1] is signal.SIG_IGN, "a second SIGTERM must not end it before its sentence"


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size 3 cannot be divided among 2 processes"):
        Process(rank=0, world_size=2).check_batch_size(3)


def test_alone_nothing_is_exchanged() -> None:
    process = Process()
    assert process.is_first
    assert process.mean({"loss": 0.5}) == {"loss": 0.5}
    process.wait()
    process.leave()


def test_nothing_holds_a_group_that_was_left(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the exit code: torch 2.13 aborts some processes that end while a wrapped network still does."""
    wrapped: list[weakref.ref[torch.nn.Module]] = []
    wrap = Process.wrap

    def watch(process: Process, network: torch.nn.Module) -> torch.nn.Module:
        wrapped.append(weakref.ref(parallel := wrap(process, network)))
        return parallel

    monkeypatch.setattr(Process, "wrap", watch)
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    trainer = make_trainer(epochs=1)
    trainer.run()
    alive: list[bool] = []
    destroy = dist.destroy_process_group
    monkeypatch.setattr(dist, "destroy_process_group", lambda: alive.append(wrapped[0]() is not None) or destroy())
    trainer.process.leave()
    assert alive == [False]
    assert not dist.is_initialized()


def test_a_score_that_one_process_has_not_is_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the history from one NaN: a DSC is not defined where a process saw no lung."""
    monkeypatch.setattr(Process, "is_joined", True)
    names, sent = ("mean", "only_ours", "only_theirs", "none", "infinite"), []
    monkeypatch.setattr(dist, "all_reduce", lambda sums: sent.append(sums.clone()))
    Process(1, 2).mean(dict(zip(names, (0.5, math.nan, 4.0, math.nan, math.inf), strict=True)))
    monkeypatch.setattr(dist, "all_reduce", lambda sums: sums.add_(sent[0]))
    mean = Process(0, 2).mean(dict(zip(names, (0.25, 3.0, math.nan, math.nan, 1.0), strict=True)))
    assert mean == pytest.approx(dict(zip(names, (0.375, 3.0, 4.0, math.nan, math.inf), strict=True)), nan_ok=True)


@pytest.mark.parametrize("rank", [0, 2])
def test_more_processes_than_gpus_are_refused_by_each_of_them(monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    """CUDA would say "invalid device ordinal", and those with a GPU would wait for the one that ended."""
    for name, value in (("WORLD_SIZE", 3), ("LOCAL_WORLD_SIZE", 3), ("LOCAL_RANK", rank)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"3 processes were started here and there are 2 GPU\(s\)"):
        Process.from_environment(torch.device("cuda"))


def test_one_process_under_torchrun_joins_a_group_of_one(
    arguments: list[str], alone: list[dict[str, Any]], tmp_path: Path
) -> None:
    """So a machine with one GPU goes the way of several, and a cluster's job script need not tell them apart."""
    joined = [row["train_loss"] for row in trained(arguments, tmp_path / "out", 1)]
    assert joined == pytest.approx([row["train_loss"] for row in alone], abs=1e-5)
