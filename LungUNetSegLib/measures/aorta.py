"""Finds the descending aorta beside the spine: without contrast agent the HU of its blood are known well enough.

In planes about 5 mm apart edges vote for the centres of discs as wide as an aorta. Rays from each centre show where the
disc ends and at what, and the best column of discs that fit each other is the aorta.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Float32, FloatArray, Mask
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import Geometry, Volume, to_hu

STEP_MM, THICK_MM, PIXEL_MM = 5.0, 3.0, 1.8
"""Distance and thickness of the planes, and size of their pixels, about: averages have less noise."""

COARSEST_MM = (10.0, 2.5, 2.5)
"""Larger voxels (head, back, left) show no disc, or too few."""

RIGHT_MM, LEFT_MM, FRONT = 30.0, 65.0, 0.4
"""It lies so far to the right and left of the middle, and behind this share of the lungs' depth."""

SHOWN_HU, BLUR_MM = (-150, 500), 1.2
"""Edges are looked for in these HU, so that those of lung do not outweigh those of fat."""

EDGE_HU_PER_MM = 12.0
VOTED_MM, VOTE_BLUR_MM, VOTES = (9.0, 12.5, 16.0), 2.0, 6
"""Radii that edges vote for, how far votes are spread, and how many centres are measured in a plane."""

RAYS, REACH_MM, MIDDLE_MM = 24, 27, 6
EDGE_HU = 45.0
"""A ray ends where its HU differ so much from the middle's: a third of the step from blood to fat."""

RADIUS_MM = (7.5, 19.0)
ROUND_MM, LEAST_ROUND = 2.5, 0.55
"""Share of rays that must end so close to the circle; the others run into the heart or the diaphragm."""

MOST_BRIGHT = 0.4
"""Largest share of rays that end at something denser, as in a vertebra and in the spinal canal."""

BONE_HU, BONE_MM, LEAST_BONE = 150.0, 15, 0.3
"""Share of the rays to the back and right that must meet the spine so close to the disc."""

LUNG_HU, LUNG_MM = -500.0, 6
MOST_LUNG, LEAST_LEFT = 0.8, 0.25
"""Largest share of rays that end at lung, and least share of those to the left, the latter in all discs together."""

DRIFT, WIDENING_MM, CHANGE_HU, GAP = 1.2, 3.5, 25.0, 3
"""Largest drift (mm for each mm of height), change of radius and of HU, and number of planes to the next disc."""

CORE_MM = 3.0
"""Width of the edge that is left out: wall and calcification."""

LEAST_MM, LEAST_DISCS, LEAST_FOUND = 40.0, 8, 0.5
"""Least height, number of discs, and share of the planes that have one."""


@dataclass(frozen=True, eq=False)
class Aorta:
    """The descending aorta.

    Attributes:
        median_hu: Median HU of its blood.
        centres_lps: (discs, 3) in mm, from the feet up.
        radii_mm: (discs,).
    """

    median_hu: float
    centres_lps: FloatArray
    radii_mm: FloatArray


@dataclass(frozen=True, eq=False)
class _Planes:
    """Averaged HU (n, rows, columns) around the aorta, and the position of their pixels."""

    hu: Float32
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class _Discs:
    """Round places: number of the plane, centre (row, column) in mm of the plane, and what was measured of each."""

    plane: npt.NDArray[np.intp]
    centre_mm: FloatArray
    radius_mm: FloatArray
    hu: FloatArray
    round_share: FloatArray
    left_share: FloatArray

    def __getitem__(self, which: Mask | npt.NDArray[np.intp]) -> _Discs:
        return _Discs(*(getattr(self, each.name)[which] for each in fields(self)))


def descending_aorta(labels: Volume, scan: Volume) -> Aorta | None:
    """Find the descending aorta; None if it is not found with certainty, as without one of the lungs.

    Args:
        labels: 1 right and 2 left lung.
        scan: HU, on the same grid.
    """
    planes = _planes(labels, scan)
    if planes is None:
        return None
    discs = _discs(planes)
    found = discs[_column(discs, planes.geometry.spacing_mm[0])]
    if not found.plane.size:
        return None
    number = found.plane[-1] - found.plane[0] + 1
    is_tall = number * planes.geometry.spacing_mm[0] >= LEAST_MM and found.plane.size >= LEAST_DISCS
    if not is_tall or found.plane.size < LEAST_FOUND * number or found.left_share.mean() < LEAST_LEFT:
        return None
    index = np.column_stack([found.plane, found.centre_mm / planes.geometry.spacing_mm[1:]])
    return Aorta(float(np.median(found.hu)), planes.geometry.to_lps(index), found.radius_mm)


