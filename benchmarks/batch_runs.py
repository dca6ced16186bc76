"""Runs the commands that benchmarks/batch.py compares, and measures them with all their child processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peak_memory import watched

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and the checkout whose library it uses."""

    words: tuple[str, ...]
    checkout: Path


def python_command(words: Sequence[str], checkout: Path | None = None) -> Command:
    """Return a command line of this program, or of the one in another checkout."""
    return Command((sys.executable, "-m", "LungUNetSegLib", *words), (checkout or ROOT).resolve())


def measured(commands: Sequence[Command]) -> dict[str, float]:
    """Run commands one after another.

    Returns:
        wall_s: From start to end.
        cpu_s: Of all processes.
        peak_mb: Resident memory of the largest process.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peak_mb = max(map(_run, commands))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - started, "cpu_s": cpu_s, "peak_mb": peak_mb}


def _run(command: Command) -> float:
    """Run a command, and return the peak memory of its largest process in MB."""
    environment = os.environ | {"PYTHONPATH": str(command.checkout)}
    process = subprocess.Popen(
        command.words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
        cwd=command.checkout,  # Python looks for a module in the folder in which it is started first
    )  # fmt: skip
    with watched(process.pid) as peak:
        _, told = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command.words)}: {told}")
    return peak.mb
