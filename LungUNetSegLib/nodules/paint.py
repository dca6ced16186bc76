"""Makes candidates from scans with lung masks: painted nodules, real vessels, and painted vessels.

There is no data set of real nodules here, so nodules are painted: solid, part-solid and ground glass. They have the
sizes of the vessels' cross-sections in the same lungs, so that size alone does not separate the classes. A classifier
that only recognises painted structures would score well against real vessels; so half of the vessels are painted too,
as tubes, in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Float32, Mask
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import LabelledScan
from LungUNetSegLib.nodules.candidates import PIXEL_MM, PIXELS, Candidate, check_mask, cut_out

Place = tuple[float, float]

NODULES = ("solid", "part-solid", "ground glass")
VESSEL, PAINTED_VESSEL = "vessel", "painted vessel"
"""The kinds of candidates."""

VESSEL_HU = -500
RADIUS_MM = (1.5, 8.0)
"""Range of the radius of a disc with the area of a vessel's cross-section; nodules have such radii too."""

WALL_MM = 3.0
"""Dense structures closer to the lung's edge than this may be chest wall."""

SOFT_HU, GLASS_HU = (10.0, 80.0), (-550.0, -350.0)
AERATED_HU = -700
LEAST_LUNG_MM2 = 2000.0
BLUR_PIXELS = 1.0
"""Standard deviation of the Gaussian that blurs a painted edge, as a scanner does."""


def candidates_of(case: Case, pair: LabelledScan, slices: int, rng: np.random.Generator) -> Iterator[Candidate]:
    """Yield candidates of some slices: nodules of each kind, with as many real and as many painted vessels.

    Args:
        case: The case of the scan.
        pair: The scan and its lungs.
        slices: Largest number of slices, which are spread over the lungs.
        rng: Source of the random positions, sizes and shapes.
    """
    scan, labels = pair.ct.canonical(), pair.labels.canonical()
    spacing = scan.geometry.spacing_mm[1:]
    area_mm2 = (labels.array > 0).sum(axis=(1, 2)) * spacing[0] * spacing[1]
    usable = np.flatnonzero(area_mm2 > LEAST_LUNG_MM2)
    chosen = usable[np.linspace(0, len(usable) - 1, min(slices, len(usable))).round().astype(int)]
    for number in chosen.tolist():
        hu, lung = scan.array[number].astype(np.float32), labels.array[number] > 0
        vessels = list(_vessels(hu, lung, spacing))
        rng.shuffle(vessels)
        yield from _of_slice(case, hu, lung, spacing, vessels, rng)


def _of_slice(
    case: Case, hu: Float32, lung: Mask, spacing: tuple[float, float], vessels: list[Mask], rng: np.random.Generator
) -> Iterator[Candidate]:
    """Yield a nodule of each kind with a real and a painted vessel, as far as there are real vessels."""
    aerated = ndimage.uniform_filter(hu, 5) < AERATED_HU
    depth_mm = ndimage.distance_transform_edt(lung, sampling=spacing)
    radii = [float(np.sqrt(np.count_nonzero(each) * spacing[0] * spacing[1] / np.pi)) for each in vessels]

    def made(kind: str, picture: Float32, mask: Mask, is_nodule: bool) -> Candidate:
        return Candidate(case=case.case_id, patient=case.patient, kind=kind, is_nodule=is_nodule, hu=picture, mask=mask)

    for kind, vessel in zip(NODULES, vessels, strict=False):
        check_mask(vessel, lung, case.case_id)
        row, column = ndimage.center_of_mass(vessel)
        yield made(VESSEL, cut_out(hu, spacing, row, column), cut_out(vessel, spacing, row, column) > 0.5, False)
        for what in (kind, PAINTED_VESSEL):
            radius = float(rng.choice(radii))
            place = _free_place(aerated & (depth_mm > radius + 1), rng)
            if place is not None:
                picture, mask = paint(cut_out(hu, spacing, *place), what, radius, rng)
                yield made(what, picture, mask, what in NODULES)


