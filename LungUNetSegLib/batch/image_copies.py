"""Recognises image files with the content of others: copies under other names, or a .nii beside its .nii.gz.

Only files whose headers name the same size and spacing are opened: first their beginnings, and where these are the same
all of them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from pathlib import Path

from LungUNetSegLib.batch.candidates import Candidate
from LungUNetSegLib.batch.find import unpack
from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.io.images.header import data_files
from LungUNetSegLib.io.images.nifti import unpacked

START_BYTES = 1 << 20
"""Length of the beginning that is compared first: a slice or two, in which two scans nearly always differ."""

_CHUNK_BYTES = 1 << 20


def image_copies(scans: Iterable[Candidate], index: HeaderIndex) -> Iterator[tuple[Candidate, list[Candidate]]]:
    """Yield the image files that have copies, each with these; the first that is met is the original.

    Args:
        scans: Image files.
        index: Keeps what was found of each file's content.
    """
    for frame in _alike(scans, lambda each: (each.shape, each.spacing_mm)):
        for start in _alike(frame, partial(_hash, index=index, most=START_BYTES)):
            for original, *copies in _alike(start, partial(_hash, index=index, most=None)):
                yield original, copies


def _alike(scans: Iterable[Candidate], key: Callable[[Candidate], Hashable]) -> list[list[Candidate]]:
    """Return the groups of scans with equal keys; who is alone is in none."""
    return [each for each in grouped(scans, key) if len(each) > 1]


def _hash(scan: Candidate, index: HeaderIndex, most: int | None) -> str:
    """Return a hash of a scan's content as it is when unpacked, or of its first bytes."""
    return index.known_content(f"{scan.fingerprint} {most}", partial(_content_hash, scan, most))


def _content_hash(scan: Candidate, most: int | None) -> str:
    digest, left = hashlib.sha256(), most
    try:
        with tempfile.TemporaryDirectory(prefix="lungunetseg-") as folder:
            header = unpack(scan.files, Path(folder))[0]
            for path in (header, *data_files(header)):
                with unpacked(path) as (content, _):
                    while chunk := content.read(_CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left)):
                        digest.update(chunk)
                        left = None if left is None else left - len(chunk)
    except (ReadError, OSError):  # it is no copy of anything; when it is read, that is said
        return f"damaged {scan.fingerprint}"
    return digest.hexdigest()
