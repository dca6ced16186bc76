"""Several scans under one identifier, in one folder, or in one file of many frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from corpus.bench import STEP_MM, Bench, Trial, thorax
from corpus.dicom_series import every, put
from corpus.kinds import Section
from dicom_files import encoded, item, save, slices_of
from pydicom import uid
from pydicom.dataset import Dataset

section = Section("Several scans together")
Slices = list[Dataset]


def under_one_uid(*scans: Slices) -> Slices:
    """The slices of all scans with one series identifier."""
    for number, dataset in enumerate(each for scan in scans for each in scan):
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = "1.1", "1.0", "1.2"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.9.{number}"
    return [dataset for scan in scans for dataset in scan]


def two(tell: Callable[[Dataset, int, int], object], low_mm: float = -60.0, count: int = 2) -> Callable[[Bench], Trial]:
    """Scans of one series that only `tell(slice, scan, slice's number)` tells apart, in mixed order of files."""

    def attempt(b: Bench) -> Trial:
        volumes = [thorax(seed, -60.0 if seed == 1 else low_mm).ct for seed in range(1, count + 1)]
        scans = [slices_of(volume, InstanceNumber=1) for volume in volumes]
        for number, scan in enumerate(scans):
            for index, dataset in enumerate(scan):
                tell(dataset, number, index)
        mixed = under_one_uid(*scans)
        order = np.random.default_rng(0).permutation(len(mixed))
        return every(b, save((mixed[index] for index in order), b.folder / "ct"), *volumes)

    return attempt


def tag(keyword: str, vr: str, *values: object) -> Callable[[Dataset, int, int], object]:
    return lambda dataset, scan, _: dataset.add_new(keyword, vr, values[scan])


TELLING: dict[str, Callable[[Dataset, int, int], object]] = {
    "parts of the heart's cycle": tag("NominalPercentageOfCardiacPhase", "FL", 40.0, 70.0),
    "trigger times": tag("TriggerTime", "DS", "100", "500"),
    "parts of a breath": tag("NominalPercentageOfRespiratoryPhase", "FL", 0.0, 50.0),
    "temporal positions": tag("TemporalPositionIdentifier", "IS", 1, 2),
    "stacks": tag("StackID", "SH", "1", "2"),
    "acquisitions": tag("AcquisitionNumber", "IS", 1, 2),
    "acquisition times": tag("AcquisitionTime", "TM", "101500", "101530"),
    "kernels": tag("ConvolutionKernel", "SH", "B30f", "B70f"),
    "voltages": tag("KVP", "DS", "80", "140"),
    "contrast": tag("ContrastBolusAgent", "LO", "", "Iomeprol"),
    "image types": lambda d, scan, _: setattr(d, "ImageType", ["ORIGINAL", "PRIMARY", ["AXIAL", "VMI"][scan]]),
    "protocols, which no list of tags holds": tag("ProtocolName", "LO", "In", "Ex"),
    "private elements": lambda d, n, _: d.private_block(0x29, "X 1", create=True).add_new(1, "LO", f"{n}"),
    "windows": tag("WindowCenter", "DS", "40", "-600"),
    "reconstruction's diameter": tag("ReconstructionDiameter", "DS", "336", "337"),
    "numbers that run through one scan and then the other": lambda d, n, i: setattr(
        d, "InstanceNumber", 1 + i + 20 * n
    ),
    "times that run through one scan and then the other": lambda d, n, i: setattr(d, "ContentTime", f"10{n:02}{i:02}"),
    "dates, the times being the same": lambda d, n, _: (
        setattr(d, "AcquisitionDate", f"2020010{n + 1}"),
        setattr(d, "AcquisitionTime", "101500"),
    ),
}
for word, telling in TELLING.items():
    section.said(f"two scans of the same places, told apart by {word}", "several-series", two(telling))
for word in ("acquisitions", "acquisition times", "kernels", "numbers that run through one scan and then the other"):
    section.said(
        f"two scans half a slice apart, told apart by {word}", "several-series", two(TELLING[word], -60 + STEP_MM / 2)
    )
section.said(
    "two scans a third of a slice apart, with one SOP instance for all", "several-series", lambda b: _same_instance(b)
)
section.said(
    "four phases of one breath", "several-series", two(tag("TemporalPositionIndex", "UL", 1, 2, 3, 4), count=4)
)
section.said("two scans of which one has more slices", "several-series", lambda b: _longer(b))
section.said(
    "two scans half a slice apart, told apart by nothing but numbers that both use",
    "several-series",
    two(lambda d, n, i: setattr(d, "InstanceNumber", i + 1), -60 + STEP_MM / 2),
)
section.refused("two scans that nothing tells apart", "2 images at each position", two(lambda d, n, i: None))
section.said(
    "two scans of which nothing tells and one lacks slices",
    "duplicate-slices",
    lambda b: b.scan(
        save(
            under_one_uid(slices_of(b.ct, InstanceNumber=1), slices_of(thorax(2).ct, InstanceNumber=1)[:9]),
            b.folder / "ct",
        )
    ),
)
section.right(
    "odd and even slices of two turns of the table, which are one scan",
    lambda b: b.scan(
        save([put(AcquisitionNumber=1 + i % 2)(d) or d for i, d in enumerate(slices_of(b.ct))], b.folder / "ct"), b.ct
    ),
)
section.right(
    "an acquisition for each turn of the gantry",
    lambda b: b.scan(
        save(
            [
                put(AcquisitionNumber=i // 4, AcquisitionTime=f"1015{i:02}")(d) or d
                for i, d in enumerate(slices_of(b.ct))
            ],
            b.folder / "ct",
        ),
        b.ct,
    ),
)
section.right(
    "a new tube current in each slice",
    lambda b: b.scan(
        save(
            [d.add_new("XRayTubeCurrent", "IS", 100 + i) or d for i, d in enumerate(slices_of(b.ct))], b.folder / "ct"
        ),
        b.ct,
    ),
)
section.right(
    "a localizer in the same series", lambda b: b.scan(save([*slices_of(b.ct), *_localizer(b)], b.folder / "ct"), b.ct)
)
section.right(
    "a picture of the report in the same series",
    lambda b: b.scan(
        save(
            [
                *slices_of(b.ct),
                put(SOPClassUID=uid.SecondaryCaptureImageStorage, SOPInstanceUID="1.7")(d := slices_of(b.ct)[3]) or d,
            ],
            b.folder / "ct",
        ),
        b.ct,
    ),
)
section.said(
    "a series for each slice",
    "joined-series",
    lambda b: b.scan(
        save([put(SeriesInstanceUID=f"1.5.{i}")(d) or d for i, d in enumerate(slices_of(b.ct))], b.folder / "ct"), b.ct
    ),
)
section.said(
    "a series and a study for each slice",
    "several-series",
    lambda b: b.scan(
        save(
            [
                put(SeriesInstanceUID=f"1.5.{i}", StudyInstanceUID=f"1.6.{i}")(d) or d
                for i, d in enumerate(slices_of(b.ct))
            ],
            b.folder / "ct",
        )
    ),
)
section.said(
    "two patients in one folder",
    "several-patients several-series",
    lambda b: _beside(b, PatientID="B", SeriesInstanceUID="2.1", StudyInstanceUID="2.0"),
)
section.said("two patients in one series", "several-patients several-series", lambda b: _beside(b, PatientID="B"))
section.said("two studies of one patient in one series", "several-series", lambda b: _beside(b, StudyInstanceUID="2.0"))
section.said(
    "a maximum projection beside its scan",
    "several-series",
    lambda b: _beside(b, SeriesInstanceUID="2.1", ImageType=["DERIVED", "SECONDARY", "MIP"]),
)
section.said(
    "maximum projections alone",
    "projected",
    lambda b: b.scan(save(slices_of(b.ct, ImageType=["DERIVED", "SECONDARY", "MIP"]), b.folder / "ct")),
)
section.said(
    "minimum projections alone, by their technique",
    "projected",
    lambda b: b.scan(save(slices_of(b.ct, VolumeBasedCalculationTechnique="MIN_IP"), b.folder / "ct")),
)
section.said(
    "maximum projections alone, by their description and slabs that overlap",
    "projected",
    lambda b: b.scan(save(slices_of(b.ct, SeriesDescription="AX MIP 20/10", SliceThickness="20"), b.folder / "ct")),
)
section.said("a map of iodine beside its scan", "several-series", lambda b: _iodine_first(b))
section.said(
    "a head beside the chest",
    "several-series",
    lambda b: _beside(b, SeriesInstanceUID="2.1", BodyPartExamined="HEAD", SeriesDescription="Brain"),
)
section.said(
    "slices of two sizes in one series",
    "several-series",
    lambda b: b.scan(save(under_one_uid(slices_of(b.ct), slices_of(thorax(pixels=2).ct)[:7]), b.folder / "ct")),
)
section.said(
    "slices of two pixel spacings in one series",
    "several-series",
    lambda b: b.scan(
        save(
            [put(PixelSpacing=["11", "11"])(d) or d if i < 5 else d for i, d in enumerate(slices_of(b.ct))],
            b.folder / "ct",
        )
    ),
)
section.said(
    "coronal slices beside axial ones in one series",
    "several-series",
    lambda b: b.scan(save(under_one_uid(slices_of(b.ct), slices_of(_coronal(b))), b.folder / "ct"), b.ct),
)
for word, (sop, modality, kind) in {
    "MR images": (uid.MRImageStorage, "MR", "MR images"),
    "PET images": (uid.PositronEmissionTomographyImageStorage, "PT", "PET images"),
    "X-ray images": (uid.DigitalXRayImageStorageForPresentation, "DX", "X-ray images"),
    "a dose": (uid.RTDoseStorage, "RTDOSE", "RTDOSE"),
    "a report": (uid.BasicTextSRStorage, "SR", "reports"),
    "pictures taken of a CT": (uid.SecondaryCaptureImageStorage, "CT", "secondary captures"),
}.items():
    section.refused(
        f"{word} in place of a CT",
        kind,
        lambda b, sop=sop, modality=modality: b.scan(
            save(slices_of(b.ct, SOPClassUID=sop, Modality=modality), b.folder / "ct")
        ),
    )
for word, modality in (("MR", "MR"), ("PET", "PT"), ("nuclear medicine", "NM")):
    section.refused(
        f"{word} images under the class of CT",
        f"{word} images",
        lambda b, modality=modality: b.scan(save(slices_of(b.ct, Modality=modality), b.folder / "ct")),
    )
section.refused("a localizer alone", "localizers", lambda b: b.scan(save(_localizer(b), b.folder / "ct")))


def _same_instance(b: Bench) -> Trial:
    other = thorax(2, -60 + STEP_MM / 3).ct
    mixed = under_one_uid(slices_of(b.ct, AcquisitionNumber=1), slices_of(other, AcquisitionNumber=2))
    for dataset in mixed:
        dataset.SOPInstanceUID = "1.2.3"
    return every(b, save(mixed, b.folder / "ct"), b.ct, other)


def _longer(b: Bench) -> Trial:
    other = thorax(2, -60.0, 9).ct
    mixed = under_one_uid(slices_of(b.ct, AcquisitionNumber=1), slices_of(other, AcquisitionNumber=2))
    return every(b, save(mixed, b.folder / "ct"), b.ct, other)


def _localizer(b: Bench) -> Slices:
    return [
        put(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SOPInstanceUID="1.8")(d) or d for d in slices_of(b.ct)[:1]
    ]


def _beside(b: Bench, **attributes: object) -> Trial:
    """The clean scan, and another beside it; a better candidate is not looked for, only that both are named."""
    first, second = slices_of(b.ct), slices_of(thorax(2).ct)
    for number, dataset in enumerate(second):
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = first[0].SeriesInstanceUID, first[0].StudyInstanceUID
        put(**attributes, SOPInstanceUID=f"2.9.{number}")(dataset)
    return every(b, save([*first, *second], b.folder / "ct"), b.ct, thorax(2).ct)


def _iodine_first(b: Bench) -> Trial:
    """The clean scan is taken, and not the map of iodine whose series has a lower number."""
    scan, iodine = slices_of(b.ct, SeriesNumber=2), slices_of(thorax(2).ct, SeriesNumber=1, RescaleType="MGML")
    for number, dataset in enumerate(iodine):
        put(SeriesInstanceUID="2.1", StudyInstanceUID=scan[0].StudyInstanceUID, SOPInstanceUID=f"2.9.{number}")(dataset)
    return b.scan(save([*scan, *iodine], b.folder / "ct"), b.ct)


def _coronal(b: Bench):
    return type(b.ct)(
        np.ascontiguousarray(b.ct.array.transpose(1, 0, 2)), b.ct.geometry.reordered((1, 0, 2), (False, False, False))
    )


# Files of many frames

frames = Section("DICOM files of many frames")


def enhanced(volume, first: int = 0) -> Dataset:
    """A volume as one Enhanced CT file."""
    slices = slices_of(volume)
    dataset = slices[0]
    places = [each.ImagePositionPatient for each in slices]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=dataset.ImageOrientationPatient)],
        PixelMeasuresSequence=[item(PixelSpacing=dataset.PixelSpacing, SliceThickness="10")],
        PixelValueTransformationSequence=[item(RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU")],
        CTImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])],
    )
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid.EnhancedCTImageStorage
    dataset.NumberOfFrames = len(slices)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(PlanePositionSequence=[item(ImagePositionPatient=each)]) for each in places
    ]
    dataset.PixelData = (volume.array.astype(np.int32) + 1024).astype("<u2").tobytes()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.3.{first}"
    return dataset


def many(change: Callable[[Dataset], object], compare: bool = True) -> Callable[[Bench], Trial]:
    """The clean scan as one file, with a change."""

    def attempt(b: Bench) -> Trial:
        change(dataset := enhanced(b.ct))
        return b.scan(save([dataset], b.folder / "ct"), b.ct if compare else None)

    return attempt


def reordered(dataset: Dataset) -> None:
    order = np.random.default_rng(1).permutation(13)
    groups = list(dataset.PerFrameFunctionalGroupsSequence)
    dataset.PerFrameFunctionalGroupsSequence = [groups[index] for index in order]
    size = len(dataset.PixelData) // 13
    dataset.PixelData = b"".join(dataset.PixelData[index * size : (index + 1) * size] for index in order)


def own_scales(dataset: Dataset) -> None:
    pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(13, -1).astype(int)
    del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    for index, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        group.PixelValueTransformationSequence = [
            item(RescaleIntercept=-1024 - index, RescaleSlope=1, RescaleType="HU")
        ]
    dataset.PixelData = (pixels + np.arange(13)[:, None]).astype("<u2").tobytes()


def frame(dataset: Dataset, index: int) -> Dataset:
    return dataset.PerFrameFunctionalGroupsSequence[index]


frames.right("an Enhanced CT", many(lambda d: None))
frames.right("frames in mixed order", many(reordered))
frames.right("a scale for each frame", many(own_scales))
frames.right("compressed as RLE", many(lambda d: encoded(d, "rle")))
frames.right("compressed as JPEG-LS", many(lambda d: encoded(d, "jpeg-ls")))
frames.right(
    "converted from classic slices",
    many(lambda d: setattr(d, "SOPClassUID", uid.LegacyConvertedEnhancedCTImageStorage)),
)
frames.right(
    "a SOP class of classic CT with places for each frame",
    many(lambda d: setattr(d, "SOPClassUID", uid.CTImageStorage)),
)
frames.right(
    "directions for each frame",
    many(
        lambda d: (
            [
                setattr(
                    frame(d, i),
                    "PlaneOrientationSequence",
                    d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence,
                )
                for i in range(13)
            ]
            and delattr(d.SharedFunctionalGroupsSequence[0], "PlaneOrientationSequence")
        )
    ),
)
frames.right("a scan in two files", lambda b: b.scan(save(_halves(b), b.folder / "ct"), b.ct))
frames.said("two phases in one file", "several-series", lambda b: _phases(b))
frames.refused(
    "a frame without a place",
    "place or size is not given",
    many(lambda d: delattr(frame(d, 6), "PlanePositionSequence"), False),
)
frames.refused(
    "rows and columns at 60 degrees in each frame",
    "right angles",
    many(
        lambda d: setattr(
            d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0],
            "ImageOrientationPatient",
            [1, 0, 0, 0.5, 0.75**0.5, 0],
        ),
        False,
    ),
)
frames.refused(
    "localizers alone, by the types of the frames",
    "localizers",
    many(
        lambda d: setattr(
            d.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0], "FrameType", ["ORIGINAL", "LOCALIZER"]
        ),
        False,
    ),
)
frames.refused(
    "fewer places than frames",
    "places",
    many(lambda d: setattr(d, "PerFrameFunctionalGroupsSequence", d.PerFrameFunctionalGroupsSequence[:-1]), False),
)
frames.refused(
    "more places than frames",
    "places",
    many(
        lambda d: d.PerFrameFunctionalGroupsSequence.append(
            item(PlanePositionSequence=[item(ImagePositionPatient=[-165, -141, 70])])
        ),
        False,
    ),
)
frames.refused(
    "more frames than pixels",
    "cannot be decoded",
    many(lambda d: setattr(d, "PixelData", d.PixelData[: len(d.PixelData) // 2]), False),
)
frames.said(
    "more pixels than frames",
    "more-data",
    many(
        lambda d: (
            setattr(d, "NumberOfFrames", 9),
            setattr(d, "PerFrameFunctionalGroupsSequence", d.PerFrameFunctionalGroupsSequence[:9]),
        ),
        False,
    ),
)
frames.refused(
    "13 frames in a classic CT, without their places",
    "Export the original slices",
    many(
        lambda d: (
            setattr(d, "SOPClassUID", uid.CTImageStorage),
            delattr(d, "PerFrameFunctionalGroupsSequence"),
            setattr(d, "ImagePositionPatient", [0, 0, 0]),
            setattr(d, "ImageOrientationPatient", [1, 0, 0, 0, 1, 0]),
            setattr(d, "PixelSpacing", [12, 12]),
        ),
        False,
    ),
)
frames.refused(
    "an Enhanced CT without functional groups",
    "place or size is not given",
    many(lambda d: delattr(d, "PerFrameFunctionalGroupsSequence"), False),
)
frames.refused(
    "an Enhanced MR", "MR images", many(lambda d: put(SOPClassUID=uid.EnhancedMRImageStorage, Modality="MR")(d), False)
)
frames.right("a maker's own sequence with other places in each frame", many(lambda d: _private(d)))
frames.right("what a converter kept of the old images in each frame", many(lambda d: _unassigned(d)))
frames.said("one of two parts of a concatenation", "missing-slices", lambda b: _one_part(b))
frames.right("a localizer among the frames", lambda b: _with_localizer(b))


def _part(b: Bench, start: int, stop: int):
    x, y, z = b.ct.geometry.affine_lps[:3, 3]
    geometry = type(b.ct.geometry).axial(
        (stop - start, *b.ct.array.shape[1:]), b.ct.geometry.spacing_mm, (x, y, z + 10 * start)
    )
    return type(b.ct)(b.ct.array[start:stop], geometry)


def _halves(b: Bench) -> Sequence[Dataset]:
    parts = [enhanced(_part(b, 0, 6), 0), enhanced(_part(b, 6, 13), 1)]
    for part in parts:
        part.SeriesInstanceUID, part.StudyInstanceUID = "1.1", "1.0"
    return parts


def _private(dataset: Dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        own = [item(ImagePositionPatient=["0", "0", "0"], RescaleIntercept="0")]
        group.private_block(0x0019, "A MAKER", create=True).add_new(1, "SQ", own)


def _unassigned(dataset: Dataset) -> None:
    for group in dataset.PerFrameFunctionalGroupsSequence:
        group.UnassignedPerFrameConvertedAttributesSequence = [item(PixelSpacing=["5", "5"], RescaleIntercept="0")]


def _one_part(b: Bench) -> Trial:
    part = enhanced(_part(b, 0, 6), 0)
    part.InConcatenationNumber, part.InConcatenationTotalNumber = 1, 2
    return b.scan(save([part], b.folder / "ct"))


def _phases(b: Bench) -> Trial:
    one, other = enhanced(b.ct), enhanced(thorax(2).ct)
    groups = [*one.PerFrameFunctionalGroupsSequence, *other.PerFrameFunctionalGroupsSequence]
    for index, group in enumerate(groups):
        group.FrameContentSequence = [item(TemporalPositionIndex=1 + index // 13)]
    one.PerFrameFunctionalGroupsSequence, one.NumberOfFrames = groups, 26
    one.PixelData += other.PixelData
    return every(b, save([one], b.folder / "ct"), b.ct, thorax(2).ct)


def _with_localizer(b: Bench) -> Trial:
    dataset = enhanced(b.ct)
    view = item(
        PlanePositionSequence=[item(ImagePositionPatient=[0, -200, 0])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])],
        CTImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])],
    )
    dataset.PerFrameFunctionalGroupsSequence.append(view)
    dataset.NumberOfFrames = 14
    dataset.PixelData += bytes(len(dataset.PixelData) // 13)
    return b.scan(save([dataset], b.folder / "ct"), b.ct)