def _planes(labels: Volume, scan: Volume) -> _Planes | None:
    """Return the planes from the left lung's lower end to its upper; None without both lungs and with coarse voxels."""
    image, thin = scan.canonical(), labels.thinned((STEP_MM,) * 3)
    spacing_mm = np.array(image.geometry.spacing_mm)
    numbers = np.flatnonzero((thin.array == LEFT_LUNG).any(axis=(1, 2)))
    if (spacing_mm > COARSEST_MM).any() or not numbers.size or not (thin.array == RIGHT_LUNG).any():
        return None
    step, *_ = steps = np.rint(np.array(thin.geometry.spacing_mm) / spacing_mm).astype(int)
    thick, *joined = np.maximum(1, np.rint((THICK_MM, PIXEL_MM, PIXEL_MM) / spacing_mm)).astype(int)
    rows, columns = (steps[axis] * np.flatnonzero((thin.array > 0).any(axis=(0, 3 - axis))) for axis in (1, 2))
    middle = (columns[0] + columns[-1]) / 2
    ends = np.array([
        (rows[0] + FRONT * (rows[-1] - rows[0]), middle - RIGHT_MM / spacing_mm[2]),
        (rows[-1], middle + LEFT_MM / spacing_mm[2]),
    ])  # fmt: skip
    first, last = np.clip(ends, 0, image.array.shape[1:]).astype(int)
    last -= (last - first) % joined
    if ((last - first) // joined < 2).any():
        return None
    starts = step * np.arange(numbers[0], numbers[-1] + 1)
    parts = (image.array[start : start + thick, first[0] : last[0], first[1] : last[1]] for start in starts)
    hu = np.stack([_averaged(part, joined) for part in parts])
    affine = image.geometry.affine_lps @ np.diag([step, *joined, 1.0])
    affine[:3, 3] = image.geometry.to_lps([starts[0] + (thick - 1) / 2, *(first + (np.array(joined) - 1) / 2)])
    return _Planes(hu, Geometry((hu.shape[0], hu.shape[1], hu.shape[2]), affine))


def _averaged(slices: npt.NDArray[Any], joined: list[int]) -> Float32:
    """Return the mean of slices, with blocks of pixels joined to one."""
    plane = to_hu(slices).sum(axis=0, dtype=np.float32)
    rows, columns = joined
    total = sum(plane[row::rows, column::columns] for row in range(rows) for column in range(columns))
    return np.asarray(total / (len(slices) * rows * columns), np.float32)


def _discs(planes: _Planes) -> _Discs:
    """Return what is round, as wide as an aorta, and lies before or left of the spine; by plane."""
    pixel_mm = np.array(planes.geometry.spacing_mm[1:])
    image = ndimage.gaussian_filter(np.clip(planes.hu, *SHOWN_HU), (0, *(BLUR_MM / pixel_mm)))
    plane, centre_mm = _centres(image, pixel_mm)
    for _ in range(2):
        centre_mm = centre_mm + _shift(*_edges(_along_rays(image, plane, centre_mm, pixel_mm)))
    seen = _along_rays(image, plane, centre_mm, pixel_mm)
    edge_mm, radius_mm = _edges(seen)
    round_share = np.mean(np.abs(edge_mm - radius_mm[:, None]) <= ROUND_MM, axis=1)
    keep = (radius_mm >= RADIUS_MM[0]) & (radius_mm <= RADIUS_MM[1]) & (round_share >= LEAST_ROUND)
    plane, centre_mm, radius_mm, seen, edge_mm = (each[keep] for each in (plane, centre_mm, radius_mm, seen, edge_mm))
    raw = _along_rays(planes.hu, plane, centre_mm, pixel_mm)
    in_core = np.arange(REACH_MM + 1) < (radius_mm - CORE_MM)[:, None, None]
    hu = np.nanmedian(np.where(in_core, raw, np.nan).reshape(len(raw), RAYS * (REACH_MM + 1)), axis=1)
    is_lung = _ends_at_lung(raw, edge_mm)
    to_left = _directions()[1] > 0.5
    discs = _Discs(plane, centre_mm, radius_mm, hu, round_share[keep], is_lung[:, to_left].mean(axis=1))
    ends_bright = np.take_along_axis(seen, edge_mm[:, :, None], 2)[:, :, 0] > hu[:, None]
    is_bright = np.mean(ends_bright & (edge_mm < REACH_MM), axis=1) > MOST_BRIGHT
    return discs[~is_bright & _has_spine(raw, radius_mm) & (is_lung.mean(axis=1) <= MOST_LUNG)]


def _ends_at_lung(raw: Float32, edge_mm: npt.NDArray[np.intp]) -> Mask:
    """Return (discs, rays), whether there is lung where a ray ends."""
    behind_mm = np.minimum(edge_mm + LUNG_MM, REACH_MM)
    return (np.take_along_axis(raw, behind_mm[:, :, None], 2)[:, :, 0] < LUNG_HU) & (edge_mm < REACH_MM)


def _has_spine(raw: Float32, radius_mm: FloatArray) -> Mask:
    """Return for each disc whether bone lies where the spine must be: between its right side and its back."""
    to_back, to_left = _directions()
    there = (to_back > -0.3) & (to_left < 0.3) & (to_back - to_left > 0.7)
    beyond_mm = np.arange(REACH_MM + 1) - radius_mm[:, None]
    near = (beyond_mm > 1) & (beyond_mm <= BONE_MM)
    is_bone = ((raw[:, there] > BONE_HU) & near[:, None, :]).any(axis=2)
    return np.asarray(is_bone.mean(axis=1) >= LEAST_BONE)


def _directions() -> FloatArray:
    """Return (2, rays), how far a ray goes to the back and to the left in a mm."""
    angles = 2 * np.pi * np.arange(RAYS) / RAYS
    return np.stack([np.sin(angles), np.cos(angles)])


def _centres(image: Float32, pixel_mm: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return plane and centre in mm of what most edges may surround that are darker outside."""
    best = [_centres_of(plane, pixel_mm) for plane in image]  # by plane: the votes of all take as much as some labels
    return np.repeat(np.arange(len(best)), [len(each) for each in best]), np.concatenate(best) * pixel_mm


def _centres_of(plane: Float32, pixel_mm: FloatArray) -> npt.NDArray[np.intp]:
    """Return (centres, 2), row and column of those in a plane with most votes."""
    back, left = (np.asarray(each) for each in np.gradient(plane, *pixel_mm))
    steepness = np.hypot(back, left)
    at_edge = np.nonzero(steepness > EDGE_HU_PER_MM)
    inwards = np.stack([back[at_edge], left[at_edge]]) / steepness[at_edge] / pixel_mm[:, None]
    votes = np.zeros(plane.shape, np.float32)
    for radius in VOTED_MM:
        at = np.rint(np.array(at_edge) + radius * inwards).astype(np.intp)
        inside = ((at >= 0) & (at < np.array(plane.shape)[:, None])).all(axis=0)
        flat = np.ravel_multi_index((at[0, inside], at[1, inside]), plane.shape)
        counts = np.bincount(flat, minlength=plane.size).reshape(plane.shape).astype(np.float32)
        np.maximum(votes, ndimage.gaussian_filter(counts, VOTE_BLUR_MM / pixel_mm, truncate=2.5) / radius, out=votes)
    found = np.argwhere((votes == ndimage.maximum_filter(votes, size=5)) & (votes > 0))
    return found[np.argsort(-votes[tuple(found.T)], kind="stable")[:VOTES]]


def _along_rays(hu: Float32, plane: npt.NDArray[np.intp], centre_mm: FloatArray, pixel_mm: FloatArray) -> Float32:
    """Return (discs, rays, 1 + REACH_MM), the HU at each mm from the centres on."""
    offsets_mm = _directions()[:, :, None] * np.arange(REACH_MM + 1)
    rows, columns = (
        np.rint((centre_mm[:, axis, None, None] + offsets_mm[axis]) / pixel_mm[axis])
        .clip(0, hu.shape[axis + 1] - 1)
        .astype(np.intp)
        for axis in (0, 1)
    )
    return np.asarray(hu[plane[:, None, None], rows, columns])


def _edges(seen: Float32) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Return (discs, rays), where each ray ends, in mm, or `REACH_MM`; and (discs,), the median of those that end."""
    middle = np.median(seen[:, :, :MIDDLE_MM].reshape(len(seen), RAYS * MIDDLE_MM), axis=1)
    differs = np.abs(seen - middle[:, None, None]) > EDGE_HU
    differs[:, :, -1] = True
    edge_mm = differs.argmax(axis=2)
    number = np.count_nonzero(edge_mm < REACH_MM, axis=1)
    ordered = np.sort(edge_mm, axis=1)
    return edge_mm, ordered[np.arange(len(ordered)), np.maximum(number - 1, 0) // 2].astype(np.float64)


def _shift(edge_mm: npt.NDArray[np.intp], radius_mm: FloatArray) -> FloatArray:
    """Return (discs, 2), by how many mm a circle through the edges near the radius lies to the back and left."""
    near = (np.abs(edge_mm - radius_mm[:, None]) <= 1.6 * ROUND_MM).astype(np.float64)
    model = np.vstack([np.ones(RAYS), _directions()])
    matrix = np.einsum("nr,ir,jr->nij", near, model, model) + 1e-3 * np.eye(3)
    right = np.einsum("nr,nr,ir->ni", near, edge_mm, model)
    return np.clip(np.linalg.solve(matrix, right[:, :, None])[:, 1:, 0], -8, 8)


def _column(discs: _Discs, step_mm: float) -> npt.NDArray[np.intp]:
    """Return the discs that follow each other from the feet up, with the largest sum of their round shares."""
    score, before = discs.round_share.copy(), np.full(len(discs.plane), -1)
    for number, plane in enumerate(discs.plane):
        up = plane - discs.plane
        drift_mm = np.hypot(*(discs.centre_mm - discs.centre_mm[number]).T)
        follows = (
            (up > 0) & (up <= GAP) & (drift_mm <= DRIFT * step_mm * up)
            & (np.abs(discs.radius_mm - discs.radius_mm[number]) <= WIDENING_MM)
            & (np.abs(discs.hu - discs.hu[number]) <= CHANGE_HU)
        )  # fmt: skip
        if follows.any():
            before[number] = np.where(follows, score, -1).argmax()
            score[number] += score[before[number]]
    chain = [int(score.argmax())] if score.size else []
    while chain and before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], np.intp)
