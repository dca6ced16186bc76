"""Hashes the content of a scan's files, so that a copy with another date is recognised; and texts that name a scan."""

from __future__ import annotations

import hashlib
import hmac
import zipfile
from collections.abc import Sequence

from LungUNetSegLib.batch.find import SourceFile

_CHUNK_BYTES = 1 << 20

NAME_DIGITS = 8
"""Number of digits of a scan's code, at the end of its name."""


def digest_of(files: Sequence[SourceFile], secret: str) -> str:
    """Return a keyed hash of all bytes, in the order of the files; without the key nobody can look for the originals.

    A file that cannot be read changes the result and is no error here: reading the scan will tell.
    """
    digest = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for each in files:
        digest.update(str(each.size).encode())
        try:
            if each.member:
                with zipfile.ZipFile(each.path) as archive:
                    digest.update(archive.getinfo(each.member).CRC.to_bytes(4, "big"))
                continue
            with each.path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except (OSError, KeyError, zipfile.BadZipFile):
            digest.update(b"unreadable")
    return digest.hexdigest()[:32]


def code_of(text: str, secret: str) -> str:
    """Return 12 hexadecimal digits, from which nobody without the secret can tell the text, nor try for it."""
    return hmac.new(secret.encode(), text.encode(errors="surrogateescape"), hashlib.sha256).hexdigest()[:12]
