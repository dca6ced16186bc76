"""What happens to the commands: each function disturbs one command a number of times and counts what came of it."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from faults.commands import (
    COMMANDS,
    Command,
    Tally,
    environment,
    finish,
    inputs,
    looked_at,
    place,
    right_result,
    start,
)

CLOCK = """
import random, time
_real, _jump = time.time, random.Random(0)
time.time = lambda: _real() + _jump.uniform(-4e8, 4e8)
"""
"""A clock that jumps by up to a dozen years, to and fro, at each look."""


@cache
def seconds(name: str) -> float:
    """Return how long a command takes here."""
    right_result(name)
    with place(COMMANDS[name]) as out:
        started = time.monotonic()
        finish(start(COMMANDS[name].line(out)))
        return time.monotonic() - started


def killed(name: str, moments: int, seed: int = 0) -> Tally:
    """SIGKILL at random moments, one run after the other in one folder; then a run that is left alone."""
    command, tally = COMMANDS[name], Tally("kill -9 at a random moment", name)
    rng, right, whole_s = random.Random(seed), right_result(name), seconds(name)
    with place(command, tally) as out:
        while tally.ended < moments and tally.tries < 3 * moments:
            if tally.tries % 5 == 4:
                _undisturbed(command, out, tally, right)
                for finished in ("run", "batch"):  # could not be interrupted any more
                    shutil.rmtree(out / finished, ignore_errors=True)
            before = looked_at(command, out)
            started = time.monotonic()
            child = start(command.line(out))
            with suppress(subprocess.TimeoutExpired):  # the first third is Python's own start
                child.wait(rng.uniform(0.3, 1.0) * whole_s)
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            else:  # the machine is less busy than it was
                whole_s = time.monotonic() - started
            ended, state = finish(child), looked_at(command, out)
            if name == "train" and _is_on_the_way(state, right):
                state = before
            tally.add(ended, state, before, right)
        _undisturbed(command, out, tally, right)
    return tally


def _is_on_the_way(state: Any, right: Any) -> bool:
    """Whether a checkpoint is a whole one of an earlier epoch."""
    return isinstance(state, tuple) and state[0] < right[0]


def _undisturbed(command: Command, out: Path, tally: Tally, right: Any) -> None:
    """The next run ends well, with the right result, and leaves no draft: for a training bit by bit."""
    ended = finish(start(command.line(out)))
    state = looked_at(command, out)
    if ended.code or state != right:
        tally.wrong.append(f"the next run: exit {ended.code}, {ended.message[-300:]}")
    tally.left += sum(1 for _ in out.rglob(".lungunetseg-*"))


def limited(name: str, fault: str, limits: list[Callable[[], object]], is_empty: bool = False) -> Tally:
    """Run under limits of the system, with an old result in place that must stay whole."""
    command, tally = COMMANDS[name], Tally(fault, name)
    right = right_result(name)
    for limit in limits:
        with place(command, tally) as out:
            if not is_empty and not command.goes_on:
                finish(start(command.line(out)))
            before = looked_at(command, out)
            ended = finish(start(command.line(out), preexec_fn=limit))
            state = looked_at(command, out)
            tally.add(ended, before if name == "train" and _is_on_the_way(state, right) else state, before, right)
            _undisturbed(command, out, tally, right)
    return tally


def memory(name: str, megabytes: list[int]) -> Tally:
    """A cap on the address space."""
    caps = [partial(_limit, resource.RLIMIT_AS, each << 20) for each in megabytes]
    return limited(name, f"memory of {megabytes[0]} to {megabytes[-1]} MB", caps)


def descriptors(name: str, counts: list[int]) -> Tally:
    """Few files may be open."""
    caps = [partial(_limit, resource.RLIMIT_NOFILE, each) for each in counts]
    return limited(name, f"{counts[0]} to {counts[-1]} descriptors", caps)


def largest_file(name: str, kilobytes: list[int]) -> Tally:
    """Files may not grow beyond a size."""
    caps = [partial(_limit, resource.RLIMIT_FSIZE, each << 10) for each in kilobytes]
    return limited(name, f"files of at most {kilobytes[0]} to {kilobytes[-1]} kB", caps)


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


@contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of its own; needs root."""
    with place(COMMANDS["segment"]) as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], check=True)


def full_disk(name: str, room_kb: list[int]) -> Tally:
    """A disk with so much room left, an old result on it."""
    command, tally = COMMANDS[name], Tally("a full disk", name)
    right = right_result(name)
    for room in room_kb:
        with small_disk(1 << 14) as disk:
            finish(start(command.line(disk)))
            before = looked_at(command, disk)
            if name == "train":
                subprocess.run(["rm", "-rf", str(disk / "run")], check=True)
                before = None
            used = os.statvfs(disk)
            filler = used.f_bavail * used.f_frsize - (room << 10)
            (disk / "filler").write_bytes(bytes(max(filler, 0)))
            ended = finish(start(command.line(disk)))
            state = looked_at(command, disk)
            tally.add(ended, before if name == "train" and _is_on_the_way(state, right) else state, before, right)
            (disk / "filler").unlink()
            _undisturbed(command, disk, tally, right)
    return tally


def read_only(name: str) -> Tally:
    """A disk that may be read only."""
    command, tally = COMMANDS[name], Tally("a read-only disk", name)
    right = right_result(name)
    with small_disk(1 << 14) as disk:
        finish(start(command.line(disk)))
        if name == "train":
            (disk / "run" / "last.pt").unlink()  # else there is nothing to do
            right = None
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        ended = finish(start(command.line(disk)))
        tally.add(ended, looked_at(command, disk), right, right)
    return tally


def clock_jumps(name: str, tries: int) -> Tally:
    """A clock that jumps, and inputs from 1970 and 2100."""
    command, tally = COMMANDS[name], Tally("a clock that jumps by years", name)
    right = right_result(name)
    with place(COMMANDS["segment"]) as hook:
        (hook / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
        with place(command, tally) as out:
            for number in range(tries):
                for path in inputs().rglob("*"):
                    os.utime(path, (4.1e9, 4.1e9) if number % 2 else (0, 0))
                before = looked_at(command, out)
                paths = os.pathsep.join([str(hook), environment()["PYTHONPATH"]])
                ended = finish(start(command.line(out), env=environment(PYTHONPATH=paths)))
                tally.add(ended, looked_at(command, out), before, right)
    return tally


def at_once(name: str, number: int) -> Tally:
    """So many runs that write to one place at the same time."""
    command, tally = COMMANDS[name], Tally(f"{number} at once into one place", name)
    right = right_result(name)
    with place(command, tally) as out:
        children = [start(command.line(out)) for _ in range(number)]
        ends = [finish(child) for child in children]
        state = looked_at(command, out)
        for ended in ends:
            tally.add(ended, state, None, right)
        _undisturbed(command, out, tally, right)
    return tally
