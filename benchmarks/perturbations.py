"""Other ways in which a patient may be scanned: position, grid, kernel, noise, field of view, table, arms.

A perturbation maps (scan, reference, generator) to (scan, reference) on one grid. The lungs are the same, so that a
network should find them as well as in the scan itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from LungUNetSegLib.volume import AIR_HU, BODY_HU, Geometry, Volume
from LungUNetSegLib.volume.resample import resample

Pair = tuple[Volume, Volume]
Perturbation = Callable[[Volume, Volume, np.random.Generator], Pair]


def reordered(axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Perturbation:
    """Store the same voxels in another order: array and affine together."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
        geometry = scan.geometry.reordered(axes, flips)
        return tuple(Volume(v.array.transpose(axes)[steps], geometry) for v in (scan, reference))  # type: ignore[return-value]

    return apply


def rotated(degrees: float, axis: int) -> Perturbation:
    """Scan the same patient on a grid turned by `degrees` about one of its own axes (0 the patient's length)."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        geometry = scan.geometry
        unit = geometry.directions[:, axis]
        cross = np.cross(np.eye(3), unit)
        turn = np.eye(3) + np.sin(np.radians(degrees)) * cross + (1 - np.cos(np.radians(degrees))) * cross @ cross
        affine = np.eye(4)
        affine[:3, :3] = turn @ geometry.affine_lps[:3, :3]
        middle_index = (np.array(geometry.shape) - 1) / 2
        affine[:3, 3] = geometry.to_lps(middle_index) - affine[:3, :3] @ middle_index
        return onto(Geometry(geometry.shape, affine), scan, reference)

    return apply


def onto(geometry: Geometry, scan: Volume, reference: Volume) -> Pair:
    """Resample a pair onto another grid; lungs outside the scan are no lungs."""
    return resample(scan, geometry, "linear", AIR_HU), resample(reference, geometry, "nearest")


def thickness(thickness_mm: float) -> Perturbation:
    """Average neighbouring slices to `thickness_mm`, or interpolate to thinner ones."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        scan, reference = scan.canonical(), reference.canonical()
        spacing = scan.geometry.spacing_mm
        sigma = np.sqrt(max(0.0, thickness_mm**2 - spacing[0] ** 2) / 12) / spacing[0]
        smooth = ndimage.gaussian_filter1d(scan.array.astype(np.float32), sigma, axis=0) if sigma else scan.array
        count = max(1, int((scan.array.shape[0] - 1) * spacing[0] / thickness_mm) + 1)
        geometry = respaced(scan.geometry, (count, *scan.geometry.shape[1:]), (thickness_mm, *spacing[1:]))
        return onto(geometry, Volume(np.rint(smooth).astype(np.int16), scan.geometry), reference)

    return apply


def pixel_size(spacing_mm: float) -> Perturbation:
    """Reconstruct the slices with another pixel size over the same field of view."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        scan, reference = scan.canonical(), reference.canonical()
        depth, height, width = scan.geometry.shape
        old = scan.geometry.spacing_mm
        size = (depth, int((height - 1) * old[1] / spacing_mm) + 1, int((width - 1) * old[2] / spacing_mm) + 1)
        sigma = [0.0, *(np.sqrt(max(0.0, spacing_mm**2 - each**2) / 12) / each for each in old[1:])]
        smooth = np.rint(ndimage.gaussian_filter(scan.array.astype(np.float32), sigma)).astype(np.int16)
        geometry = respaced(scan.geometry, size, (old[0], spacing_mm, spacing_mm))
        return onto(geometry, Volume(smooth, scan.geometry), reference)

    return apply


def respaced(geometry: Geometry, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
    """Return a grid with the same first voxel and axes, and another shape and spacing."""
    affine = np.array(geometry.affine_lps)
    affine[:3, :3] = geometry.directions * np.array(spacing_mm)
    return Geometry(shape, affine)


def kernel(sharpness: float) -> Perturbation:
    """A sharper (> 0) or softer (< 0) reconstruction kernel: unsharp masking or Gaussian smoothing in the slice."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        image = scan.array.astype(np.float32)
        across = int(np.argmax(np.abs(scan.geometry.directions[2])))
        sigma = np.array([0.9 / each for each in scan.geometry.spacing_mm])
        sigma[across] = 0
        soft = ndimage.gaussian_filter(image, sigma)
        changed = soft if sharpness < 0 else image + sharpness * (image - soft)
        return with_array(scan, changed), reference

    return apply


def noise(sd_hu: float) -> Perturbation:
    """Add white noise of standard deviation `sd_hu`."""

    def apply(scan: Volume, reference: Volume, generator: np.random.Generator) -> Pair:
        added = generator.standard_normal(scan.array.shape, np.float32) * np.float32(sd_hu)
        return with_array(scan, scan.array + added), reference

    return apply


