"""DICOM SEG: frames at odd places, segments of odd names, doubled, missing, damaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from corpus.bench import Bench, Trial, mask_fault
from corpus.kinds import Section
from dicom_files import encoded, item, save, slices_of
from dicom_mask_files import code, segmentation
from pydicom.dataset import Dataset
from pydicom.pixels import pack_bits

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.volume import Geometry, Volume

seg = Section("DICOM SEG")

RIGHT, LEFT, LUNG = "24028007", "7771000", "39607008"


def change(path: Path, edit: Callable[[Dataset], object]) -> Path:
    dataset = pydicom.dcmread(path)
    edit(dataset)
    dataset.save_as(path)
    return path


def s(
    edit: Callable[[Dataset], object] = lambda d: None, kind: str = "BINARY", compare: bool = True, **how: object
) -> Callable[[Bench], Trial]:
    """The clean reference as a SEG with a change, read on its scan."""
    return lambda b: b.mask(
        change(segmentation(b.folder / "seg.dcm", b.labels, kind), edit),
        b.labels if compare else None,
        reference=b.labels.geometry,
        **how,
    )


def segments(*described: tuple[str, Sequence[Dataset]]) -> Callable[[Dataset], None]:
    """Give segment 3 (right) and 2 (left) other names and types."""

    def edit(dataset: Dataset) -> None:
        for number, (name, concepts) in zip((3, 2), described, strict=False):
            dataset.SegmentSequence[number - 1] = item(
                SegmentNumber=number, SegmentLabel=name, SegmentedPropertyTypeCodeSequence=list(concepts)
            )

    return edit


def named(right: str, left: str, concept: Dataset | None = None) -> Callable[[Dataset], None]:
    concepts = [concept] if concept is not None else [code("0")]
    return segments((right, concepts), (left, concepts))


def group(dataset: Dataset, index: int) -> Dataset:
    return dataset.PerFrameFunctionalGroupsSequence[index]


def each_frame(edit: Callable[[Dataset], object]) -> Callable[[Dataset], None]:
    return lambda d: [edit(each) for each in d.PerFrameFunctionalGroupsSequence] and None


def measures(**values: object) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        for keyword, value in values.items():
            place = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
            delattr(place, keyword) if value is None else setattr(place, keyword, value)

    return edit


seg.right("binary frames in mixed order", s())
seg.right("fractions", s(kind="FRACTIONAL"))
seg.right("a label map", s(kind="LABELMAP"))
seg.right("fractions compressed as RLE", s(lambda d: encoded(d, "rle"), "FRACTIONAL"))
seg.right("fractions compressed as JPEG-LS", s(lambda d: encoded(d, "jpeg-ls"), "FRACTIONAL"))
seg.right("both coded Lung, the sides in the names alone", s(named("Right lung", "Left lung", code(LUNG))))
seg.right(
    "sides in modifiers, the names telling nothing",
    s(segments(("Segment A", [code(LUNG, RIGHT)]), ("Segment B", [code(LUNG, LEFT)]))),
)
seg.right("codes of each lung of its own", s(segments(("1", [code("3341006")]), ("2", [code("44029006")]))))
seg.right("codes of SRT, as of old", s(segments(("1", [code("T-28100")]), ("2", [code("T-28500")]))))
seg.right(
    "an anatomic region in place of a type",
    s(
        lambda d: (
            [
                setattr(d.SegmentSequence[n - 1], "SegmentedPropertyTypeCodeSequence", [code("113343008")])
                or setattr(
                    d.SegmentSequence[n - 1],
                    "AnatomicRegionSequence",
                    [
                        item(
                            CodeValue=LUNG,
                            CodingSchemeDesignator="SCT",
                            CodeMeaning="x",
                            AnatomicRegionModifierSequence=[code(side)],
                        )
                    ],
                )
                for n, side in ((3, RIGHT), (2, LEFT))
            ]
            and None
        )
    ),
)
seg.right("names without a blank", s(named("RightLung", "LEFTLUNG")))
seg.right(
    "names that people map by hand",
    s(named("Polmone dx", "Polmone sx"), meanings={"Polmone dx": "right", "polmone SX": "left"}),
)
seg.said(
    "a name mapped by hand that is not there",
    "unknown-structure",
    s(meanings={"Lung_R": "right", "Segment 2": "left", "Pulmone": "left"}),
)
seg.said(
    "a code against the name",
    "code-against-name",
    s(segments(("Left lung", [code(LUNG, RIGHT)]), ("Right lung", [code(LUNG, LEFT)]))),
)
seg.said("a copy of the left lung beside it", "structures-left-out", lambda b: _with_copy(b, "Left Lung (copy)"))
seg.said("a nodule in the right lung beside it", "structures-left-out", lambda b: _with_copy(b, "Nodule right lung"))
seg.said("the left lung in two segments of its name", "several-structures", lambda b: _with_copy(b, "Lung L"))
seg.said("lobes of the left lung, of which one is missing", "lobes-missing", s(named("Right lung", "Left upper lobe")))
seg.said(
    "a segment without a frame",
    "structure-empty",
    lambda b: b.mask(
        segmentation(
            b.folder / "seg.dcm",
            Volume(np.where(b.labels.array == 2, 0, b.labels.array).astype("u1"), b.labels.geometry),
        ),
        reference=b.labels.geometry,
    ),
)
seg.right("every frame of the scan, empty ones too", lambda b: b.mask(_full(b), b.labels, reference=b.labels.geometry))
seg.right(
    "a smaller field of view than the scan's",
    lambda b: b.mask(segmentation(b.folder / "seg.dcm", _cropped(b)), b.labels, reference=b.labels.geometry),
)
seg.right("pixels that do not fill whole bytes", lambda b: _odd_sizes(b))
seg.right(
    "on its own grid, the distance of slices stated",
    lambda b: b.mask(
        change(segmentation(b.folder / "seg.dcm", b.labels), measures(SpacingBetweenSlices="10")), b.labels
    ),
)
seg.right("no thickness and no distance of slices", s(measures(SliceThickness=None)))
seg.right("a negative distance of slices", s(measures(SpacingBetweenSlices="-10")))
seg.right("slices drawn from head to feet", s(lambda d: _reversed(d)))
seg.said(
    "marked slices that are no neighbours",
    "slices-without-frames structure-empty",
    lambda b: b.mask(change(segmentation(b.folder / "seg.dcm", _sparse(b)), measures(SpacingBetweenSlices="10"))),
)
seg.right("marked slices that are no neighbours, on their scan", lambda b: _sparse_on_scan(b))
seg.right(
    "a scan with a lost slice, and the segmentation of the others",
    lambda b: lost(b, lambda path, labels: segmentation(path, labels), 0.02),
)
seg.refused(
    "frames turned against each other",
    "different orientations",
    s(lambda d: setattr(group(d, 3), "PlaneOrientationSequence", [item(ImageOrientationPatient=[0, 1, 0, -1, 0, 0])])),
)
seg.refused("no lung by any name", "no segment is a lung", s(named("Heart", "Liver")))
seg.refused("lungs whose names tell no side and are two", "seg.dcm", s(named("Segment_1", "Segment_2")))
seg.refused(
    "the segmentation of another patient",
    "of the mask's",
    lambda b: b.mask(
        segmentation(
            b.folder / "seg.dcm", Volume(b.labels.array, Geometry.axial(b.labels.array.shape, (10, 6, 6), (900, 0, 0)))
        ),
        reference=b.labels.geometry,
    ),
)
seg.refused("cut short", "cut short", s(lambda d: setattr(d, "PixelData", d.PixelData[:200])))
seg.refused("no pixels", "seg.dcm", s(lambda d: delattr(d, "PixelData")))
seg.refused(
    "more frames told of than placed", "seg.dcm", s(lambda d: setattr(d, "NumberOfFrames", d.NumberOfFrames + 3))
)
seg.refused(
    "fewer frames told of than placed", "seg.dcm", s(lambda d: setattr(d, "NumberOfFrames", d.NumberOfFrames - 4))
)
seg.refused(
    "frames of a segment that is not described",
    "seg.dcm",
    s(each_frame(lambda g: setattr(g.SegmentIdentificationSequence[0], "ReferencedSegmentNumber", 9))),
)
seg.refused("a frame without a place", "seg.dcm", s(lambda d: delattr(group(d, 2), "PlanePositionSequence")))
seg.refused("no pixel spacing", "seg.dcm", s(measures(PixelSpacing=None)))
seg.refused("a pixel spacing of 0", "seg.dcm", s(measures(PixelSpacing=["0", "0"])))
seg.refused(
    "directions that are no numbers",
    "seg.dcm",
    s(
        lambda d: setattr(
            d.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0], "ImageOrientationPatient", [1, 0]
        )
    ),
)
seg.refused(
    "fractions without a maximum above 1", "seg.dcm", s(lambda d: setattr(d, "MaximumFractionalValue", 0), "FRACTIONAL")
)
seg.refused(
    "a CT in place of a mask", "not a mask", lambda b: b.mask(save(slices_of(b.ct)[:1], b.folder / "ct") / "0000.dcm")
)
seg.refused(
    "a folder of two masks",
    "2 files",
    lambda b: b.mask(
        [segmentation(b.folder / "a.dcm", b.labels), segmentation(b.folder / "b.dcm", b.labels)][0].parent
    ),
)
seg.right(
    "a mask without an ending among hidden files",
    lambda b: b.mask(
        [segmentation(b.folder / "SEG0001", b.labels), b.write(".DS_Store", b"x")][0].parent,
        b.labels,
        reference=b.labels.geometry,
    ),
)


def _with_copy(b: Bench, name: str) -> Trial:
    def edit(dataset: Dataset) -> None:
        extra = copy.deepcopy(dataset.SegmentSequence[1])
        extra.SegmentNumber, extra.SegmentLabel, extra.SegmentedPropertyTypeCodeSequence = 4, name, [code("0")]
        dataset.SegmentSequence[1].SegmentLabel = "Left lung"
        dataset.SegmentSequence.append(extra)
        groups = [
            copy.deepcopy(each)
            for each in dataset.PerFrameFunctionalGroupsSequence
            if each.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2
        ]
        for each in groups:
            each.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 4
        own = [
            n
            for n, each in enumerate(dataset.PerFrameFunctionalGroupsSequence)
            if each.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2
        ]
        pixels = dataset.pixel_array
        dataset.PixelData = pack_bits(np.concatenate([pixels, pixels[own]]))
        dataset.PerFrameFunctionalGroupsSequence = [*dataset.PerFrameFunctionalGroupsSequence, *groups]
        dataset.NumberOfFrames = len(dataset.PerFrameFunctionalGroupsSequence)

    return b.mask(change(segmentation(b.folder / "seg.dcm", b.labels), edit), b.labels, reference=b.labels.geometry)


def _full(b: Bench) -> Path:
    highdicom = __import__("highdicom")
    datasets = slices_of(b.fine)
    described = [
        highdicom.seg.SegmentDescription(
            n,
            name,
            highdicom.sr.CodedConcept("123037004", "SCT", "x"),
            highdicom.sr.CodedConcept(value, "SCT", "x"),
            "MANUAL",
        )
        for n, name, value in ((1, "Right lung", "3341006"), (2, "Left lung", "44029006"))
    ]
    for dataset in datasets:
        dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.StudyID = (
            dataset.ReferringPhysicianName
        ) = ""
    found = highdicom.seg.Segmentation(
        datasets,
        b.labels.array,
        "BINARY",
        described,
        "1.2.3",
        1,
        "1.2.4",
        1,
        "x",
        "x",
        "1",
        "1",
        omit_empty_frames=False,
    )
    found.save_as(b.folder / "seg.dcm")
    return b.folder / "seg.dcm"


def _cropped(b: Bench) -> Volume:
    x, y, z = b.labels.geometry.affine_lps[:3, 3]
    found = np.argwhere(b.labels.array)
    low, high = found.min(axis=0), found.max(axis=0) + 1
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    geometry = Geometry.axial(tuple(high - low), (10, 6, 6), (x + 6 * low[2], y + 6 * low[1], z + 10 * low[0]))
    return Volume(np.ascontiguousarray(b.labels.array[box]), geometry)


def _odd_sizes(b: Bench) -> Trial:
    geometry = b.labels.geometry
    part = Volume(
        np.ascontiguousarray(b.labels.array[:, :47, :55]),
        Geometry.axial((13, 47, 55), geometry.spacing_mm, tuple(geometry.affine_lps[:3, 3])),
    )
    return b.mask(segmentation(b.folder / "seg.dcm", part), part, reference=part.geometry)


def _reversed(dataset: Dataset) -> None:
    pixels = dataset.pixel_array[::-1]
    dataset.PerFrameFunctionalGroupsSequence = list(dataset.PerFrameFunctionalGroupsSequence)[::-1]
    dataset.PixelData = pack_bits(np.ascontiguousarray(pixels))


def _sparse(b: Bench) -> Volume:
    array = np.zeros_like(b.labels.array)
    array[[2, 5, 8]] = b.labels.array[[2, 5, 8]] == 1
    return Volume(array, b.labels.geometry)


def _sparse_on_scan(b: Bench) -> Trial:
    found = read_mask(segmentation(b.folder / "seg.dcm", _sparse(b)), b.labels.geometry, slice_places=np.arange(13.0))
    return b.holds(not mask_fault(found.labels, _sparse(b)), mask_fault(found.labels, _sparse(b)))


def lost(b: Bench, write: Callable[[Path, Volume], Path], share: float) -> Trial:
    """A CT whose middle file is lost, and a mask of the slices that are left: volumes as of the whole's."""
    kept = [n for n in range(13) if n != 6]
    scan = read_scan(save([slices_of(b.fine)[n] for n in kept], b.folder / "ct"))
    left = b.labels.array.copy()
    left[6] = 0
    path = write(b.folder / "mask.dcm", Volume(left, b.labels.geometry))
    found = read_mask(path, scan.volume.geometry, slice_places=scan.slice_places).labels
    volumes = [[np.count_nonzero(v.array == side) for side in (1, 2)] for v in (found, b.labels)]
    off = max(abs(a - c) / c for a, c in zip(*volumes, strict=True))
    return b.holds(off <= share, f"volumes differ by {off:.1%}")
