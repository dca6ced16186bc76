"""Several scans under one identifier, or in one folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from corpus.bench import STEP_MM, Bench, Trial, thorax
from corpus.dicom_series import every, put
from corpus.kinds import Section
from dicom_files import save, slices_of
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
