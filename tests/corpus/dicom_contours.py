"""RTSTRUCT: contours at odd places, of odd names, doubled, missing, damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from corpus.bench import Bench, Trial
from corpus.dicom_seg import change, lost
from corpus.kinds import Section
from dicom_files import item
from dicom_mask_files import outlines, structure_set
from pydicom.dataset import Dataset

from LungUNetSegLib.volume import Volume

rt = Section("RTSTRUCT")


Contours = dict[str, list[np.ndarray]]


def r(
    edit: Callable[[Contours], Contours | None] = lambda c: None,
    compare: bool = True,
    after: Callable[[Dataset], object] = lambda d: None,
    **how: object,
) -> Callable[[Bench], Trial]:
    """The clean reference's outlines with a change, read on its scan."""

    def attempt(b: Bench) -> Trial:
        contours = outlines(b.labels)
        path = structure_set(b.folder / "rs.dcm", edit(contours) or contours)
        return b.mask(change(path, after), b.labels if compare else None, reference=b.labels.geometry, **how)

    return attempt


def renamed(right: str, left: str) -> Callable[[Contours], Contours]:
    return lambda c: {right: c["Right Lung"], left: c["Left Lung"]}


def moved(by_mm: float) -> Callable[[Contours], Contours]:
    return lambda c: {name: [each + np.array((0, 0, by_mm)) for each in contours] for name, contours in c.items()}


