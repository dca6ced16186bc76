"""How many threads fit: engines count the machine's cores, but not what a container leaves of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""Linux, control groups version 2: microseconds of CPU time in each period of so many, or "max"."""


def limited_cores() -> int | None:
    """Return the cores that this process may use if they are fewer than the machine's, else None."""
    cores = os.cpu_count() or 1
    allowed = cores
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = CGROUP_LIMIT.read_text().split()
        if quota != "max":
            allowed = min(allowed, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no such limit here
    return allowed if allowed < cores else None
