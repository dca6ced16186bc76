"""Draws planes of both dates side by side, the first aligned to the second, and the change of density in colour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.evaluation.report.grey import GREYS, grey_at, greys, nearest_at, pixel_places
from LungUNetSegLib.evaluation.report.pictures import Colour, Plane, encode_png
from LungUNetSegLib.followup.alignment import bring
from LungUNetSegLib.followup.compared import Followup
from LungUNetSegLib.volume import Volume

HEIGHT = 300
"""Height of a plane in pixels."""

GAP = 4
STEPS = 40
"""Number of colours for changes, from the largest loss of density to the largest gain."""

FULL_HU = 150.0
"""The change with the deepest colour."""

LOSS, GAIN = (60, 110, 230), (230, 70, 40)
UNCHANGED = (225, 225, 215)


def draw_dates(found: Followup) -> bytes:
    """Return a PNG with a row for the first date, one for the second, and one for the change of density, if computed.

    A row shows the axial and the coronal plane with most lung; front or head is at the top, the patient's right on the
    left.
    """
    second = found.second.scan.ct.canonical()
    labels = found.second.scan.labels.canonical()
    alignment = found.deformable or found.affine
    first = bring(found.first.scan.ct, second.geometry, alignment)
    rows = [_row(each, labels) for each in (first, second)]
    if found.density is not None:
        rows.append(_row(second, labels, found.density.canonical()))
    width = max(each.shape[1] for each in rows)
    page = np.concatenate([np.pad(each, ((0, GAP), (0, width - each.shape[1]))) for each in rows])
    return encode_png(page, _palette())


def _row(scan: Volume, labels: Volume, change: Volume | None = None) -> Plane:
    slice_mm, row_mm, column_mm = scan.geometry.spacing_mm
    lung = labels.array > 0
    axial, coronal = int(lung.sum(axis=(1, 2)).argmax()), int(lung.sum(axis=(0, 2)).argmax())
    values = np.where(lung, change.array, np.float32(0)) if change is not None else np.zeros(lung.shape, np.float32)
    panels = [
        _panel(scan.array[axial], values[axial], (row_mm, column_mm)),
        _panel(scan.array[::-1, coronal], values[::-1, coronal], (slice_mm, column_mm)),
    ]
    return np.concatenate([np.pad(each, ((0, 0), (0, GAP))) for each in panels], axis=1)


def _panel(hu: npt.NDArray[np.int16], change: npt.NDArray[np.float32], spacing_mm: tuple[float, float]) -> Plane:
    """Return a plane of `HEIGHT` as indices into the palette; a change of 0 has no colour."""
    pixel_mm = hu.shape[0] * spacing_mm[0] / HEIGHT
    size = [HEIGHT, max(1, round(hu.shape[1] * spacing_mm[1] / pixel_mm))]
    places = pixel_places(hu.shape, size)
    near = nearest_at(change, places)
    share = np.clip((near + FULL_HU) / (2 * FULL_HU), 0, 1)
    colours = GREYS + np.rint(share * (STEPS - 1)).astype(np.uint8)
    return np.where(near != 0, colours, grey_at(hu, places))


def _palette() -> list[Colour]:
    return [*greys(), *(_colour(each) for each in np.linspace(-1, 1, STEPS).tolist())]


def _colour(share: float) -> Colour:
    end = GAIN if share > 0 else LOSS
    red, green, blue = (round(middle + abs(share) * (far - middle)) for middle, far in zip(UNCHANGED, end, strict=True))
    return red, green, blue, 255
