"""Scans as a text header and voxels, in one file or apart: what NRRD and MetaImage have in common."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from corpus.bench import Bench, Trial

Fields = dict[str, str | None]
Voxels = Callable[[np.ndarray], bytes]


def raw(array: np.ndarray) -> bytes:
    return array.astype("<i2").tobytes()


def together(name: str, header: Callable[..., str]) -> Callable[..., Callable[[Bench], Trial]]:
    """Return what makes the clean scan as one file of this name, with fields of its header changed (None: left out)."""

    def changed(
        voxels: Voxels = raw, compare: bool = True, mean_hu: float = 0.5, **changes: str | None
    ) -> Callable[[Bench], Trial]:
        return lambda b: b.scan(
            b.write(name, header(**changes).encode() + voxels(b.ct.array)), b.ct if compare else None, mean_hu
        )

    return changed


def apart(
    header: Callable[[str], str],
    name: str,
    ending: str,
    voxels: Voxels = raw,
    compare: bool = True,
    at: str | None = None,
) -> Callable[[Bench], Trial]:
    """The clean scan as a header and voxels in another file, at `at` below the bench's folder, `name` in the header."""

    def attempt(b: Bench) -> Trial:
        b.write(at if at is not None else f"in/{name}", voxels(b.ct.array))
        named = name.replace("FOLDER", str(b.folder))
        return b.scan(b.write(f"in/scan{ending}", header(named)), b.ct if compare else None)

    return attempt


def flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0x10]) + packed[middle + 1 :]


def slices(b: Bench, ending: str, header: str) -> Trial:
    for number, plane in enumerate(b.ct.array):
        b.write(f"in/{number}.raw", raw(plane))
    return b.scan(b.write(f"in/scan{ending}", header), b.ct)


def linked(b: Bench, ending: str, header: str) -> Trial:
    path = b.write(f"in/scan{ending}", header)
    (path.parent / "link.raw").symlink_to(b.write("scan.raw", raw(b.ct.array)))
    return b.scan(path)


def piped(b: Bench, ending: str, header: str) -> Trial:
    path = b.write(f"in/scan{ending}", header)
    os.mkfifo(path.parent / "pipe.raw")
    return b.scan(path)
