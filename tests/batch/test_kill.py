"""A batch that is killed again and again ends with the very files of one that nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from LungUNetSegLib.cli import main
from LungUNetSegLib.io import write_image
from LungUNetSegLib.machine import process_runs
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Volume

SCANS, KILLS = 24, 20


def command(source: Path, out: Path, model: Path, jobs: int = 0) -> list[str]:
    words = map(str, ["batch", source, "-o", out, "--model", model])
    return [*words, "--jobs", str(jobs), "--format", "nii.gz", "--format", "seg.nrrd", "--progress", "json"]


def content_of(out: Path) -> dict[str, Any]:
    """Every file below OUT but those that hold times, and what of those does not depend on time."""
    found: dict[str, Any] = {}
    for path in sorted(each for each in out.rglob("*") if each.is_file()):
        name = path.relative_to(out).as_posix()
        if path.name == "scan.json":
            found[name] = json.loads(path.read_text(encoding="utf-8"))
            found[name].pop("seconds")
            found[name].pop("source")  # hashes are keyed with a secret of each batch
        elif name.startswith(("scans/", "work/failed/")):
            found[name] = path.read_bytes()
        elif not name.startswith("work/index.sqlite-"):
            found[name] = ""
    return found


@pytest.mark.slow
def test_twenty_kills_change_nothing(tiny_model: Path, tmp_path: Path, small_phantom: Phantom) -> None:
    """Protects a night's work from power cuts: kill -9 of the batch or of one of its processes, at random moments.

    Half of the batches have one process, and a quarter each two or none: most of the time is the processes' start. So
    the batches that are killed are forked from a process that has imported everything, and the others run in this one.
    """
    source = tmp_path / "source"
    source.mkdir()
    for number in range(SCANS):  # which differ by a HU
        scan = Volume(small_phantom.ct.array + number, small_phantom.ct.geometry)
        write_image(source / f"{number:02}.nrrd", scan)
    (source / "broken.nrrd").write_bytes((source / "00.nrrd").read_bytes()[:-20000])
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    # Names hold digits that are keyed with the batch's secret only where they are pseudonyms: the same one, to compare.
    for out in (undisturbed, disturbed):
        (out / "work").mkdir(parents=True)
        (out / "work" / "secret").write_text("0" * 32)
    assert main(command(source, undisturbed, tiny_model)) == 1
    rng = random.Random(20)
    with forks(tmp_path / "progress") as start:
        while_working = sum(
            kill_one(start(command(source, disturbed, tiny_model, (1, 2, 1, 0)[n % 4])), tmp_path / "progress", rng)
            for n in range(KILLS)
        )
    assert main(command(source, disturbed, tiny_model)) == 1
    assert while_working >= KILLS // 2
    assert content_of(disturbed) == content_of(undisturbed)
    assert len(list((disturbed / "scans").iterdir())) == SCANS


@contextmanager
def forks(progress: Path) -> Iterator[Callable[[list[str]], int]]:
    """A function that starts a batch, which tells its progress through a pipe, and returns its process's number."""
    os.mkfifo(progress)
    script = Path(__file__).with_name("batches_to_kill.py")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, script], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as it:
        assert it.stdin is not None and it.stdout is not None

        def start(words: list[str]) -> int:
            it.stdin.write(json.dumps([str(progress), *words]) + "\n")
            it.stdin.flush()
            return int(it.stdout.readline())

        yield start


def kill_one(process: int, progress: Path, rng: random.Random) -> bool:
    """Kill a batch or one of its processes a moment after its first sign of work; was it at work?"""
    with progress.open(encoding="utf-8") as told:
        for line in told:
            if '"scan_stage"' in line:
                break
        else:
            return False
        time.sleep(rng.uniform(0, 0.5))
        children = Path(f"/proc/{process}/task/{process}/children")
        workers = [int(each) for each in children.read_text().split()] if children.exists() else []
        if workers and rng.random() < 0.3:
            try:
                os.kill(rng.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                return False
            time.sleep(rng.uniform(0, 0.5))
        at_work = process_runs(process)
        if at_work:
            os.kill(process, signal.SIGKILL)
        while process_runs(process):
            time.sleep(0.01)
    return at_work
