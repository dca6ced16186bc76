"""Series of one phantom in every geometry that scanners and archives give: what DICOM results are held against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from dicom_files import enhanced, item, slices_of
from pydicom.dataset import Dataset

from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry

PATIENT = {
    "PatientName": "Doe^Jane",
    "PatientID": "007",
    "PatientBirthDate": "19700102",
    "PatientSex": "F",
    "StudyID": "1",
    "AccessionNumber": "A1",
    "ReferringPhysicianName": "Ref^Er",
    "PositionReferenceIndicator": "",
    "Manufacturer": "Scanners Ltd",
}

SHAPE = (13, 61, 67)
"""Odd sizes: frames of one bit fill no whole bytes."""


def grid(slice_mm: float = 10.0, pixel_mm: float = 5.0, shape: tuple[int, int, int] = SHAPE) -> Geometry:
    """A grid around the phantom's heart."""
    depth, height, width = shape
    origin = -(width - 1) / 2 * pixel_mm, -(height - 1) / 2 * pixel_mm, -(depth - 1) / 2 * slice_mm
    return Geometry.axial(shape, (slice_mm, pixel_mm, pixel_mm), origin)


def tilted() -> Geometry:
    """Slices tilted by 15 degrees along a straight table."""
    tilt, base = np.radians(15), grid()
    affine = np.array(base.affine_lps)
    affine[:3, 1] = base.spacing_mm[1] * np.array([0, np.cos(tilt), np.sin(tilt)])
    affine[2, 3] -= np.sin(tilt) * 150
    return Geometry(SHAPE, affine)


def phantom_on(geometry: Geometry) -> Phantom:
    """The same patient on any grid."""
    return make_phantom(geometry, rng=1, noise_hu=0)


Series = tuple[list[Dataset], list[np.ndarray]]
"""Files, and the labels on each slice, one by one as the files are (or as the frames of one file are)."""


def _plain(geometry: Geometry) -> Series:
    phantom = phantom_on(geometry)
    return slices_of(phantom.ct, **PATIENT), list(phantom.labels.array)


def _some(geometry: Geometry, kept: list[int]) -> Series:
    datasets, planes = _plain(geometry)
    return [datasets[index] for index in kept], [planes[index] for index in kept]


def _enhanced() -> Series:
    phantom = phantom_on(grid())
    dataset = enhanced(phantom.ct)
    for keyword, value in PATIENT.items():
        setattr(dataset, keyword, value)
    frames = dataset.PerFrameFunctionalGroupsSequence
    for number, frame in enumerate(frames, 1):
        frame.FrameContentSequence = [item(DimensionIndexValues=[number], StackID="1", InStackPositionNumber=number)]
    return [dataset], list(phantom.labels.array[::-1])


SERIES: dict[str, Callable[[], Series]] = {
    "axial": lambda: _plain(grid()),
    "slices to the feet": lambda: _plain(grid().reordered((0, 1, 2), (True, False, False))),
    "lying on the belly": lambda: _plain(grid().reordered((0, 1, 2), (False, True, True))),
    "oblique": lambda: _plain(phantom_geometry((16, 43, 50), oblique_degrees=20, flips=(True, False, True))),
    "coronal": lambda: _plain(grid(10.0, 10.0, (31, 31, 33)).reordered((1, 0, 2), (False, True, False))),
    "tilted": lambda: _plain(tilted()),
    "uneven": lambda: _some(grid(4.0, 5.0, (38, 61, 67)), [*range(0, 20, 2), *range(20, 38, 3)]),
    "gap": lambda: _some(grid(8.0), [*range(6), *range(8, 13)]),
    "enhanced": _enhanced,
    "pixels of 0.4 mm": lambda: _plain(grid(10.0, 0.4, (5, 251, 259))),
    "slices of 8 mm": lambda: _plain(grid(8.0, 7.5)),
    "single slice": lambda: _plain(grid(shape=(1, 61, 67))),
}
EXACT = [name for name in SERIES if name not in ("tilted", "uneven", "gap")]
"""Of those, the ones whose slices are the grid's, one by one."""
