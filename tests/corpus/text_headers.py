"""NRRD and MetaImage: what their text headers say, leave out, or name elsewhere."""

from __future__ import annotations

import bz2
import gzip
import os
import zlib
from collections.abc import Callable

import numpy as np
from corpus.bench import Bench, Trial, thorax
from corpus.kinds import Section

nrrd = Section("NRRD")
meta = Section("MetaImage")
Fields = dict[str, str | None]

NRRD: Fields = {
    "type": "int16",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "28 24 13",
    "space directions": "(12,0,0) (0,12,0) (0,0,10)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(-165,-141,-60)",
}
META: Fields = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "-165 -141 -60",
    "AnatomicalOrientation": "RAI",
    "ElementSpacing": "12 12 10",
    "DimSize": "28 24 13",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}
TIMED: Fields = {
    "dimension": "4",
    "space": "left-posterior-superior-time",
    "sizes": "28 24 13 1",
    "space directions": "(12,0,0,0) (0,12,0,0) (0,0,10,0) (0,0,0,1)",
    "kinds": "domain domain domain domain",
    "space origin": "(-165,-141,-60,0)",
}
TURNED: Fields = {
    "space": "right-anterior-superior-time",
    "space directions": "(-12,0,0,0) (0,-12,0,0) (0,0,10,0) (0,0,0,1)",
    "space origin": "(165,141,-60,0)",
}
Voxels = Callable[[np.ndarray], bytes]


def raw(array: np.ndarray) -> bytes:
    return array.astype("<i2").tobytes()


def nrrd_header(**changes: str | None) -> str:
    fields = NRRD | {name.replace("_", " "): value for name, value in changes.items()}
    return "NRRD0005\n" + "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None) + "\n"


def meta_header(**changes: str | None) -> str:
    fields = META | changes
    if fields.get("CompressedDataSize") == "AUTO":
        fields["CompressedDataSize"] = str(len(zlib.compress(raw(thorax().ct.array))))
    last = {"ElementDataFile": fields.pop("ElementDataFile")}
    return "".join(f"{name} = {value}\n" for name, value in (fields | last).items() if value is not None)


def n(
    voxels: Voxels = raw, compare: bool = True, mean_hu: float = 0.5, **changes: str | None
) -> Callable[[Bench], Trial]:
    """The clean scan as .nrrd with fields changed (None: left out)."""
    return lambda b: b.scan(
        b.write("scan.nrrd", nrrd_header(**changes).encode() + voxels(b.ct.array)), b.ct if compare else None, mean_hu
    )


def m(
    voxels: Voxels = raw, compare: bool = True, mean_hu: float = 0.5, **changes: str | None
) -> Callable[[Bench], Trial]:
    """The clean scan as .mha with fields changed."""
    return lambda b: b.scan(
        b.write("scan.mha", meta_header(**changes).encode() + voxels(b.ct.array)), b.ct if compare else None, mean_hu
    )


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


nhdr = lambda name: nrrd_header(data_file=name)  # noqa: E731
mhd = lambda name: meta_header(ElementDataFile=name)  # noqa: E731