def _vessels(hu: Float32, lung: Mask, spacing: tuple[float, float]) -> Iterator[Mask]:
    """Yield cross-sections of vessels inside the lung, each as a mask of the slice."""
    inside = ndimage.distance_transform_edt(lung, sampling=spacing) > WALL_MM
    parts, count = ndimage.label((hu > VESSEL_HU) & inside)
    areas = ndimage.sum_labels(np.ones_like(parts), parts, np.arange(1, count + 1)) * spacing[0] * spacing[1]
    for number, area in enumerate(areas, start=1):
        if RADIUS_MM[0] <= np.sqrt(area / np.pi) <= RADIUS_MM[1]:
            yield parts == number


def _free_place(room: Mask, rng: np.random.Generator) -> Place | None:
    """Return a random position in `room`; None if there is none."""
    free = np.argwhere(room)
    if not len(free):
        return None
    row, column = free[rng.integers(len(free))]
    return float(row), float(column)


def paint(picture: Float32, kind: str, radius_mm: float, rng: np.random.Generator) -> tuple[Float32, Mask]:
    """Paint a nodule or a vessel into the centre of a candidate's picture.

    Args:
        picture: (64, 64) HU of lung.
        kind: One of `NODULES`, or `PAINTED_VESSEL`.
        radius_mm: Approximate radius of a disc of its area.
        rng: Source of the random shape and densities.

    Returns:
        The painted picture, and the mask of what was painted.
    """
    shape = _tube(radius_mm, rng) if kind == PAINTED_VESSEL else _blob(radius_mm, rng)
    softened = ndimage.gaussian_filter(shape.astype(np.float32), BLUR_PIXELS)
    result = picture
    if kind in ("ground glass", "part-solid"):
        # It is added to the picture, so that structures within ground glass stay visible.
        lift = rng.uniform(*GLASS_HU) - float(np.median(picture[shape]))
        result = result + softened * max(lift, 100.0)
    if kind != "ground glass":
        core = _blob(0.5 * radius_mm, rng) if kind == "part-solid" else shape
        share = ndimage.gaussian_filter(core.astype(np.float32), BLUR_PIXELS)
        noise = ndimage.gaussian_filter(rng.normal(0, rng.uniform(10, 80), picture.shape), 0.7)
        result = (1 - share) * result + share * (rng.uniform(*SOFT_HU) + noise)
    return result.astype(np.float32), shape


def _blob(radius_mm: float, rng: np.random.Generator) -> Mask:
    """Return a disc with a wavy edge."""
    rows, columns = _from_middle()
    angle = np.arctan2(rows, columns)
    edge = np.full(angle.shape, radius_mm)
    for waves in (2, 3, 5):
        edge = edge * (1 + rng.uniform(0, 0.15) * np.cos(waves * angle + rng.uniform(0, 2 * np.pi)))
    return np.asarray(np.hypot(rows, columns) <= edge)


def _tube(radius_mm: float, rng: np.random.Generator) -> Mask:
    """Return a tube with about the area of a disc of that radius, cut along or across; half of the tubes branch."""
    stretch = rng.uniform(1.0, 6.0)
    shape = _capsule(radius_mm / np.sqrt(stretch), radius_mm * np.sqrt(stretch), rng.uniform(0, np.pi))
    if rng.random() < 0.5:
        shape |= _capsule(0.7 * radius_mm / np.sqrt(stretch), 2 * radius_mm, rng.uniform(0, np.pi))
    return shape


def _capsule(half_width_mm: float, half_length_mm: float, angle: float) -> Mask:
    rows, columns = _from_middle()
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    beyond = np.maximum(np.abs(along) - max(0.0, half_length_mm - half_width_mm), 0)
    return np.asarray(np.hypot(beyond, across) <= half_width_mm)


def _from_middle() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    offsets = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PIXEL_MM
    rows, columns = np.meshgrid(offsets, offsets, indexing="ij")
    return rows, columns
