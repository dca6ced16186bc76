"""Decides how many processes with how many threads fit this machine's cores and memory, and what a scan takes of it."""

from __future__ import annotations

import os

from LungUNetSegLib.cgroups import memory_left
from LungUNetSegLib.machine import cores

JOB_BYTES = 1_300_000_000
"""What a process is given at least; more where two of the planned scans may take more."""

PROCESS_BYTES = 200_000_000
"""What a process takes with an open model and without a scan."""

BYTES_PER_VOXEL = 3.3
"""What each voxel of a scan takes at most while it is segmented: measured with DICOM and 16-bit NIfTI of 64 and 256
slices. A scan of 64-bit numbers, or one that is turned against the body's axes, takes 10."""


def scan_bytes(voxels: int) -> int:
    """Return what a scan of so many voxels takes of memory, beside its process."""
    return round(BYTES_PER_VOXEL * voxels)


def jobs_and_threads(
    jobs: int | None, threads: int | None, scans: int, largest_voxels: int = 0
) -> tuple[int, int | None]:
    """Return how many processes to start (0 for none) and how many threads each gets.

    Args:
        jobs: As wished; as many as the cores, the memory and the scans ask for when None.
        threads: As wished; the cores are shared out when None.
        scans: How many there are.
        largest_voxels: Of the largest scan.
    """
    if jobs == 0:
        return 0, threads
    if jobs is None:
        job_bytes = max(JOB_BYTES, PROCESS_BYTES + 2 * scan_bytes(largest_voxels))  # one at work, one that is read
        jobs = max(1, min(cores() // (threads or 1), free_bytes() // job_bytes, scans))
    return jobs, threads or max(1, cores() // jobs)


def free_bytes() -> int:
    """Return the memory that is free for this program; if it is unknown, enough for one process per core."""
    try:
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") + _cached_bytes()
    except (AttributeError, OSError, ValueError):
        return cores() * JOB_BYTES
    left = memory_left()
    return free if left is None else min(free, left)


def _cached_bytes() -> int:
    """Return the memory of the system's file cache, which it frees on demand (Linux)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    except (OSError, ValueError, IndexError):
        return 0
    return 1024 * max(0, sizes.get("MemAvailable", 0) - sizes.get("MemFree", 0))