rt.right("outlines between the voxels", r())
rt.right(
    "contours drawn the other way round", r(lambda c: {name: [each[::-1] for each in own] for name, own in c.items()})
)
rt.right(
    "contours that end where they begin",
    r(lambda c: {name: [np.concatenate([each, each[:1]]) for each in own] for name, own in c.items()}),
)
rt.right("contours in mixed order", r(lambda c: {name: own[::2] + own[1::2] for name, own in c.items()}))
rt.right("contours a fifth of a slice off", r(moved(2.0)))
rt.right(
    "heights that are rounded differently in one plane",
    r(
        lambda c: {
            name: [each + np.random.default_rng(0).uniform(-0.01, 0.01, each.shape) * (0, 0, 1) for each in own]
            for name, own in c.items()
        }
    ),
)
rt.right(
    "a point and an open line in the structure",
    r(
        after=lambda d: d.ROIContourSequence[0].ContourSequence.extend(
            [
                item(ContourGeometricType="POINT", NumberOfContourPoints=1, ContourData=["0", "0", "0"]),
                item(
                    ContourGeometricType="OPEN_PLANAR",
                    NumberOfContourPoints=3,
                    ContourData=["0", "0", "0", "50", "0", "0", "50", "50", "0"],
                ),
            ]
        )
    ),
)
rt.right("names of TG-263", r(renamed("Lung_R", "Lung_L")))
rt.right("names in Latin", r(renamed("Pulmo dexter", "Pulmo sinister")))
rt.right("names mapped by hand", r(renamed("Poumon D", "Poumon G"), meanings={"Poumon D": "right", "Poumon G": "left"}))
rt.right(
    "other structures beside the lungs",
    r(lambda c: c | {"Heart": c["Left Lung"], "BODY": c["Right Lung"], "GTV": c["Left Lung"][:2]}),
)
rt.said("contours half a slice off", "contours-off-slices", r(moved(5.0), compare=False))
rt.said("each contour stored twice", "duplicate-contours", r(lambda c: {name: [*own, *own] for name, own in c.items()}))
rt.said(
    "each contour stored twice, with another first point",
    "duplicate-contours",
    r(lambda c: {name: [*own, *(np.roll(each, 3, axis=0) for each in own)] for name, own in c.items()}),
)
rt.said(
    "a named lung without contours",
    "structure-empty",
    r(lambda c: {"Right Lung": c["Right Lung"], "Left Lung": c["Left Lung"], "Lungs": []}),
)
rt.said(
    "one plane missing",
    "contours-interpolated",
    r(lambda c: {name: [each for each in own if abs(each[0, 2]) > 1] for name, own in c.items()}, compare=False),
)
rt.said(
    "the planning volume of a lung beside it", "structures-left-out", r(lambda c: c | {"Lung_R PRV": c["Right Lung"]})
)
rt.said("two structures of one lung", "several-structures", r(lambda c: c | {"Lung L": c["Left Lung"]}))
rt.said(
    "one lung and both together",
    "lung-from-both",
    r(lambda c: {"Lungs": [*c["Right Lung"], *c["Left Lung"]], "Right Lung": c["Right Lung"]}),
)
rt.right(
    "a scan with a lost slice, and contours of the others",
    lambda b: lost(
        b,
        lambda path, labels: structure_set(
            path, {name: [each for each in own if abs(each[0, 2]) > 1] for name, own in outlines(labels).items()}
        ),
        0.02,
    ),
)
rt.right("a hole in a lung", lambda b: _hole(b))
rt.refused("all lungs without contours", "no contours", r(lambda c: {name: [] for name in c}))
rt.refused("no structure that is a lung", "no structure is a lung", r(renamed("Heart", "Liver")))
rt.refused(
    "gaps of 40 mm",
    "mm apart with nothing between",
    r(lambda c: {name: [each for each in own if abs(each[0, 2]) > 15] for name, own in c.items()}),
)
rt.refused(
    "contours across the slices",
    "lie across",
    r(lambda c: {name: [each[:, [2, 0, 1]] for each in own] for name, own in c.items()}),
)
rt.refused(
    "contours of another patient",
    "outside the scan",
    r(lambda c: {name: [each + np.array((800, 0, 0)) for each in own] for name, own in c.items()}),
)
rt.said(
    "contours in cm",
    "contours-off-slices",
    r(lambda c: {name: [each / 10 for each in own] for name, own in c.items()}, compare=False),
)
rt.refused(
    "contours with numbers missing",
    "rs.dcm",
    r(after=lambda d: setattr(d.ROIContourSequence[0].ContourSequence[0], "ContourData", ["1", "2"])),
)
rt.refused(
    "contours that are no numbers",
    "rs.dcm",
    r(after=lambda d: setattr(d.ROIContourSequence[0].ContourSequence[0], "ContourData", ["nan"] * 12)),
)
rt.refused(
    "structures without numbers",
    "rs.dcm",
    r(after=lambda d: [delattr(each, "ROINumber") for each in d.StructureSetROISequence] and None),
)
rt.refused(
    "contours that name no structure",
    "rs.dcm",
    r(after=lambda d: [setattr(each, "ReferencedROINumber", 99) for each in d.ROIContourSequence] and None),
)
rt.refused(
    "contours without their scan",
    "beside their scan",
    lambda b: b.mask(structure_set(b.folder / "rs.dcm", outlines(b.labels))),
)
rt.refused(
    "cut short",
    "rs.dcm",
    lambda b: b.mask(_shortened(structure_set(b.folder / "rs.dcm", outlines(b.labels))), reference=b.labels.geometry),
)
rt.refused(
    "a target called left lung alone",
    "no structure is a lung",
    r(
        lambda c: {"Left Lung": c["Left Lung"]},
        after=lambda d: setattr(
            d,
            "RTROIObservationsSequence",
            [item(ObservationNumber=1, ReferencedROINumber=5, RTROIInterpretedType="GTV")],
        ),
    ),
)


def _hole(b: Bench) -> Trial:
    array = b.labels.array.copy()
    rows, columns = np.nonzero(array[6] == 1)
    row, column = int(np.median(rows)), int(np.median(columns))
    array[4:9, row - 1 : row + 2, column - 1 : column + 2] = 0
    hollow = Volume(array, b.labels.geometry)
    return b.mask(structure_set(b.folder / "rs.dcm", outlines(hollow)), hollow, reference=b.labels.geometry)


def _shortened(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-4000])
    return path
