"""Ends a process together with all processes that it started.

In Slicer, `PythonSlicer` is a launcher that starts the real Python: ending the launcher alone leaves the computation
running.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from pathlib import Path


def end_process_tree(pid: int) -> None:
    """Kill a process, its children and theirs; processes that have already ended are ignored."""
    if os.name == "nt":
        command = ["taskkill", "/F", "/T", "/PID", str(pid)]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)  # type: ignore[attr-defined]
        return
    # Parents first, so that they cannot start more children.
    for each in [pid, *descendants(pid)]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue


def descendants(pid: int) -> list[int]:
    """Return the ids of the processes that a process started, those that they started, and so on (not on Windows)."""
    children = defaultdict(list)
    for child, parent in _parents().items():
        children[parent].append(child)
    found = list(children[pid])
    for each in found:
        found.extend(children[each])
    return found


def _parents() -> dict[int, int]:
    """Return each process's parent."""
    if Path("/proc/self/stat").exists():
        return _parents_from_proc()
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    return {int(child): int(parent) for child, parent in (line.split() for line in listing.splitlines())}


def _parents_from_proc() -> dict[int, int]:
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has just ended
                continue
            # "pid (name) state ppid ...", where the name may contain any character, also brackets (proc(5)).
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents
