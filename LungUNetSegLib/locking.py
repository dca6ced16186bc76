"""A lock on a file that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from LungUNetSegLib.errors import WriteError


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Yield whether the lock is ours; it is held until the block ends.

    Args:
        path: The lock's file, which is made and stays.

    Raises:
        WriteError: Its file system has no locks.
    """
    with path.open("a", encoding="utf-8") as file:
        try:
            is_ours = _lock(file)
        except OSError as error:
            raise WriteError(
                f"{path}: its file system does not lock files ({error.strerror}), so that two processes might write"
                " there at once. Choose another folder, or have it mounted with locks (Lustre: the option flock)."
            ) from error
        yield is_ours


if sys.platform == "win32":
    import msvcrt

    _BEHIND = 1 << 20
    """The byte that is locked: Windows keeps others from reading it, and they shall read who holds the lock."""

    def _lock(file: TextIO) -> bool:
        file.seek(_BEHIND)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: TextIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # the latter on network shares
            return False
        return True