def shifted(hu: float) -> Perturbation:
    """A scanner whose HU are off by `hu` everywhere."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        return with_array(scan, scan.array.astype(np.float32) + hu), reference

    return apply


def with_array(scan: Volume, hu: np.ndarray) -> Volume:
    """Return the scan with other HU, rounded and kept in a scanner's range."""
    return Volume(np.rint(np.clip(hu, AIR_HU, 3071)).astype(np.int16), scan.geometry)


def body_mask(scan: Volume) -> np.ndarray:
    """The patient without table and clothes: the largest piece after an opening, filled slice by slice; canonical."""
    dense = scan.canonical().array > BODY_HU
    opened = ndimage.binary_opening(dense, np.ones((1, 5, 5)), iterations=2)
    labels, count = ndimage.label(opened)
    if count == 0:
        return dense
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    grown = ndimage.binary_dilation(largest, np.ones((1, 5, 5)), iterations=1)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in grown])


def without_table(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
    """Everything outside the patient is air."""
    scan, reference = scan.canonical(), reference.canonical()
    patient = body_mask(scan) | (reference.array > 0)  # a thin chest wall does not always close around a lung
    return Volume(np.where(patient, scan.array, AIR_HU).astype(np.int16), scan.geometry), reference


def prone(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
    """The table lies before the patient's chest instead of behind the back."""
    bare, reference = without_table(scan, reference, _)
    body = bare.array > BODY_HU
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    step = bare.geometry.spacing_mm[1]
    top = rows[0] if rows.size else 0
    table = slice(max(0, top - round(15 / step)), max(0, top - round(5 / step)))
    bare.array[:, table] = np.where(bare.array[:, table] < BODY_HU, -200, bare.array[:, table])
    return bare, reference


def cropped_view(share: float) -> Perturbation:
    """A round field of view around the lungs, of `share` of the radius that would hold them; air outside."""

    def apply(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
        scan, reference = scan.canonical(), reference.canonical()
        lung = np.argwhere((reference.array > 0).any(axis=0))
        spacing = np.array(scan.geometry.spacing_mm[1:])
        middle = (lung.min(0) + lung.max(0)) / 2
        radius_mm = share * np.linalg.norm((lung - middle) * spacing, axis=1).max()
        grid = np.indices(scan.array.shape[1:]).transpose(1, 2, 0)
        inside = np.linalg.norm((grid - middle) * spacing, axis=2) <= radius_mm
        array = np.where(inside, scan.array, AIR_HU).astype(np.int16)
        return Volume(array, scan.geometry), Volume(reference.array * inside, reference.geometry)

    return apply


def arms_down(scan: Volume, reference: Volume, _: np.random.Generator) -> Pair:
    """Two arms (muscle around bone) beside the body, in a field of view that is wide enough for them."""
    scan, reference = scan.canonical(), reference.canonical()
    spacing = scan.geometry.spacing_mm
    margin = round(100 / spacing[2])
    depth, height, width = scan.array.shape
    affine = np.array(scan.geometry.affine_lps)
    affine[:3, 3] = scan.geometry.to_lps((0, 0, -margin))
    geometry = Geometry((depth, height, width + 2 * margin), affine)
    padding = ((0, 0), (0, 0), (margin, margin))
    array = np.pad(scan.array, padding, constant_values=AIR_HU)
    body = np.pad(body_mask(scan).any(axis=0), padding[1:])
    rows, columns = np.nonzero(body)
    grid_y, grid_x = np.indices(body.shape)
    for side in (columns.min() - 45 / spacing[2], columns.max() + 45 / spacing[2]):
        distance_mm = np.hypot((grid_y - np.median(rows)) * spacing[1], (grid_x - side) * spacing[2])
        for radius_mm, hu in ((40, 50), (12, 700), (7, -50)):
            array[:, (distance_mm < radius_mm) & ~body] = hu
    return Volume(array, geometry), Volume(np.pad(reference.array, padding), geometry)


INVARIANCE: dict[str, Perturbation] = {
    "axes (column, row, slice)": reordered((2, 1, 0), (False, False, False)),
    "axes (row, column, slice), all flipped": reordered((1, 2, 0), (True, True, True)),
    "slices and rows flipped": reordered((0, 1, 2), (True, True, False)),
    "columns flipped": reordered((0, 1, 2), (False, False, True)),
    "rotated 15 degrees about the patient's length": rotated(15, 0),
    "rotated 15 degrees about left-right": rotated(15, 2),
    "rotated 15 degrees about front-back": rotated(15, 1),
    "slices of 1 mm": thickness(1.0),
    "slices of 5 mm": thickness(5.0),
    "slices of 8 mm": thickness(8.0),
    "pixels of 0.5 mm": pixel_size(0.5),
    "pixels of 1.4 mm": pixel_size(1.4),
    "soft kernel": kernel(-1.0),
    "sharp kernel": kernel(2.0),
    "noise of 30 HU": noise(30.0),
    "HU + 50": shifted(50.0),
    "HU - 50": shifted(-50.0),
    "no table": without_table,
    "field of view cropped to the lungs": cropped_view(1.0),
    "field of view cropped into the lungs (85 %)": cropped_view(0.85),
    "arms down": arms_down,
    "prone": prone,
}
