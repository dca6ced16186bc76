"""Label maps of NIfTI and others: their values, and masks beside the wrong scan."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from corpus.nifti_files import SCALE, content

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

section = Section("Label maps")

Values = Callable[[np.ndarray], np.ndarray]


def saved(b: Bench, array: np.ndarray, name: str = "mask.nii.gz", geometry: Geometry | None = None) -> Path:
    sitk.WriteImage(to_sitk(Volume(np.ascontiguousarray(array), geometry or b.labels.geometry)), str(b.folder / name))
    return b.folder / name


def values(change: Values, name: str = "mask.nii.gz", compare: bool = True, **how: object) -> Callable[[Bench], Trial]:
    """The clean reference with its values changed, read on its scan."""
    return lambda b: b.mask(
        saved(b, change(b.labels.array), name), b.labels if compare else None, reference=b.labels.geometry, **how
    )


def placed(
    geometry: Callable[[Geometry], Geometry], array: Values = lambda a: a, compare: bool = True
) -> Callable[[Bench], Trial]:
    """The clean reference on another grid, read on its scan."""
    return lambda b: b.mask(
        saved(b, array(b.labels.array), geometry=geometry(b.labels.geometry)),
        b.labels if compare else None,
        reference=b.labels.geometry,
    )


def shifted(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Callable[[Geometry], Geometry]:
    def move(geometry: Geometry) -> Geometry:
        affine = np.array(geometry.affine_lps)
        affine[:3, 3] += (x, y, z)
        return Geometry(geometry.shape, affine)

    return move


for ending in (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd"):
    section.right(f"as {ending}", values(lambda a: a, f"mask{ending}"))
section.right("floats", values(lambda a: a.astype("f4")))
section.right("labels saved as scaled bytes, .996 for 1", values(lambda a: a.astype("f4") * np.float32(0.996)))
section.right("labels a little above whole numbers", values(lambda a: a.astype("f8") + 1e-6))
section.right("signed numbers of 64 bits", values(lambda a: a.astype("i8")))
section.right("a slope of 2 over halves", lambda b: _halves(b))
section.right(
    "other values, mapped by hand",
    values(lambda a: np.choose(a, (0, 7, 9)).astype("u1"), meanings={"7": "right", "9": "left"}),
)
section.right(
    "other structures among them, mapped away",
    values(
        lambda a: np.where(np.indices(a.shape)[1] < 3, 5, a).astype("u1"),
        meanings={"1": "right", "2": "left", "5": "none"},
    ),
)
section.right(
    "stored from head to feet", placed(lambda g: g.reordered((0, 1, 2), (True, False, False)), lambda a: a[::-1])
)
section.right(
    "rows and columns exchanged in the file",
    placed(lambda g: g.reordered((0, 2, 1), (False, False, False)), lambda a: a.transpose(0, 2, 1)),
)
section.right("a place rounded to a tenth of a mm", placed(shifted(0.04, -0.04, 0.04)))
section.right("a field of view larger than the scan's", lambda b: _padded(b))
section.right(
    "no lung at all",
    lambda b: b.mask(
        saved(b, b.labels.array * 0), Volume(b.labels.array * 0, b.labels.geometry), reference=b.labels.geometry
    ),
)
section.right(
    "one label for both lungs",
    lambda b: b.mask(
        saved(b, (b.labels.array > 0).astype("u1")),
        Volume((b.labels.array > 0).astype("u1"), b.labels.geometry),
        reference=b.labels.geometry,
    ),
)
section.said("part of the mask beyond the scan", "mask-cropped", lambda b: _beyond(b))
section.said("a slanting grid", "sheared-grid", lambda b: _slanting(b))
section.said("a grid that does not say how the patient lies", "no-orientation", lambda b: b.mask(_without_forms(b)))
section.said("fewer slices in the header than in the file", "more-data", lambda b: _fewer(b))
section.refused("the mask of a scan elsewhere", "lie within the scan", placed(shifted(x=900), compare=False))
section.refused(
    "a value too many", "this one holds", values(lambda a: np.where(a == 2, 3, a).astype("u1"), compare=False)
)
section.refused(
    "numbers of instances, each part another",
    "and 32 more",
    values(lambda a: (np.arange(a.size).reshape(a.shape) % 40).astype("u1"), compare=False),
)
section.refused("values of 255 for lung", "255", values(lambda a: (a > 0).astype("u1") * np.uint8(255), compare=False))
section.refused("negative values", "-1", values(lambda a: -a.astype("i2"), compare=False))
section.refused("probabilities", "this one holds", values(lambda a: a.astype("f4") * np.float32(0.4), compare=False))
section.refused(
    "voxels that are no numbers",
    "mask.nii.gz",
    values(lambda a: np.where(a == 2, np.nan, a).astype("f4"), compare=False),
)
section.refused("the scan in place of its mask", "this one holds", lambda b: b.mask(saved(b, b.fine.array)))
section.refused(
    "a picture in place of a mask",
    "not a mask",
    lambda b: b.mask(b.write("mask.png", b"\x89PNG\r\n\x1a\n" + bytes(200))),
)
section.refused(
    "a text in place of a mask", "mask.nii.gz", lambda b: b.mask(b.write("mask.nii.gz", "lungs are fine " * 40))
)
section.refused("nothing there", "no such file", lambda b: b.mask(b.folder / "gone.nii.gz"))
section.refused(
    "cut short, compressed",
    "cut short",
    lambda b: b.mask(b.write("mask.nii.gz", gzip.compress(bytes(content(b.labels)))[:-200])),
)
section.refused("a mapping to nothing known", "middle", lambda b: _mapped(b), DataError)


def _mapped(b: Bench) -> Trial:
    from LungUNetSegLib.io.masks.choice import check_meanings

    return b.mask(saved(b, b.labels.array), meanings=check_meanings({"1": "middle"}))


def _halves(b: Bench) -> Trial:
    data = content(Volume(b.labels.array.astype("i2"), b.labels.geometry))
    struct.pack_into("<2f", data, SCALE, 0.5, 0.0)
    doubled = (2 * b.labels.array.astype("<i2")).tobytes()
    return b.mask(b.write("mask.nii", bytes(data[:352]) + doubled), b.labels, reference=b.labels.geometry)


def _padded(b: Bench) -> Trial:
    spacing, low = b.labels.geometry.spacing_mm, b.labels.geometry.affine_lps[:3, 3]
    geometry = Geometry.axial(
        tuple(size + 8 for size in b.labels.array.shape), spacing, tuple(low - 4 * np.array(spacing)[::-1])
    )
    return b.mask(saved(b, np.pad(b.labels.array, 4), geometry=geometry), b.labels, reference=b.labels.geometry)


def _beyond(b: Bench) -> Trial:
    array = np.pad(b.labels.array, ((0, 1), (0, 0), (0, 0)))
    array[13, 16:32, 16:32] = 1
    spacing, low = b.labels.geometry.spacing_mm, b.labels.geometry.affine_lps[:3, 3]
    return b.mask(
        saved(b, array, geometry=Geometry.axial(array.shape, spacing, tuple(low))),
        b.labels,
        reference=b.labels.geometry,
    )


def _slanting(b: Bench) -> Trial:
    data = content(b.labels)
    struct.pack_into("<2h", data, 252, 0, 1)
    struct.pack_into("<12f", data, 280, -6, 0, 0, 165, 0, -6, -3, 141, 0, 0, 10, -60)
    return b.mask(b.write("mask.nii", bytes(data)))


def _without_forms(b: Bench) -> Path:
    data = content(b.labels)
    struct.pack_into("<2h", data, 252, 0, 0)
    return b.write("mask.nii", bytes(data))


def _fewer(b: Bench) -> Trial:
    data = content(b.labels)
    struct.pack_into("<h", data, 46, 6)
    return b.mask(b.write("mask.nii", bytes(data)))
