"""Looks at the folders of a node's studies: how old and large they are, and which names are free."""

from __future__ import annotations

from itertools import count
from pathlib import Path


def moment(job: Path) -> str:
    """Return when a job was made, by its name."""
    return job.name.rpartition("-")[2]


def last_change(folder: Path) -> float:
    """Return when a folder, or a file in it, last changed."""
    return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))


def unused(path: Path) -> Path:
    """Return a path at which nothing is: this one, or one with a number after it."""
    paths = (path.with_name(f"{path.name}.{number}") for number in count(2))
    return path if not path.exists() else next(each for each in paths if not each.exists())


def size_of(folder: Path) -> int:
    """Return the size of all files in a folder, in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
