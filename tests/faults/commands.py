"""The commands that are disturbed, the place where they run, and how their results are looked at afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from phantom_cases import TINY_TRAINING, write_image, write_pair
from tiny_models import write_checkpoint

from LungUNetSegLib.engines.export import export
from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.training.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
DRAFTS = ".lungunetseg-*"
PATIENCE_S = 120
"""A command that runs longer stands still."""


@cache
def inputs() -> Path:
    """A folder with all that the commands read; it is removed by `forget_inputs`."""
    folder = Path(tempfile.mkdtemp(prefix="faults-inputs-"))
    phantom = make_phantom(phantom_geometry((24, 64, 72)), rng=1)
    write_image(phantom.ct, folder / "scan.nii.gz")
    write_image(phantom.labels, folder / "reference.nii.gz")
    write_checkpoint(folder / "best.pt")
    export(folder / "best.pt", folder / "model", "tiny", description="Random weights.", date="2026-01-31")
    for seed in range(3):
        write_pair(folder / "data", f"case{seed}", seed=seed)
    (folder / "scans").mkdir()
    for seed in range(2):
        write_image(make_phantom(phantom_geometry((24, 64, 72)), rng=seed).ct, folder / "scans" / f"scan{seed}.nii.gz")
    (folder / "settings.json").write_text(json.dumps(TINY_TRAINING), encoding="utf-8")
    return folder


def forget_inputs() -> None:
    shutil.rmtree(inputs(), ignore_errors=True)
    inputs.cache_clear()


@dataclass(frozen=True)
class Command:
    """What is disturbed.

    Attributes:
        name: Of the command.
        arguments: For a folder to write to.
        goes_on: Whether it does nothing where it finds what it would do.
        state: What its results hold, or None where there are none; raises an error of ours where they are broken.
    """

    name: str
    arguments: Callable[[Path], list[object]]
    state: Callable[[Path], Any]
    goes_on: bool = False

    def line(self, out: Path) -> list[str]:
        """Return the whole command line."""
        words = map(str, self.arguments(out))
        return [sys.executable, "-W", "ignore", "-m", "LungUNetSegLib", *words, "--progress", "none"]


def _labels(out: Path) -> Any:
    path = out / "lungs.nii.gz"
    return np.bincount(read_labels(path).array.ravel(), minlength=3).tolist() if path.exists() else None


def _batch(out: Path) -> Any:
    """The labels of both scans; None while one is not done, and whole ones alone count."""
    found = sorted((out / "batch").glob("scans/*/lungs.nii.gz"))
    labels = [np.bincount(read_labels(path).array.ravel(), minlength=3).tolist() for path in found]
    return labels if len(labels) == 2 else None


def _scores(out: Path) -> Any:
    path = out / "scores.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["cases"][0]["regions"] if path.exists() else None
    except (ValueError, LookupError) as error:
        raise LungUNetSegError(f"{path} is broken: {error}") from error


def _model(out: Path) -> Any:
    path = out / "model"
    return load_model(path).sha256 if (path / "manifest.json").exists() else None


def _training(out: Path) -> Any:
    """The last checkpoint's weights; none before the first epoch is done."""
    if not (out / "run" / "last.pt").exists():
        return None
    checkpoint = load_checkpoint(out / "run" / "last.pt")
    if (out / "run" / "best.pt").exists():
        load_checkpoint(out / "run" / "best.pt")
    return checkpoint.epoch, {name: value.tolist() for name, value in checkpoint.network.items()}


COMMANDS = {
    "segment": Command(
        "segment",
        lambda out: [
            "segment", inputs() / "scan.nii.gz", "-o", out / "lungs.nii.gz", "--json", out / "lungs.json",
            "--model", inputs() / "model", "--engine", "onnxruntime",
        ],
        _labels,
    ),
    "batch": Command(
        "batch",
        lambda out: [
            "batch", inputs() / "scans", "-o", out / "batch", "--model", inputs() / "model", "--engine", "onnxruntime",
            "--jobs", 1,
        ],
        _batch,
        goes_on=True,
    ),
    "evaluate": Command(
        "evaluate",
        lambda out: [
            "evaluate", inputs() / "reference.nii.gz", inputs() / "reference.nii.gz", "--json", out / "scores.json",
            "--report", out / "report",
        ],
        _scores,
    ),
    "export": Command("export", lambda out: ["export", inputs() / "best.pt", "-o", out / "model"], _model),
    "train": Command(
        "train",
        lambda out: [
            "train", "--data", inputs() / "data", "--out", out / "run", "--config", inputs() / "settings.json",
            "--device", "cpu", "--cache", out / "cache", "--threads", 1, "--resume",
        ],
        _training,
        goes_on=True,
    ),
}  # fmt: skip


@dataclass
class Ended:
    """How a run ended: its exit code, below 0 by a signal, and what it said on stderr."""

    code: int
    message: str


def environment(**more: str) -> dict[str, str]:
    """Return a child's environment: this checkout's library, one thread."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **more}


def start(line: list[str], **options: Any) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    options.setdefault("env", environment())
    return subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT, **options
    )


def finish(child: subprocess.Popen[str]) -> Ended:
    """Wait for a command; one that stands still is ended, and counts as such."""
    try:
        _, message = child.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return Ended(999, "it stood still")
    return Ended(child.returncode, message.strip())


@dataclass
class Tally:
    """What came of one fault.

    Attributes:
        fault, command: Which.
        tries: Runs that were disturbed.
        done: Of them those that ended well, with the right result.
        said: Those that ended with one line of ours.
        ended: Those that the system ended.
        wrong: Results lost, broken or wrong, runs that stood still, words that help nobody: must be empty.
        left: Drafts that were there after the next run: must be 0.
    """

    fault: str
    command: str
    tries: int = 0
    done: int = 0
    said: int = 0
    ended: int = 0
    wrong: list[str] = field(default_factory=list)
    left: int = 0

    def add(self, ended: Ended, state: Any, before: Any, right: Any) -> None:
        """Count one run by how it ended and what it left: what was before, or the right result."""
        self.tries += 1
        lines = [line for line in ended.message.splitlines() if line.strip()]
        if ended.code == 0:
            self.done += 1
        elif ended.code < 0 or ended.code in (134, 137, 139):
            self.ended += 1
        elif lines and lines[-1].startswith("lungunetseg: ") and "internal error" not in ended.message:
            self.said += 1
        else:
            self.wrong.append(f"exit {ended.code}: {ended.message[-400:]}")
        if state != right and (ended.code == 0 or state != before):
            self.wrong.append(f"exit {ended.code} and its result is neither whole nor what was before")


@contextmanager
def place(command: Command, tally: Tally | None = None) -> Iterator[Path]:
    """Yield an empty folder to write to; drafts in it at the end are counted."""
    out = Path(tempfile.mkdtemp(prefix=f"faults-{command.name}-"))
    try:
        yield out
        if tally is not None:
            tally.left += sum(1 for _ in out.rglob(DRAFTS))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def looked_at(command: Command, out: Path) -> Any:
    """Return what the results hold; the error where they are broken."""
    try:
        return command.state(out)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@cache
def right_result(name: str) -> Any:
    """Return what a command gives that nobody disturbs."""
    command = COMMANDS[name]
    with place(command) as out:
        ended = finish(start(command.line(out)))
        assert ended.code == 0, f"{name} fails without any fault: {ended.message}"
        result = looked_at(command, out)
    assert (result is not None and not isinstance(result, str)) or name == "export", result
    return result