nrrd.right("raw voxels", n())
nrrd.right("compressed by gzip", n(lambda a: gzip.compress(raw(a)), encoding="gzip"))
nrrd.right("voxels as text", n(lambda a: " ".join(map(str, a.ravel())).encode(), encoding="text"))
nrrd.right("big endian", n(lambda a: a.astype(">i2").tobytes(), endian="big"))
nrrd.right("floats", n(lambda a: a.astype("<f4").tobytes(), type="float"))
nrrd.right(
    "right-anterior-superior",
    n(space="right-anterior-superior", space_directions="(-12,0,0) (0,-12,0) (0,0,10)", space_origin="(165,141,-60)"),
)
nrrd.right(
    "left-anterior-superior",
    n(space="left-anterior-superior", space_directions="(12,0,0) (0,-12,0) (0,0,10)", space_origin="(-165,141,-60)"),
)
nrrd.right("short names of the space", n(space="LPS"))
nrrd.right(
    "units of cm",
    n(space_units='"cm" "cm" "cm"', space_directions="(1.2,0,0) (0,1.2,0) (0,0,1)", space_origin="(-16.5,-14.1,-6)"),
)
nrrd.right(
    "units of metres, spelt out",
    n(
        space_units='"meters" "meters" "meters"',
        space_directions="(0.012,0,0) (0,0.012,0) (0,0,0.01)",
        space_origin="(-0.165,-0.141,-0.06)",
    ),
)
nrrd.right("comments and keys of others", n(content="CT", **{"sample units": '"HU"'}))
nrrd.right(
    "lines that end as on Windows",
    lambda b: b.scan(b.write("scan.nrrd", nrrd_header().replace("\n", "\r\n").encode() + raw(b.ct.array)), b.ct),
)
nrrd.right("voxels in a file beside the header", apart(nhdr, "scan.raw", ".nhdr"))
nrrd.right("voxels in a folder below the header", apart(nhdr, "data/scan.raw", ".nhdr"))
nrrd.right(
    "a slice in each file of a list",
    lambda b: _slices(
        b, ".nhdr", nrrd_header(data_file="LIST\n" + "\n".join(f"{i}.raw" for i in range(13))).rstrip("\n") + "\n"
    ),
)
nrrd.right(
    "slices stored from head to feet",
    n(lambda a: raw(a[::-1]), space_directions="(12,0,0) (0,12,0) (0,0,-10)", space_origin="(-165,-141,60)"),
)
nrrd.right("a fourth axis of one time point", n(**TIMED))
nrrd.said("a space with time that ITK does not turn", "no-orientation", n(compare=False, **TIMED | TURNED))
nrrd.said(
    "spacings without a space",
    "no-orientation",
    n(space=None, space_directions=None, space_origin=None, spacings="12 12 10", compare=False),
)
nrrd.said(
    "a space of three dimensions without a name",
    "no-orientation",
    lambda b: b.scan(
        b.write(
            "scan.nrrd",
            nrrd_header().replace("space: left-posterior-superior", "space dimension: 3").encode() + raw(b.ct.array),
        )
    ),
)
nrrd.said("the scanner's space", "no-orientation", n(space="scanner-xyz", compare=False))
nrrd.said(
    "ends of axes in place of spacings",
    "no-orientation",
    n(
        space=None,
        space_directions=None,
        space_origin=None,
        **{"axis mins": "0 0 0", "axis maxs": "336 288 130", "centers": "cell cell cell"},
        compare=False,
    ),
)
nrrd.said(
    "values quantised to bytes",
    "not-hu",
    n(
        lambda a: ((a.clip(-1024, 3071) + 1024) // 8).clip(0, 255).astype("u1").tobytes(),
        type="uint8",
        **{"old min": "-1024", "old max": "3071"},
        compare=False,
    ),
)
nrrd.said(
    "stored numbers without the intercept",
    "no-air",
    n(lambda a: (a.astype(int) + 1024).astype("<u2").tobytes(), type="uint16", compare=False),
)
nrrd.said("the wrong byte order", "beyond-scanner", n(endian="big", compare=False))
nrrd.said("axes that slant", "sheared-grid", n(space_directions="(12,0,0) (0,12,0) (0,3,10)", compare=False))
nrrd.refused("no directions and no spacings", "no spacing", n(space_directions=None, compare=False))
nrrd.refused("directions of nothing", "no spacing", n(space_directions="none none none", compare=False))
nrrd.refused("a direction of length 0", "spacing", n(space_directions="(12,0,0) (0,12,0) (0,0,0)", compare=False))
nrrd.refused(
    "directions that are no numbers", "spacing", n(space_directions="(12,0,0) (0,12,0) (0,0,nan)", compare=False)
)
nrrd.refused("directions in one plane", "scan.nrrd", n(space_directions="(12,0,0) (0,12,0) (12,12,0)", compare=False))
nrrd.refused(
    "spacings of NaN, as some programs write",
    "no spacing",
    n(space=None, space_directions=None, space_origin=None, spacings="nan nan nan", compare=False),
)
nrrd.refused("units of inches", "inch", n(space_units='"inch" "inch" "inch"', compare=False))
nrrd.refused("another unit along each axis", "different units", n(space_units='"mm" "mm" "cm"', compare=False))
nrrd.refused(
    "four time points",
    "scan.nrrd",
    n(
        dimension="4",
        sizes="28 24 3 4",
        space_directions="(12,0,0) (0,12,0) (0,0,10) none",
        kinds="domain domain domain list",
        compare=False,
    ),
)
nrrd.refused(
    "three values in each voxel",
    "values in each voxel",
    n(
        lambda a: raw(a) * 3,
        dimension="4",
        sizes="3 28 24 13",
        space_directions="none (12,0,0) (0,12,0) (0,0,10)",
        kinds="vector domain domain domain",
        compare=False,
    ),
)
nrrd.refused(
    "two axes",
    "scan.nrrd",
    n(dimension="2", sizes="28 24", space_directions="(12,0,0) (0,12,0)", kinds="domain domain", compare=False),
)
nrrd.refused("sizes of terabytes", "header claims", n(sizes="90000 90000 900", compare=False))
nrrd.refused("a size of 0", "sizes", n(sizes="28 0 13", compare=False))
nrrd.refused("no sizes", "sizes", n(sizes=None, compare=False))
nrrd.refused("cut short", "cut short", n(lambda a: raw(a)[:-700], compare=False))
nrrd.refused(
    "cut short, compressed", "scan.nrrd", n(lambda a: gzip.compress(raw(a))[:-900], encoding="gzip", compare=False)
)
nrrd.refused(
    "a bomb of bzip2",
    "header claims",
    n(lambda a: bz2.compress(bytes(1000)), encoding="bzip2", sizes="9000 9000 9000", compare=False),
)
nrrd.refused("an encoding that nobody knows", "scan.nrrd", n(encoding="zstd", compare=False))
nrrd.refused("a type of blocks", "scan.nrrd", n(type="block", **{"block size": "2"}, compare=False))
nrrd.refused("no NRRD", "is not an NRRD file", lambda b: b.scan(b.write("scan.nrrd", b"P5 28 24 255\n" + bytes(700))))
nrrd.refused("voxels in a folder above the header", "outside", apart(nhdr, "../scan.raw", ".nhdr", at="scan.raw"))
nrrd.refused("voxels at an absolute path", "outside", apart(nhdr, "FOLDER/scan.raw", ".nhdr", at="scan.raw"))
nrrd.refused("voxels behind a link that leads elsewhere", "outside", lambda b: _linked(b, ".nhdr", nhdr("link.raw")))
nrrd.refused("voxels in a pipe", "pipe", lambda b: _piped(b, ".nhdr", nhdr("pipe.raw")))
nrrd.refused("voxels in a device", "outside", apart(nhdr, "/dev/zero", ".nhdr", at="unused"))
nrrd.refused(
    "a list of files elsewhere",
    "outside",
    lambda b: b.scan(b.write("in/scan.nhdr", nrrd_header(data_file="LIST\n" + "/etc/passwd\n" * 13))),
)
nrrd.refused("voxels that are not there", "no such file", apart(nhdr, "gone.raw", ".nhdr", at="unused"))

meta.right("raw voxels", m())
meta.right("compressed", m(lambda a: zlib.compress(raw(a)), CompressedData="True", CompressedDataSize="AUTO"))
meta.refused(
    "compressed, without the size of what is compressed",
    "CompressedDataSize",
    m(lambda a: zlib.compress(raw(a)), CompressedData="True", compare=False),
)
meta.refused(
    "voxels as text, which ITK does not read in one file",
    "scan.mha",
    m(lambda a: " ".join(map(str, a.ravel())).encode(), BinaryData="False", compare=False),
)
meta.right("big endian", m(lambda a: a.astype(">i2").tobytes(), BinaryDataByteOrderMSB="True"))
meta.right("floats", m(lambda a: a.astype("<f4").tobytes(), ElementType="MET_FLOAT"))
meta.right("a size of the elements in place of a spacing", m(ElementSpacing=None, ElementSize="12 12 10"))
meta.right("a size of the elements that contradicts the spacing", m(ElementSize="1 1 1"))
meta.right("units of cm", m(DistanceUnits="cm", ElementSpacing="1.2 1.2 1", Offset="-16.5 -14.1 -6"))
meta.right("an origin under its other names", m(Offset=None, Position="-165 -141 -60"))
meta.right("a matrix under its other name", m(TransformMatrix=None, Rotation="1 0 0 0 1 0 0 0 1"))
meta.right(
    "slices stored from head to feet",
    m(lambda a: raw(a[::-1]), TransformMatrix="1 0 0 0 1 0 0 0 -1", Offset="-165 -141 60"),
)
meta.right("comments and fields of others", m(Comment="x", Modality="MET_MOD_CT", Name="a = b"))
meta.right(
    "lines that end as on Windows",
    lambda b: b.scan(b.write("scan.mha", meta_header().replace("\n", "\r\n").encode() + raw(b.ct.array)), b.ct),
)
meta.right("voxels in a file beside the header", apart(mhd, "scan.raw", ".mhd"))
meta.right("voxels in a folder below the header", apart(mhd, "data/scan.raw", ".mhd"))
meta.right(
    "a slice in each file of a list",
    lambda b: _slices(b, ".mhd", meta_header(ElementDataFile="LIST\n" + "\n".join(f"{i}.raw" for i in range(13)))),
)
meta.right(
    "a slice in each file of a pattern", lambda b: _slices(b, ".mhd", meta_header(ElementDataFile="%d.raw 0 12 1"))
)
meta.right(
    "a number of bytes to skip",
    apart(
        lambda name: meta_header(ElementDataFile=name, HeaderSize="64"),
        "scan.raw",
        ".mhd",
        lambda a: bytes(64) + raw(a),
    ),
)
meta.said(
    "a slope and an offset of the intensities",
    "rescaled",
    m(
        lambda a: ((a.astype(int) + 1024) // 2).astype("<u2").tobytes(),
        ElementType="MET_USHORT",
        ElementToIntensityFunctionSlope="2",
        ElementToIntensityFunctionOffset="-1024",
        mean_hu=1.0,
    ),
)
meta.said("no matrix and no orientation", "no-orientation", m(TransformMatrix=None, AnatomicalOrientation=None))
meta.said(
    "an orientation that the matrix does not tell",
    "no-orientation",
    m(TransformMatrix=None, AnatomicalOrientation="LPI", compare=False),
)
meta.said(
    "36 mm wide, the unit being cm",
    "small-image",
    m(ElementSpacing="1.2 1.2 1", Offset="-16.5 -14.1 -6", compare=False),
)
meta.said(
    "stored numbers without the intercept",
    "no-air",
    m(lambda a: (a.astype(int) + 1024).astype("<u2").tobytes(), ElementType="MET_USHORT", compare=False),
)
meta.said("the wrong byte order", "beyond-scanner", m(BinaryDataByteOrderMSB="True", compare=False))
meta.said("more voxels than the header tells of", "more-data", m(DimSize="28 24 7", compare=False))
nrrd.said("more voxels than the header tells of", "more-data", n(sizes="28 24 7", compare=False))
meta.refused("no spacing", "no spacing", m(ElementSpacing=None, compare=False))
meta.refused("a spacing of 0", "spacing", m(ElementSpacing="12 12 0", compare=False))
meta.refused("a negative spacing", "spacing", m(ElementSpacing="12 12 -10", compare=False))
meta.refused("a spacing of two numbers", "spacing", m(ElementSpacing="12 12", compare=False))
meta.refused("a spacing of words", "spacing", m(ElementSpacing="a b c", compare=False))
meta.refused("units of inches", "inch", m(DistanceUnits="inch", compare=False))
meta.refused("a matrix of two equal rows", "scan.mha", m(TransformMatrix="1 0 0 1 0 0 0 0 1", compare=False))
meta.refused("a matrix of zeros", "scan.mha", m(TransformMatrix="0 0 0 0 0 0 0 0 0", compare=False))
meta.refused("a matrix of NaN", "scan.mha", m(TransformMatrix="nan 0 0 0 1 0 0 0 1", compare=False))
meta.refused(
    "a slope of the intensities in words", "is not a number", m(ElementToIntensityFunctionSlope="two", compare=False)
)
meta.refused("colour", "values in each voxel", m(lambda a: raw(a) * 3, ElementNumberOfChannels="3", compare=False))
meta.refused(
    "four time points",
    "time points",
    m(
        lambda a: raw(a[:12]),
        NDims="4",
        DimSize="28 24 3 4",
        ElementSpacing="12 12 10 1",
        TransformMatrix="1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
        Offset="0 0 0 0",
        compare=False,
    ),
)
meta.refused(
    "two axes",
    "scan.mha",
    m(NDims="2", DimSize="28 24", ElementSpacing="12 12", TransformMatrix="1 0 0 1", Offset="0 0", compare=False),
)
meta.refused("sizes of terabytes", "header claims", m(DimSize="90000 90000 900", compare=False))
meta.refused("a negative size", "size", m(DimSize="28 -24 13", compare=False))
meta.refused("cut short", "cut short", m(lambda a: raw(a)[:-700], compare=False))
meta.refused(
    "cut short, compressed",
    "scan.mha",
    m(lambda a: zlib.compress(raw(a))[:-900], CompressedData="True", CompressedDataSize="AUTO", compare=False),
)
meta.refused(
    "a changed byte in compressed voxels",
    "damaged",
    m(lambda a: _flipped(zlib.compress(raw(a))), CompressedData="True", CompressedDataSize="AUTO", compare=False),
)
meta.refused(
    "fewer compressed voxels than the header claims",
    "scan.mha",
    m(lambda a: zlib.compress(raw(a[:9])), CompressedData="True", compare=False),
)
meta.said(
    "more compressed voxels than the header tells of",
    "more-data",
    m(
        lambda a: zlib.compress(raw(a)),
        CompressedData="True",
        CompressedDataSize="AUTO",
        DimSize="28 24 7",
        compare=False,
    ),
)
nrrd.said(
    "more compressed voxels than the header tells of",
    "more-data",
    n(lambda a: gzip.compress(raw(a)), encoding="gzip", sizes="28 24 7", compare=False),
)
nrrd.refused(
    "fewer compressed voxels than the header claims",
    "scan.nrrd",
    n(lambda a: gzip.compress(raw(a[:9])), encoding="gzip", compare=False),
)
nrrd.refused(
    "a changed byte in compressed voxels",
    "damaged",
    n(lambda a: _flipped(gzip.compress(raw(a))), encoding="gzip", compare=False),
)
meta.refused("a type that there is none of", "scan.mha", m(ElementType="MET_QUAD", compare=False))
meta.refused("no MetaImage", "is not a MetaImage file", lambda b: b.scan(b.write("scan.mha", bytes(900))))
meta.refused("a mesh", "scan.mha", m(ObjectType="Mesh", compare=False))
meta.refused("voxels in a folder above the header", "outside", apart(mhd, "../scan.raw", ".mhd", at="scan.raw"))
meta.refused("voxels at an absolute path", "outside", apart(mhd, "FOLDER/scan.raw", ".mhd", at="scan.raw"))
meta.refused("voxels behind a link that leads elsewhere", "outside", lambda b: _linked(b, ".mhd", mhd("link.raw")))
meta.refused("voxels in a pipe", "pipe", lambda b: _piped(b, ".mhd", mhd("pipe.raw")))
meta.refused(
    "a pattern of files elsewhere", "outside", lambda b: b.scan(b.write("in/scan.mhd", mhd("/dev/%d.raw 0 12 1")))
)
meta.refused(
    "the header itself for a file of voxels", "header claims", lambda b: b.scan(b.write("in/scan.mhd", mhd("scan.mhd")))
)


def _flipped(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0x10]) + packed[middle + 1 :]


def _slices(b: Bench, ending: str, header: str) -> Trial:
    for number, plane in enumerate(b.ct.array):
        b.write(f"in/{number}.raw", raw(plane))
    return b.scan(b.write(f"in/scan{ending}", header), b.ct)


def _linked(b: Bench, ending: str, header: str) -> Trial:
    path = b.write(f"in/scan{ending}", header)
    (path.parent / "link.raw").symlink_to(b.write("scan.raw", raw(b.ct.array)))
    return b.scan(path)


def _piped(b: Bench, ending: str, header: str) -> Trial:
    path = b.write(f"in/scan{ending}", header)
    os.mkfifo(path.parent / "pipe.raw")
    return b.scan(path)
