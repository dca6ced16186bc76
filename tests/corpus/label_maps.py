"""Label maps: NIfTI and others, Slicer's segmentations, the paper's archives, and masks beside the wrong scan."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from corpus.nifti_files import SCALE, content

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

section = Section("Label maps")
slicer = Section("Slicer's segmentations")
npz = Section("Archives of NumPy")

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


# Slicer


def segmented(
    change: Callable[[str], str] = lambda text: text, compare: bool = True, **how: object
) -> Callable[[Bench], Trial]:
    """The clean reference as .seg.nrrd with a change in its header's text."""

    def attempt(b: Bench) -> Trial:
        write_labels(b.folder / "mask.seg.nrrd", b.labels)
        data = (b.folder / "mask.seg.nrrd").read_bytes()
        head, blank, voxels = data.partition(b"\n\n")
        (b.folder / "mask.seg.nrrd").write_bytes(change(head.decode()).encode() + blank + voxels)
        return b.mask(b.folder / "mask.seg.nrrd", b.labels if compare else None, reference=b.labels.geometry, **how)

    return attempt


def field(key: str, value: str) -> Callable[[str], str]:
    """Replace a field of the header."""

    def change(text: str) -> str:
        assert f"\n{key}:=" in text
        return "\n".join(f"{key}:={value}" if line.startswith(f"{key}:=") else line for line in text.split("\n"))

    return change


def both(*changes: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for each in changes:
            text = each(text)
        return text

    return change


UNTOLD = both(field("Segment0_Tags", "x:y|"), field("Segment1_Tags", "x:y|"))

slicer.right("as it is written", segmented())
slicer.right("names without codes", segmented(UNTOLD))
slicer.right(
    "names that tell nothing, beside codes",
    segmented(both(field("Segment0_Name", "Segment_1"), field("Segment1_Name", "Segment_2"))),
)
slicer.right(
    "names in another language, mapped by hand",
    segmented(
        both(UNTOLD, field("Segment0_Name", "Droite"), field("Segment1_Name", "Gauche")),
        meanings={"Droite": "right", "Gauche": "left"},
    ),
)
slicer.right(
    "names with accents and signs",
    segmented(both(field("Segment0_Name", "Lung – Right ✓"), field("Segment1_Name", "Lung – Left ✓"))),
)
slicer.right("called .nrrd without .seg", lambda b: _renamed(b))
slicer.right("layers that overlap", lambda b: _layers(b))
slicer.said("a code against its name", "code-against-name", segmented(field("Segment0_Name", "Left lung")))
slicer.said(
    "a copy beside a lung",
    "structures-left-out",
    segmented(
        lambda text: (
            text
            + "\nSegment2_ID:=Copy\nSegment2_Name:=Left lung (copy)\nSegment2_LabelValue:=3"
            + "\nSegment2_Layer:=0\nSegment2_Tags:=x:y|"
        )
    ),
)
slicer.said(
    "a space without the patient's directions",
    "no-orientation",
    segmented(lambda text: text.replace("space: left-posterior-superior", "space dimension: 3"), False),
)
slicer.said("a slanting grid of segments", "sheared-grid", lambda b: _slanting_segments(b))
slicer.refused(
    "no segment that is a lung",
    "no segment is a lung",
    segmented(both(UNTOLD, field("Segment0_Name", "Heart"), field("Segment1_Name", "Liver")), False),
)
slicer.refused(
    "a label value that is no number", "mask.seg.nrrd", segmented(field("Segment0_LabelValue", "one"), False)
)
slicer.refused("a layer that there is none of", "mask.seg.nrrd", segmented(field("Segment0_Layer", "4"), False))
slicer.refused("cut short", "mask.seg.nrrd", lambda b: _cut(b))
slicer.said(
    "values that no segment names",
    "structure-empty",
    segmented(both(field("Segment0_LabelValue", "7"), field("Segment1_LabelValue", "8")), False),
)


def _renamed(b: Bench) -> Trial:
    write_labels(b.folder / "mask.seg.nrrd", b.labels)
    return b.mask((b.folder / "mask.seg.nrrd").rename(b.folder / "mask.nrrd"), b.labels, reference=b.labels.geometry)


def _slanting_segments(b: Bench) -> Trial:
    """Read on the scan's grid it is the mask that was sheared with its grid."""
    affine = np.array(b.labels.geometry.affine_lps)
    affine[:3, 0] += (0, 3, 0)
    image = to_sitk(Volume(b.labels.array, Geometry(b.labels.geometry.shape, affine)))
    for index, name in enumerate(("Right lung", "Left lung")):
        fields = {"ID": f"S{index}", "Name": name, "LabelValue": str(index + 1), "Layer": "0", "Tags": ""}
        for key, value in fields.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(b.folder / "mask.seg.nrrd"))
    found = read_mask(b.folder / "mask.seg.nrrd")
    codes = [each.code for each in found.findings]
    return b.holds(found.labels.geometry.is_orthogonal, "its axes still slant", codes)


def _layers(b: Bench) -> Trial:
    layers = [Volume((b.labels.array == side).astype("u1"), b.labels.geometry) for side in (1, 2)]
    image = sitk.Compose([to_sitk(layer) for layer in layers])
    for index, name in enumerate(("Right lung", "Left lung")):
        for key, value in (
            ("ID", f"S{index}"),
            ("Name", name),
            ("LabelValue", "1"),
            ("Layer", str(index)),
            ("Tags", ""),
        ):
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(b.folder / "mask.seg.nrrd"))
    return b.mask(b.folder / "mask.seg.nrrd", b.labels, reference=b.labels.geometry)


def _cut(b: Bench) -> Trial:
    write_labels(b.folder / "mask.seg.nrrd", b.labels)
    data = (b.folder / "mask.seg.nrrd").read_bytes()
    return b.mask(b.write("mask.seg.nrrd", data[:-60]))


# The paper's archives


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
