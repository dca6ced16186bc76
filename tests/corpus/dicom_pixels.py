"""DICOM pixels: how they are stored, compressed and scaled."""

from __future__ import annotations

from collections.abc import Callable

import imagecodecs
import numpy as np
from corpus.bench import Bench, Trial
from corpus.kinds import Section
from dicom_files import encoded, item, save, slices_of
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLSLossless,
)

from LungUNetSegLib.volume import Volume

section = Section("DICOM pixels")

INTERCEPT = -1024


def stored(dataset: Dataset) -> np.ndarray:
    """The stored numbers of a slice, int32."""
    return np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns).astype(np.int32)


def each(bench: Bench, change: Callable[[Dataset], object], volume: Volume | None = None) -> list[Dataset]:
    """The clean scan's slices with a change made to each."""
    datasets = slices_of(volume or bench.ct)
    for dataset in datasets:
        change(dataset)
    return datasets


def store(dataset: Dataset, values: np.ndarray, kind: str, **attributes: object) -> None:
    """Put other numbers into a slice."""
    dataset.PixelData = np.ascontiguousarray(values).astype(kind).tobytes()
    dataset["PixelData"].VR = "OB" if kind.endswith("1") else "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)


def fragments(dataset: Dataset, frames: list[bytes], syntax: str, pieces: int = 1, offsets: bool = True) -> None:
    dataset.PixelData = encapsulate(frames, fragments_per_frame=pieces, has_bot=offsets)
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax


def plain(change: Callable[[Dataset], object], mean_hu: float = 0.5) -> Callable[[Bench], Trial]:
    return lambda b: b.scan(save(each(b, change), b.folder / "ct"), b.ct, mean_hu)


def syntax(name: str) -> Callable[[Dataset], object]:
    return lambda d: setattr(d.file_meta, "TransferSyntaxUID", name)


def big_endian(d: Dataset) -> None:
    syntax(ExplicitVRBigEndian)(d)
    d.PixelData = np.frombuffer(d.PixelData, "<u2").astype(">u2").tobytes()


section.right("implicit VR, little endian", plain(syntax(ImplicitVRLittleEndian)))
section.right("explicit VR, big endian", plain(big_endian))
section.right("a deflated data set", plain(syntax(DeflatedExplicitVRLittleEndian)))
for name in ("rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"):
    section.right(
        f"compressed as {name}",
        lambda b, name=name: b.scan(save([encoded(d, name) for d in slices_of(b.ct)], b.folder / "ct"), b.ct),
    )


@section.right("each slice compressed otherwise")
def _(b: Bench) -> Trial:
    names = ["", "rle", "jpeg-ls", "jpeg-2000", "jpeg-lossless"]
    datasets = [encoded(d, names[i % 5]) if names[i % 5] else d for i, d in enumerate(slices_of(b.ct))]
    return b.scan(save(datasets, b.folder / "ct"), b.ct)


@section.right("compressed as HTJ2K")
def _(b: Bench) -> Trial:
    def change(d: Dataset) -> None:
        fragments(d, [imagecodecs.htj2k_encode(stored(d).astype(np.uint16))], HTJ2KLossless)

    return b.scan(save(each(b, change), b.folder / "ct"), b.ct)


def jpeg_12(d: Dataset) -> None:
    d.BitsStored, d.HighBit, d.LossyImageCompression = 12, 11, "01"
    packed = imagecodecs.jpeg8_encode(stored(d).clip(0, 4095).astype(np.uint16), level=100, bitspersample=12)
    fragments(d, [packed], JPEGExtended12Bit)


