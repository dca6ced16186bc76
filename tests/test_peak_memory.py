"""Memory is that of the process that is measured, not of the one that started it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import peak_memory
import pytest

from LungUNetSegLib.batch.children import child_environment
from LungUNetSegLib.machine import peak_mb

ROOT = Path(__file__).resolve().parents[1]

LARGE_MB = 400.0

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="where a process takes over the peak of the one that started it"
)


@pytest.fixture
def large_parent() -> Iterator[None]:
    """Take much memory in this process, as a Slicer with scans or a benchmark with volumes does."""
    scans = bytearray(int(LARGE_MB * 1e6))
    scans[::4096] = b"x" * len(scans[::4096])
    yield
    del scans


def test_a_process_knows_its_peak() -> None:
    peak = peak_mb()
    assert peak is None or 10 < peak < 1e6


@linux_only
@pytest.mark.usefixtures("large_parent")
def test_the_memory_of_slicer_is_not_counted() -> None:
    """Protects a fine-tuning behind a Slicer with large scans: it failed at once, as it began with Slicer's peak."""
    script = "from LungUNetSegLib.machine import peak_mb; print(peak_mb())"
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=child_environment()
    )
    assert 1 < float(child.stdout) < LARGE_MB / 2


@linux_only
@pytest.mark.usefixtures("large_parent")
def test_a_benchmark_tells_the_memory_of_the_command_that_it_starts() -> None:
    """Protects the memory in docs/performance.md, which was the benchmark's own where that is larger."""
    script = "import time; taken = b'x' * 60_000_000; time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", script]) as child, peak_memory.watched(child.pid) as peak:
        while child.poll() is None:
            time.sleep(0.05)
    assert 60 < peak.mb < LARGE_MB / 2


def test_nothing_else_asks_for_a_peak() -> None:
    """Protects the next benchmark: `ru_maxrss` is the parent's where that was larger."""
    asked = {
        str(path.relative_to(ROOT))
        for folder in ("LungUNetSeg", "LungUNetSegLib", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.ru_maxrss", path.read_text(encoding="utf-8"))
    }
    assert asked == {"LungUNetSegLib/machine.py"}
