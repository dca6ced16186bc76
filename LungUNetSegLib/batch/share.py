"""Decides how many processes with how many threads fit this machine's cores and memory."""

from __future__ import annotations

import os

from LungUNetSegLib.machine import cores

JOB_BYTES = 1_300_000_000
"""What a process takes at most for a scan of 300 slices, the next one read ahead (benchmarks/batch.py)."""


def jobs_and_threads(jobs: int | None, threads: int | None, scans: int) -> tuple[int, int | None]:
    """Return how many processes to start (0 for none) and how many threads each gets.

    Args:
        jobs: As wished; as many as the cores, the memory and the scans ask for when None.
        threads: As wished; the cores are shared out when None.
        scans: How many there are.
    """
    if jobs == 0:
        return 0, threads
    if jobs is None:
        jobs = max(1, min(cores() // (threads or 1), _free_bytes() // JOB_BYTES, scans))
    return jobs, threads or max(1, cores() // jobs)


def _free_bytes() -> int:
    """Return the free memory; if it is unknown, enough for one process per core."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") + _cached_bytes()
    except (AttributeError, OSError, ValueError):
        return cores() * JOB_BYTES


def _cached_bytes() -> int:
    """Return the memory of the system's file cache, which it frees on demand (Linux)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    except (OSError, ValueError, IndexError):
        return 0
    return 1024 * max(0, sizes.get("MemAvailable", 0) - sizes.get("MemFree", 0))
