"""NIfTI files: how their headers place the voxels, scale them, and contradict themselves."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable

import nibabel
import numpy as np
from corpus.bench import Bench, Trial
from corpus.kinds import Section

from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume

section = Section("NIfTI")

DIM, DATATYPE, BITPIX, PIXDIM, OFFSET, SCALE, UNITS, CODES = 40, 70, 72, 76, 108, 112, 123, 252
QUATERNION, PLACE, SFORM, MAGIC = 256, 268, 280, 344
NAN, INF = float("nan"), float("inf")
ROWS = (-12.0, 0, 0, 165.0, 0, -12.0, 0, 141.0, 0, 0, 10.0, -60.0)
Edit = tuple[int, str, tuple]


def content(volume: Volume) -> bytearray:
    """The bytes of a volume as an uncompressed NIfTI with both forms."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine_lps[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(volume.array.transpose(2, 1, 0), affine)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    return bytearray(image.to_bytes())


def edited(
    *edits: Edit, compare: bool = True, mean_hu: float = 0.5, name: str = "scan.nii"
) -> Callable[[Bench], Trial]:
    """The clean scan with fields of its header replaced."""

    def attempt(b: Bench) -> Trial:
        data = content(b.ct)
        for offset, form, values in edits:
            struct.pack_into("<" + form, data, offset, *values)
        return b.scan(b.write(name, bytes(data)), b.ct if compare else None, mean_hu)

    return attempt


def matrix(*values: float, code: int = 1) -> tuple[Edit, ...]:
    return (CODES, "2h", (0, code)), (SFORM, "12f", values)


def as_type(
    kind: str,
    code: int,
    values: Callable[[np.ndarray], np.ndarray] = lambda a: a,
    *edits: Edit,
    mean_hu: float = 0.5,
    compare: bool = True,
) -> Callable[[Bench], Trial]:
    """The clean scan's values stored in another type."""

    def attempt(b: Bench) -> Trial:
        data = content(b.ct)[:352]
        for offset, form, change in ((DATATYPE, "2h", (code, 8 * np.dtype(kind).itemsize)), *edits):
            struct.pack_into("<" + form, data, offset, *change)
        return b.scan(
            b.write("scan.nii", bytes(data) + values(b.ct.array.astype(float)).astype(kind).tobytes()),
            b.ct if compare else None,
            mean_hu,
        )

    return attempt


