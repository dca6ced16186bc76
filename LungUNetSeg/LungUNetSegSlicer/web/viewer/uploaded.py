"""Unpacks what a user uploaded, and removes what is needed no more."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from LungUNetSegLib.batch.find import SourceFile, archive_members, unpack
from LungUNetSegLib.errors import ReadError
from LungUNetSegSlicer.web.uploads import size_of

ZIP = ".zip"


class Uploads:
    """Knows the folders of what was uploaded.

    Args:
        folder: The session's folder of uploads.
        most_bytes: What all of them may take together, unpacked.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._arrived: set[Path] = set()

    def unpack(self, folder: Path) -> None:
        """Unpack the zip archives of an upload, beside them.

        Raises:
            ReadError: One is damaged, encrypted, unsafe or too large.
        """
        self._arrived.add(folder)
        for archive in [each for each in folder.rglob("*") if each.suffix.lower() == ZIP and each.is_file()]:
            try:
                stat = archive.stat()
                members = archive_members(SourceFile(archive, stat.st_size, stat.st_mtime_ns))
                size = sum(each.size for each in members)
                if size > self._most_bytes - size_of([self._folder]) + stat.st_size:
                    raise ReadError(f"{archive}: {self._too_much(size)}")
                unpack(members, archive.with_name(f"{archive.name}.unpacked"))
            finally:
                archive.unlink()

    def _too_much(self, size: int) -> str:
        limit = f"{self._most_bytes / 1e9:g} GB that one session may upload"
        if size > self._most_bytes:
            return f"the zip archive holds more than the {limit}. Upload only the chest CT."
        return (
            f"with what the zip archive holds, this is more than the {limit}, together with the scans that are open or "
            "listed. Close some of them, or upload only the chest CT."
        )

    def make_room(self, size: int, used: Collection[Path], listed: Collection[Path]) -> bool:
        """Remove uploads that are needed no more, before one of so many bytes arrives.

        Args:
            size: In bytes.
            used: Files of the scans that are open.
            listed: Files of the scans that are listed; they go only if there is too little room with them.

        Returns:
            Whether those that are listed are still there.
        """
        self._remove_all_but({*used, *listed})
        if self._most_bytes - size_of([self._folder]) >= size:
            return True
        self._remove_all_but(used)
        return False

    def _remove_all_but(self, needed: Collection[Path]) -> None:
        for folder in [each for each in self._arrived if not any(file.is_relative_to(each) for file in needed)]:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)  # the next upload's number is the count of folders
            self._arrived.discard(folder)
