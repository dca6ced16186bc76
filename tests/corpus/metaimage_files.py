"""MetaImage: what its header says, leaves out, or names elsewhere."""

from __future__ import annotations

import zlib

from corpus.bench import thorax
from corpus.kinds import Section
from corpus.text_headers import Fields, apart, flipped, linked, piped, raw, slices, together

meta = Section("MetaImage")
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


def meta_header(**changes: str | None) -> str:
    fields = META | changes
    if fields.get("CompressedDataSize") == "AUTO":
        fields["CompressedDataSize"] = str(len(zlib.compress(raw(thorax().ct.array))))
    last = {"ElementDataFile": fields.pop("ElementDataFile")}
    return "".join(f"{name} = {value}\n" for name, value in (fields | last).items() if value is not None)


m = together("scan.mha", meta_header)
mhd = lambda name: meta_header(ElementDataFile=name)  # noqa: E731

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
    lambda b: slices(b, ".mhd", meta_header(ElementDataFile="LIST\n" + "\n".join(f"{i}.raw" for i in range(13)))),
)
meta.right(
    "a slice in each file of a pattern", lambda b: slices(b, ".mhd", meta_header(ElementDataFile="%d.raw 0 12 1"))
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
    m(lambda a: flipped(zlib.compress(raw(a))), CompressedData="True", CompressedDataSize="AUTO", compare=False),
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
meta.refused("a type that there is none of", "scan.mha", m(ElementType="MET_QUAD", compare=False))
meta.refused("no MetaImage", "is not a MetaImage file", lambda b: b.scan(b.write("scan.mha", bytes(900))))
meta.refused("a mesh", "scan.mha", m(ObjectType="Mesh", compare=False))
meta.refused("voxels in a folder above the header", "outside", apart(mhd, "../scan.raw", ".mhd", at="scan.raw"))
meta.refused("voxels at an absolute path", "outside", apart(mhd, "FOLDER/scan.raw", ".mhd", at="scan.raw"))
meta.refused("voxels behind a link that leads elsewhere", "outside", lambda b: linked(b, ".mhd", mhd("link.raw")))
meta.refused("voxels in a pipe", "pipe", lambda b: piped(b, ".mhd", mhd("pipe.raw")))
meta.refused(
    "a pattern of files elsewhere", "outside", lambda b: b.scan(b.write("in/scan.mhd", mhd("/dev/%d.raw 0 12 1")))
)
meta.refused(
    "the header itself for a file of voxels", "header claims", lambda b: b.scan(b.write("in/scan.mhd", mhd("scan.mhd")))
)