section.right("both forms alike", edited())
section.right("the sform alone", edited((CODES, "2h", (0, 2))))
section.right("the qform alone", edited((CODES, "2h", (1, 0)), (SFORM, "12f", (0,) * 12)))
section.right("codes of Talairach and MNI space", edited((CODES, "2h", (3, 4))))
section.right("a qform with mirrored slices (qfac -1) and its data", lambda b: _mirrored(b))
section.right(
    "compressed, and called so", lambda b: b.scan(b.write("scan.nii.gz", gzip.compress(bytes(content(b.ct)))), b.ct)
)
section.right(
    "compressed, and not called so", lambda b: b.scan(b.write("scan.nii", gzip.compress(bytes(content(b.ct)))), b.ct)
)
section.right("called compressed, and not so", edited(name="scan.nii.gz"))
section.right(
    "compressed in two members",
    lambda b: b.scan(
        b.write("scan.nii.gz", gzip.compress(bytes(content(b.ct)[:5000])) + gzip.compress(bytes(content(b.ct)[5000:]))),
        b.ct,
    ),
)
section.right("an ending in capitals", edited(name="SCAN.NII"))
section.right("big endian", lambda b: b.scan(b.write("scan.nii", _swapped(b)), b.ct))
section.right(
    "NIfTI-2",
    lambda b: b.scan(
        b.write(
            "scan.nii", nibabel.Nifti2Image.from_image(nibabel.Nifti1Image.from_bytes(bytes(content(b.ct)))).to_bytes()
        ),
        b.ct,
    ),
)
section.right("a header's extension before the voxels", lambda b: _extended(b))
section.right(
    "a description and file names of rubbish",
    edited((148, "80s", (b"\xff\x1b[2J" * 16,)), (228, "24s", (b"../../etc/passwd",))),
)
section.right("a fourth axis of one time point", edited((DIM, "5h", (4, 28, 24, 13, 1))))
section.right("floats", as_type("f4", 16))
section.right("doubles", as_type("f8", 64))
section.right("integers of 32 bits", as_type("i4", 8))
section.right("integers of 64 bits", as_type("i8", 1024))
section.right(
    "unsigned numbers with an intercept", as_type("u2", 512, lambda a: a + 1024, (SCALE, "2f", (1.0, -1024.0)))
)
section.right(
    "bytes with a slope of 16",
    as_type("u1", 2, lambda a: np.rint((a + 1024) / 16), (SCALE, "2f", (16.0, -1024.0)), mean_hu=5.0),
)
section.right("a slope of 0, which means none", edited((SCALE, "2f", (0.0, 5.0))))
section.right("a slope that is no number, which means none", edited((SCALE, "2f", (NAN, NAN))))
section.right("units of time beside those of length", edited((UNITS, "B", (2 | 8,))))
section.right("no unit, which is mm", edited((UNITS, "B", (0,))))
section.right(
    "metres",
    edited(
        (UNITS, "B", (1,)),
        (PIXDIM + 4, "3f", (0.012, 0.012, 0.01)),
        (PLACE, "3f", (0.165, 0.141, -0.06)),
        (SFORM, "12f", tuple(v / 1000 for v in ROWS)),
    ),
)
section.right(
    "microns",
    edited(
        (UNITS, "B", (3,)),
        (PIXDIM + 4, "3f", (12000, 12000, 10000)),
        (PLACE, "3f", (165000, 141000, -60000)),
        (SFORM, "12f", tuple(v * 1000 for v in ROWS)),
    ),
)
section.right(
    "padding of -3024 around the field of view",
    as_type("i2", 4, lambda a: np.where(a <= -1000, -3024, a), compare=False),
)
section.right("slices stored from head to feet", lambda b: _stored(b, (0, 1, 2), (True, False, False)))
section.right("coronal slices, the rows from below", lambda b: _stored(b, (1, 0, 2), (True, False, True)))
section.said(
    "pixel sizes of 1 beside a right sform", "place-in-doubt", edited(*matrix(*ROWS), (PIXDIM + 4, "3f", (1, 1, 1)))
)
section.said("a pixel size of 0 beside a right sform", "place-in-doubt", edited((PIXDIM + 12, "f", (0.0,))))
section.said(
    "a quaternion that is none beside a right sform", "place-in-doubt", edited((QUATERNION, "3f", (NAN, 0, 1)))
)
section.said("an sform that is no number beside a right qform", "place-in-doubt", edited((SFORM + 8, "f", (INF,))))
section.said("an sform of zeros with a code beside a right qform", "place-in-doubt", edited((SFORM, "12f", (0,) * 12)))
section.said("forms 40 mm apart", "place-in-doubt", edited((PLACE, "f", (205.0,))))
section.said("forms turned by a tenth against each other", "place-in-doubt", edited((QUATERNION, "3f", (0.05, 0, 1))))
section.said("neither form, only sizes", "no-orientation", edited((CODES, "2h", (0, 0)), compare=False))
section.said(
    "slanting axes", "sheared-grid", edited(*matrix(-12, 0, 0, 165, 0, -12, -4, 141, 0, 0, 10, -60), compare=False)
)
section.said(
    "microns and slanting axes",
    "sheared-grid",
    edited(
        (UNITS, "B", (3,)),
        (PIXDIM + 4, "3f", (12000, 12000, 10000)),
        *matrix(*(1000.0 * v for v in (-12, 0, 0, 165, 0, -12, -4, 141, 0, 0, 10, -60))),
        compare=False,
    ),
)
section.said(
    "fewer slices in the header than in the file", "more-data", edited((DIM, "4h", (3, 28, 24, 6)), compare=False)
)
section.said(
    "voxels that are no numbers", "nan-voxels", as_type("f4", 16, lambda a: np.where(a <= -1000, NAN, a), compare=False)
)
section.said("infinite voxels", "nan-voxels", as_type("f4", 16, lambda a: np.where(a > 300, INF, a), compare=False))
section.said("stored numbers without the intercept", "no-air", as_type("u2", 512, lambda a: a + 1024, compare=False))
section.said(
    "stored numbers without the intercept, and padding of -2000",
    "no-air",
    as_type("i2", 4, lambda a: np.where(np.indices(a.shape)[2] < 3, -2000, a + 1024), compare=False),
)
section.said("one slice with a third axis", "single-slice", edited((DIM, "4h", (3, 28, 24, 1)), compare=False))
section.said("HU scaled twice by the header", "beyond-scanner", edited((SCALE, "2f", (10.0, 0.0)), compare=False))
section.said("HU shifted by 1024 twice", "no-air", as_type("i2", 4, lambda a: a + 1024, compare=False))
section.said("HU shifted by 200", "no-air", as_type("i2", 4, lambda a: a + 200, compare=False))
section.said("HU halved", "no-air", as_type("i2", 4, lambda a: a // 2, compare=False))
section.said("HU cut off at -800", "no-air", as_type("i2", 4, lambda a: np.maximum(a, -800), compare=False))
section.said(
    "an image of 3 cm, its unit being cm",
    "small-image",
    edited((PIXDIM + 4, "3f", (1.2, 1.2, 1.0)), *matrix(*(v / 10 for v in ROWS)), compare=False),
)
section.said(
    "an array without its header: at 0, 0, 0 and voxels of 1 mm",
    "spacing-in-doubt",
    lambda b: b.scan(b.write("scan.nii", nibabel.Nifti1Image(_chest().array.T, np.eye(4)).to_bytes())),
)
section.said(
    "slices in the order of their files' names, 1, 10, 11, 2",
    "slices-out-of-order",
    lambda b: b.scan(b.write("scan.nii", bytes(content(_ordered(sorted(range(60), key=lambda n: str(n + 1))))))),
)
section.said(
    "odd slices after even ones",
    "slices-out-of-order",
    lambda b: b.scan(b.write("scan.nii", bytes(content(_ordered([*range(0, 60, 2), *range(1, 60, 2)]))))),
)
section.refused(
    "metres whose header says mm",
    "millimetres",
    edited((PIXDIM + 4, "3f", (0.012, 0.012, 0.01)), *matrix(*(v / 1000 for v in ROWS)), compare=False),
)
section.refused(
    "microns whose header says mm",
    "millimetres",
    edited((PIXDIM + 4, "3f", (12000, 12000, 10000)), *matrix(*(v * 1000 for v in ROWS)), compare=False),
)
section.refused(
    "forms of opposite sides",
    "right and left",
    edited((SFORM, "f", (12.0,)), (SFORM + 12, "f", (-159.0,)), compare=False),
)
section.refused(
    "forms of which one exchanges two axes",
    "right and left",
    edited((SFORM, "12f", (0, -12, 0, 141, -12, 0, 0, 165, 0, 0, 10, -60)), compare=False),
)
section.refused("a qfac of -1 against an sform", "right and left", edited((PIXDIM, "f", (-1.0,)), compare=False))
section.refused("an sform of zeros alone", "singular", edited(*matrix(*(0,) * 12), compare=False))
section.refused(
    "an sform of two equal axes alone",
    "singular",
    edited(*matrix(-12, 0, -12, 165, 0, -12, 0, 141, 0, 0, 0, -60), compare=False),
)
section.refused(
    "a quaternion that is none alone",
    "quaternion",
    edited((CODES, "2h", (1, 0)), (QUATERNION, "3f", (2, 2, 2)), compare=False),
)
section.refused(
    "a negative pixel size alone", "pixdim", edited((CODES, "2h", (1, 0)), (PIXDIM + 8, "f", (-12.0,)), compare=False)
)
section.refused(
    "a pixel size of 0 alone", "spacing", edited((CODES, "2h", (0, 0)), (PIXDIM + 8, "f", (0.0,)), compare=False)
)
section.refused(
    "slices 30 mm apart",
    "30 mm apart",
    edited((PIXDIM + 12, "f", (30.0,)), *matrix(-12, 0, 0, 165, 0, -12, 0, 141, 0, 0, 30, -60), compare=False),
)
section.refused("two time points", "time points", edited((DIM, "5h", (4, 28, 24, 6, 2)), compare=False))
section.refused(
    "two values in each voxel", "values in each voxel", edited((DIM, "6h", (5, 28, 24, 6, 1, 2)), compare=False)
)
section.refused("one slice without a third axis", "2 axes", edited((DIM, "3h", (2, 28, 24)), compare=False))
section.refused("no axis", "size", edited((DIM, "h", (0,)), compare=False))
section.refused("a size of 0", "size", edited((DIM + 4, "h", (0,)), compare=False))
section.refused("a negative size", "size", edited((DIM + 4, "h", (-24,)), compare=False))
section.refused("sizes of terabytes", "header claims", edited((DIM + 2, "3h", (32000, 32000, 32000)), compare=False))
section.refused(
    "sizes of terabytes, compressed",
    "header claims",
    lambda b: b.scan(
        b.write(
            "scan.nii.gz",
            gzip.compress(bytes(content(b.ct)[:42]) + struct.pack("<3h", *(32000,) * 3) + bytes(content(b.ct)[48:])),
        )
    ),
)
section.refused("colour", "colour", edited((DATATYPE, "2h", (128, 24)), compare=False))
section.refused("complex numbers", "complex", edited((DATATYPE, "2h", (32, 64)), compare=False))
section.refused("floats of 128 bits", "type 1536", edited((DATATYPE, "2h", (1536, 128)), compare=False))
section.refused("a type that there is none of", "type 7777", edited((DATATYPE, "h", (7777,)), compare=False))
section.refused("voxels that begin behind the file's end", "cut short", edited((OFFSET, "f", (1e6,)), compare=False))
section.refused("voxels that begin at no number", "begin at byte", edited((OFFSET, "f", (NAN,)), compare=False))
section.refused("an intercept without end", "intercept", edited((SCALE, "2f", (1.0, INF)), compare=False))
section.refused("half of a .hdr/.img pair", ".hdr/.img", edited((MAGIC, "4s", (b"ni1\0",)), compare=False))
section.refused("an old Analyze header", "Analyze", edited((MAGIC, "4s", (b"\0\0\0\0",)), compare=False))
section.refused("cut in the voxels", "cut short", lambda b: b.scan(b.write("scan.nii", bytes(content(b.ct)[:9000]))))
section.refused("cut in the header", "cut short", lambda b: b.scan(b.write("scan.nii", bytes(content(b.ct)[:300]))))
section.refused(
    "cut, compressed",
    "cut short",
    lambda b: b.scan(b.write("scan.nii.gz", gzip.compress(bytes(content(b.ct)))[:-3000])),
)
section.refused(
    "cut at the checksum",
    "cut short",
    lambda b: b.scan(b.write("scan.nii.gz", gzip.compress(bytes(content(b.ct)))[:-6])),
)
section.refused(
    "a changed byte in compressed voxels",
    "damaged",
    lambda b: b.scan(b.write("scan.nii.gz", _flipped(gzip.compress(bytes(content(b.ct)))))),
)
section.refused("an empty file", "NIfTI", lambda b: b.scan(b.write("scan.nii.gz", b"")))
section.refused(
    "a zip archive called .nii.gz", "zip archive", lambda b: b.scan(b.write("scan.nii.gz", b"PK\3\4" + bytes(900)))
)
section.refused(
    "a web page called .nii.gz", "NIfTI", lambda b: b.scan(b.write("scan.nii.gz", b"<html>404</html>" * 60))
)
section.refused(
    "bytes compressed by zlib, not gzip",
    "NIfTI",
    lambda b: b.scan(b.write("scan.nii.gz", zlib.compress(bytes(content(b.ct))))),
)
section.refused(
    "a label map in place of a scan",
    "no CT in Hounsfield units",
    as_type("u1", 2, lambda a: (a < -500) * 1.0, compare=False),
)
section.refused(
    "values normalised to 0 to 1",
    "no CT in Hounsfield units",
    as_type("f4", 16, lambda a: (a + 1024) / 4095, compare=False),
)
section.refused("nothing but NaN", "no voxel holds a number", as_type("f4", 16, lambda a: a * NAN, compare=False))
section.refused(
    "one value in all voxels", "no CT in Hounsfield units", as_type("i2", 4, lambda a: a * 0, compare=False)
)
section.refused(
    "a series asked of an image file",
    "no series",
    lambda b: b.scan(b.write("scan.nii", bytes(content(b.ct))), series_uid="1.2"),
)
section.refused("a folder called .nii.gz", "scan.nii.gz", lambda b: b.scan((b.write("scan.nii.gz/x.txt", b"x")).parent))


def _chest() -> Volume:
    return make_phantom(phantom_geometry((60, 96, 112)), rng=1).ct


def _ordered(order: list[int]) -> Volume:
    return Volume(np.ascontiguousarray(_chest().array[order]), _chest().geometry)


def _flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0x10]) + packed[middle + 1 :]


def _swapped(b: Bench) -> bytes:
    image = nibabel.Nifti1Image.from_bytes(bytes(content(b.ct)))
    header = image.header.as_byteswapped(">")
    return nibabel.Nifti1Image(image.get_fdata().astype(">i2"), None, header).to_bytes()


def _extended(b: Bench) -> Trial:
    image = nibabel.Nifti1Image.from_bytes(bytes(content(b.ct)))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"x" * 4000))
    return b.scan(b.write("scan.nii", image.to_bytes()), b.ct)


def _mirrored(b: Bench) -> Trial:
    """Slices from head to feet, told by pixdim[0] = -1 and no sform."""
    data = content(b.ct)
    struct.pack_into("<2h", data, CODES, 1, 0)
    struct.pack_into("<f", data, PIXDIM, -1.0)
    struct.pack_into("<f", data, PLACE + 8, 60.0)
    return b.scan(b.write("scan.nii", bytes(data[:352]) + b.ct.array[::-1].tobytes()), b.ct)


def _stored(b: Bench, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Trial:
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    array = np.ascontiguousarray(b.ct.array.transpose(axes)[steps])
    return b.scan(b.write("scan.nii", bytes(content(Volume(array, b.ct.geometry.reordered(axes, flips))))), b.ct)
