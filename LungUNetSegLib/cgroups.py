"""Reads what Linux's control groups leave to this process: containers, SLURM's jobs and systemd's services set limits.

A process is in a group of each kind, and the limits of all groups around that one hold too. Version 2 has one tree of
groups, version 1 one for each kind of limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
"""The process's groups, a line for each tree: its number, its kinds (none for version 2), the group's path in it."""


def cpu_limit() -> float | None:
    """Return how many cores' time this process may use; None without a limit."""
    limits = []
    for group in _groups("cpu"):
        quota, _, period = _read(group, "cpu.max").partition(" ")
        quota = quota or _read(group, "cpu.cfs_quota_us")
        period = period or _read(group, "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal():  # else "max", or -1
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory_left() -> int | None:
    """Return the bytes of memory that this process may still take; None without a limit."""
    left = []
    for group in _groups("memory"):
        limit = _read(group, "memory.max") or _read(group, "memory.limit_in_bytes")
        if limit.isdecimal():  # else "max"
            taken = _read(group, "memory.current") or _read(group, "memory.usage_in_bytes") or "0"
            left.append(max(0, int(limit) - max(0, int(taken) - _cached(group))))
    return min(left, default=None)


def _cached(group: Path) -> int:
    """Return the bytes of files in memory that a group's usage counts, and that the system frees on demand."""
    lines = (line.split() for line in _read(group, "memory.stat").splitlines())
    sizes = {name: int(size) for name, size in lines}
    of_all = "total_" if "total_inactive_file" in sizes else ""  # version 1 also counts without the groups inside
    return sum(sizes.get(f"{of_all}{kind}_file", 0) for kind in ("active", "inactive"))


def _groups(kind: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those around it; a container does not see all of them."""
    try:
        lines = OWN.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return  # not Linux
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds and kind not in kinds.split(","):
            continue
        tree = ROOT / kind if kinds else ROOT
        own = PurePosixPath(path.lstrip("/"))
        yield from (tree / each for each in (own, *own.parents))


def _read(group: Path, name: str) -> str:
    """Return a group's setting; "" where it is not there."""
    try:
        return (group / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""
