"""Runs the commands that benchmarks/batch.py compares, and measures them with all their child processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

WATCHED_S = 0.2
"""So often memory is looked at: a process tells its peak until then."""


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
    peak_kb = max(map(_run, commands))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - started, "cpu_s": cpu_s, "peak_mb": peak_kb * 1024 / 1e6}


def _run(command: Command) -> float:
    """Run a command, and return the peak memory of its largest process in KiB."""
    environment = os.environ | {"PYTHONPATH": str(command.checkout)}
    process = subprocess.Popen(
        command.words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
        cwd=command.checkout,  # Python looks for a module in the folder in which it is started first
    )  # fmt: skip
    ended, found = threading.Event(), [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, ended, found))
    watch.start()
    _, told = process.communicate()
    ended.set()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command.words)}: {told}")
    return found[0]


def _watch(pid: int, ended: threading.Event, found: list[float]) -> None:
    """Note the largest peak of a process and of its children, in KiB."""
    while not ended.wait(WATCHED_S):
        found[0] = max(found[0], *map(_peak_kb, (pid, *_descendants(pid))))


def _peak_kb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):  # it has just ended
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0.0)


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(each) for each in path.read_text(encoding="ascii").split()]
        except OSError:
            continue
        found += [each for child in children for each in (child, *_descendants(child))]
    return found