section.right("compressed as JPEG Extended of 12 bits, which loses a little", plain(jpeg_12, 2.0))
section.right(
    "a frame in several fragments, without an offset table",
    plain(lambda d: fragments(d, [imagecodecs.jpegls_encode(stored(d).astype(np.uint16))], JPEGLSLossless, 3, False)),
)
section.right(
    "a code stream of JPEG 2000 that says it is unsigned where the header says signed",
    plain(
        lambda d: (
            fragments(
                d,
                [
                    imagecodecs.jpeg2k_encode(
                        (stored(d) - 1024).clip(-1024, 3071).astype(np.int16).view(np.uint16),
                        codecformat="j2k",
                        level=0,
                    )
                ],
                JPEG2000Lossless,
            ),
            setattr(d, "PixelRepresentation", 1),
            setattr(d, "RescaleIntercept", 0),
        )
    ),
)
section.refused(
    "a code stream of another size than the header's",
    "0000.dcm",
    plain(
        lambda d: fragments(
            d, [imagecodecs.jpegls_encode(np.repeat(stored(d), 2, axis=0).astype(np.uint16))], JPEGLSLossless
        )
    ),
)
section.refused(
    "a code stream whose rows are the header's columns",
    ("(28, 24)", "(24, 28)"),
    plain(lambda d: fragments(d, [imagecodecs.jpegls_encode(stored(d).T.astype(np.uint16))], JPEGLSLossless)),
)
section.refused(
    "a code stream cut in the middle",
    "0005.dcm",
    lambda b: b.scan(
        save([d if i != 5 else _cut(encoded(d, "jpeg-ls")) for i, d in enumerate(slices_of(b.ct))], b.folder / "ct")
    ),
)
section.refused(
    "compressed pixels under an uncompressed syntax",
    "cannot be decoded",
    plain(
        lambda d: (
            encoded(d, "jpeg-ls"),
            setattr(d, "PixelData", d.PixelData[:400]),
            syntax(ExplicitVRLittleEndian)(d),
            setattr(d["PixelData"], "is_undefined_length", False),
        )
    ),
)
section.refused(
    "MPEG for a transfer syntax",
    "cannot be decoded",
    plain(lambda d: fragments(d, [bytes(100)], "1.2.840.10008.1.2.4.103")),
)
section.refused(
    "a transfer syntax that nobody knows",
    "cannot be decoded",
    lambda b: b.scan(_patched(b, b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.1\0")),
)


def _cut(dataset: Dataset) -> Dataset:
    dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2 // 2 * 2] + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return dataset


section.right(
    "12 bits stored of 16", plain(lambda d: store(d, stored(d).clip(0, 4095), "<u2", BitsStored=12, HighBit=11))
)
section.right(
    "signed pixels", plain(lambda d: store(d, stored(d) - 1024, "<i2", PixelRepresentation=1, RescaleIntercept=0))
)
section.right(
    "a high bit of 15 over 12 bits at the lowest places",
    plain(lambda d: store(d, stored(d).clip(0, 4095), "<u2", BitsStored=12, HighBit=15)),
)


def overlaid(d: Dataset) -> None:
    """An overlay in the four bits above pixels of twelve."""
    above = np.where(np.indices((d.Rows, d.Columns))[0] % 3, 0xF000, 0)
    store(d, stored(d).clip(0, 4095) | above, "<u2", BitsStored=12, HighBit=11)
    d.add_new((0x6000, 0x0100), "US", 16)
    d.add_new((0x6000, 0x0102), "US", 12)


DENSITY = "ELECTRON_DENSITY"


def mapped(d: Dataset, code: str) -> None:
    """Give the unit where the standard has it for maps."""
    unit = item(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning="")
    del d.RescaleType
    d.RealWorldValueMappingSequence = [item(RealWorldValueSlope=1.0, MeasurementUnitsCodeSequence=[unit])]


def metal(d: Dataset) -> None:
    """Two pixels of metal in whole words, beside a header that says twelve bits."""
    values = stored(d).clip(0, 4095)
    values[12, 12:14] = 4524
    store(d, values, "<u2", BitsStored=12, HighBit=11)


def signed_of_12_bits(d: Dataset) -> None:
    """Signed numbers in twelve bits, with nothing in the four above."""
    store(d, (stored(d) - 2048) & 0xFFF, "<u2", PixelRepresentation=1, BitsStored=12, HighBit=11, RescaleIntercept=1024)


def in_highest_bits(d: Dataset) -> None:
    store(d, stored(d).clip(0, 4095) << 4, "<u2", BitsStored=12, HighBit=15)


def as_jpeg_ls(d: Dataset) -> None:
    fragments(d, [imagecodecs.jpegls_encode(stored(d).astype(np.uint16))], JPEGLSLossless)


def as_jpeg_2000(d: Dataset) -> None:
    words = stored(d).astype(np.uint16)
    fragments(d, [imagecodecs.jpeg2k_encode(words, codecformat="j2k", level=0)], JPEG2000Lossless)


section.right("signed pixels of 12 bits with an intercept", plain(signed_of_12_bits))
section.right("a high bit of 15 over 12 bits at the highest places", plain(in_highest_bits))
section.right("an overlay in the four bits above the pixels", plain(overlaid))
section.right("an overlay above the pixels, compressed as RLE", plain(lambda d: (overlaid(d), encoded(d, "rle"))))
section.right("an overlay above the pixels, compressed as JPEG-LS", plain(lambda d: (overlaid(d), as_jpeg_ls(d))))
section.right("an overlay above the pixels, compressed as JPEG 2000", plain(lambda d: (overlaid(d), as_jpeg_2000(d))))
section.right(
    "signed pixels of 12 bits, compressed as JPEG-LS of 16", plain(lambda d: (signed_of_12_bits(d), as_jpeg_ls(d)))
)
section.right(
    "signed pixels of 12 bits, compressed as JPEG 2000 of 16", plain(lambda d: (signed_of_12_bits(d), as_jpeg_2000(d)))
)
section.right(
    "12 bits at the highest places, compressed as RLE", plain(lambda d: (in_highest_bits(d), encoded(d, "rle")))
)
section.right(
    "32 bits allocated", plain(lambda d: store(d, stored(d), "<u4", BitsAllocated=32, BitsStored=32, HighBit=31))
)
section.right(
    "8 bits and a slope of 16",
    plain(
        lambda d: store(d, (stored(d) + 8) // 16, "u1", BitsAllocated=8, BitsStored=8, HighBit=7, RescaleSlope=16), 5.0
    ),
)
section.right(
    "inverted for display (MONOCHROME1), which changes no value",
    plain(lambda d: setattr(d, "PhotometricInterpretation", "MONOCHROME1")),
)
section.right("a slope of one half", plain(lambda d: store(d, stored(d) * 2, "<u2", RescaleSlope="0.5")))
section.right(
    "a slope with an exponent and spaces", plain(lambda d: store(d, stored(d) * 2, "<u2", RescaleSlope=" 5e-1 "))
)
section.right(
    "a slope of -1", plain(lambda d: store(d, 4000 - stored(d), "<u2", RescaleSlope=-1, RescaleIntercept=4000 - 1024))
)
section.right("padding of -2000 in signed pixels", lambda b: _padded(b, -2000, signed=True))
section.right("padding of -2000 declared in unsigned pixels", lambda b: _padded(b, 63536, signed=False))
section.right("padding of -2000 declared as signed, the pixels unsigned", lambda b: _padded(b, 63536, said=-2000))
section.right(
    "padding of many numbers, up to a declared limit",
    lambda b: _padded(b, 60000, signed=False, width=len(b.ct.array[0]) * 40, limit=65000),
)
section.said(
    "no slice with a scale, the pixels signed, and padding of -2000",
    "no-air",
    lambda b: _padded(b, -2000, signed=True, raised=1024),
)


def _padded(
    b: Bench,
    value: int,
    *,
    signed: bool = False,
    raised: int = 0,
    width: int = 1,
    limit: int | None = None,
    said: int | None = None,
) -> Trial:
    """A round field of view with padding around, which is air; its values `raised`, its padding `width` numbers.

    The header declares it as `value`, or as what is `said`.
    """
    rows, columns = np.indices(b.ct.array.shape[1:])
    outside = (rows - 11.5) ** 2 + (columns - 13.5) ** 2 > 13.5**2

    def change(d: Dataset) -> None:
        padding = value + np.arange(outside.size).reshape(outside.shape) % width
        values = np.where(outside, padding, stored(d) - (1024 if signed else 0) + raised)
        store(d, values, "<i2" if signed else "<u2", PixelRepresentation=int(signed))
        d.RescaleIntercept = 0 if signed else INTERCEPT
        declared = value if said is None else said
        d.add_new("PixelPaddingValue", "SS" if signed or declared < 0 else "US", declared)
        if limit is not None:
            d.add_new("PixelPaddingRangeLimit", "SS" if signed else "US", limit)

    expected = np.where(outside, -1024, b.ct.array).astype(np.int16)
    place = save(each(b, change), b.folder / "ct")
    return b.scan(place, None if raised else Volume(expected, b.ct.geometry))


@section.right("a scale of its own in each slice, as the pixels are")
def _(b: Bench) -> Trial:
    datasets = slices_of(b.ct)
    for index, d in enumerate(datasets):
        store(d, stored(d) * (1 + index % 3), "<u2", RescaleSlope=f"{1 / (1 + index % 3):.10f}")
    return b.scan(save(datasets, b.folder / "ct"), b.ct)


section.said(
    "slices scaled otherwise than their pixels are",
    "scale-in-doubt",
    lambda b: b.scan(
        save(
            [_with(d, RescaleIntercept=-1024 + 1000 * (i == 5)) for i, d in enumerate(slices_of(b.ct))], b.folder / "ct"
        )
    ),
)
section.said(
    "some slices without a scale",
    "scale-in-doubt",
    lambda b: b.scan(
        save([d if i % 4 else _without(d, "RescaleIntercept") for i, d in enumerate(slices_of(b.ct))], b.folder / "ct")
    ),
)
section.said(
    "no slice with a scale, the pixels unsigned",
    "no-air",
    plain(lambda d: _without(d, "RescaleIntercept", "RescaleSlope"), 9e9),
)
section.said("another unit than HU", "not-hu", plain(lambda d: setattr(d, "RescaleType", "US"), 9e9))
section.said("electron density for a unit", "not-hu", plain(lambda d: setattr(d, "RescaleType", "ED"), 9e9))
section.said(
    "a map of electron density that gives no unit, but its type",
    "not-hu",
    plain(lambda d: (d.__delattr__("RescaleType"), setattr(d, "ImageType", ["DERIVED", "PRIMARY", "AXIAL", DENSITY]))),
)
section.said("a unit of mg/ml in the mapping of real-world values", "not-hu", plain(lambda d: mapped(d, "mg/mL")))
section.right("a mapping of real-world values in Hounsfield units", plain(lambda d: mapped(d, "[hnsf'U]")))
section.said("values of more bits than are stored, and no overlay", "more-bits", plain(lambda d: metal(d), 3.0))
section.said(
    "signed pixels called unsigned",
    "beyond-scanner",
    plain(lambda d: store(d, stored(d) - 1024, "<i2", RescaleIntercept=0), 9e9),
)
section.said("bytes in the wrong order", "beyond-scanner", plain(lambda d: store(d, stored(d), ">u2"), 9e9))
section.said("HU scaled twice", "beyond-scanner", plain(lambda d: store(d, (stored(d) * 4).clip(0, 65535), "<u2"), 9e9))
section.refused(
    "a table of values (Modality LUT) in place of a scale", ("look-up table (13)", "Export"), plain(lambda d: _table(d))
)
section.said(
    "fewer rows in the header than in the pixels",
    "more-data",
    lambda b: b.scan(save(each(b, lambda d: setattr(d, "Rows", 16)), b.folder / "ct")),
)
section.refused("more rows in the header than in the pixels", "0000.dcm", plain(lambda d: setattr(d, "Rows", 32)))
section.refused("a slope of 0", "no CT in Hounsfield units", plain(lambda d: setattr(d, "RescaleSlope", 0)))
section.refused(
    "a slope that is no number", "place or size is not given", plain(lambda d: d.add_new("RescaleSlope", "DS", "nan"))
)
section.refused("an intercept of text", "no CT to segment", lambda b: b.scan(_patched(b, b"-1024.0 ", b"minus 1k")))
section.refused("no pixels at all", "0000.dcm", plain(lambda d: _without(d, "PixelData")))
section.refused("pixels of no length", "0000.dcm", plain(lambda d: setattr(d, "PixelData", b"")))
section.refused(
    "floats for pixels",
    "0000.dcm",
    plain(
        lambda d: (
            _without(d, "PixelData"),
            setattr(d, "FloatPixelData", np.zeros((d.Rows, d.Columns), "<f4").tobytes()),
        )
    ),
)
section.refused("12 bits allocated", "12 bits", plain(lambda d: setattr(d, "BitsAllocated", 12)))
section.refused("more bits stored than allocated", "0000.dcm", plain(lambda d: setattr(d, "BitsStored", 20)))
section.refused(
    "a high bit that goes with nothing",
    "high bit",
    plain(lambda d: store(d, stored(d) | 0x8000, "<u2", BitsStored=12, HighBit=14)),
)
section.refused(
    "in colour",
    "colour",
    plain(
        lambda d: store(
            d,
            np.repeat(stored(d)[..., None] // 16, 3, axis=2),
            "u1",
            SamplesPerPixel=3,
            PhotometricInterpretation="RGB",
            BitsAllocated=8,
            BitsStored=8,
            HighBit=7,
        )
    ),
)
section.refused(
    "indices into a palette", "colour", plain(lambda d: setattr(d, "PhotometricInterpretation", "PALETTE COLOR"))
)
section.refused("one slice cut short", "0004.dcm", lambda b: b.scan(_shortened(b, 4, 0.8)))
section.said(
    "the header of one slice cut short", "unreadable-files missing-slices", lambda b: b.scan(_shortened(b, 4, 0.3))
)


def _with(dataset: Dataset, **attributes: object) -> Dataset:
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _without(dataset: Dataset, *keywords: str) -> Dataset:
    for keyword in keywords:
        delattr(dataset, keyword)
    return dataset


def _table(dataset: Dataset) -> None:
    _without(dataset, "RescaleIntercept", "RescaleSlope", "RescaleType")
    lut = Dataset()
    lut.LUTDescriptor, lut.ModalityLUTType = [4096, 0, 16], "HU"
    lut.LUTData = (np.arange(4096) - 1024).astype("<i2").tobytes()
    lut["LUTDescriptor"].VR, lut["LUTData"].VR = "US", "OW"
    dataset.ModalityLUTSequence = [lut]


def _patched(b: Bench, old: bytes, new: bytes) -> object:
    folder = save(slices_of(b.ct), b.folder / "ct")
    for path in folder.iterdir():
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))
    return folder


def _shortened(b: Bench, number: int, share: float) -> object:
    folder = save(slices_of(b.ct), b.folder / "ct")
    path = folder / f"{number:04}.dcm"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    return folder
