"""DICOM files of many frames: their places, scales and parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from corpus.bench import Bench, Trial, thorax
from corpus.dicom_series import every, put
from corpus.kinds import Section
from dicom_files import encoded, item, save, slices_of
from pydicom import uid
from pydicom.dataset import Dataset

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
