"""The paper's archives: which arrays they hold, and how."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable

import numpy as np
from corpus.bench import Bench, Trial
from corpus.kinds import Section

from LungUNetSegLib.io.masks.read import read_mask

npz = Section("Archives of NumPy")


def archive(make: Callable[[np.ndarray], dict[str, object]], compare: bool = True) -> Callable[[Bench], Trial]:
    """(row, column, slice) arrays by name, read on the scan."""

    def attempt(b: Bench) -> Trial:
        np.savez(b.folder / "mask.npz", **make(np.moveaxis(b.labels.array, 0, -1)))
        return b.mask(b.folder / "mask.npz", b.labels if compare else None, reference=b.labels.geometry)

    return attempt


npz.right("one array", archive(lambda a: {"masks": a}))
npz.right("floats", archive(lambda a: {"masks": a.astype("f8")}))
npz.right("another small array beside it", archive(lambda a: {"spacing": np.ones(3), "masks": a}))
npz.right("columns stored first", archive(lambda a: {"masks": np.asfortranarray(a)}))
npz.right("on a scan whose slices run to the feet", lambda b: _falling(b))
npz.refused("slices first, as others have them", "voxels", archive(lambda a: {"masks": np.moveaxis(a, -1, 0)}, False))
npz.refused("two arrays of three axes", "expected one array", archive(lambda a: {"a": a, "b": a}, False))
npz.refused("no array", "expected one array", archive(lambda a: {}, False))
npz.refused("a slice too few", "voxels", archive(lambda a: {"masks": a[..., :-1]}, False))
npz.refused("other values", "this one holds", archive(lambda a: {"masks": a * 100}, False))
npz.refused("texts", "mask.npz", archive(lambda a: {"masks": a.astype(str)}, False))
npz.refused(
    "objects, which run when they are unpacked",
    "mask.npz",
    archive(lambda a: {"masks": np.array([[[{}]]], object)}, False),
)
npz.refused(
    "without its scan",
    "only be read with its scan",
    lambda b: (np.savez(b.folder / "mask.npz", b.labels.array), b.mask(b.folder / "mask.npz"))[1],
)
npz.refused(
    "no archive", "mask.npz", lambda b: b.mask(b.write("mask.npz", b"PK\3\4" + bytes(90)), reference=b.labels.geometry)
)
npz.refused(
    "a pickle called .npz",
    "mask.npz",
    lambda b: b.mask(b.write("mask.npz", pickle.dumps({"a": 1})), reference=b.labels.geometry),
)
npz.refused("a changed byte", "mask.npz", lambda b: _spoilt(b))
npz.refused("a header that claims terabytes", "mask.npz", lambda b: _bomb(b))
npz.refused("an array of another type of file in it", "mask.npz", lambda b: _foreign(b))


def _falling(b: Bench) -> Trial:
    geometry = b.labels.geometry.reordered((0, 1, 2), (True, False, False))
    np.savez(b.folder / "mask.npz", np.moveaxis(b.labels.array, 0, -1))
    found = read_mask(b.folder / "mask.npz", geometry).labels
    return b.holds(np.array_equal(found.array[::-1], b.labels.array), "the slices are in the wrong order")


def _spoilt(b: Bench) -> Trial:
    np.savez_compressed(b.folder / "mask.npz", masks=np.moveaxis(b.labels.array, 0, -1))
    data = bytearray((b.folder / "mask.npz").read_bytes())
    data[len(data) // 2] ^= 0x40
    return b.mask(b.write("mask.npz", bytes(data)), reference=b.labels.geometry)


def _bomb(b: Bench) -> Trial:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (90000, 90000, 900)})
    with zipfile.ZipFile(b.folder / "mask.npz", "w") as file:
        file.writestr("masks.npy", head.getvalue() + bytes(500))
    return b.mask(b.folder / "mask.npz", reference=b.labels.geometry)


def _foreign(b: Bench) -> Trial:
    with zipfile.ZipFile(b.folder / "mask.npz", "w") as file:
        file.writestr("readme.txt", "x")
    return b.mask(b.folder / "mask.npz", reference=b.labels.geometry)
