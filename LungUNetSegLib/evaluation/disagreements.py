"""Lists where two segmentations disagree, largest first: how much, how far off, and where in the lungs.

Two careful readers differ by `compare.TOLERANCE_MM` all along the edge of a lung, and that rim would join all that they
disagree about. So a disagreement begins with voxels that lie farther than that from the other mask, and takes in those
of its kind that lie within that distance of them. All else is the rest, of which only the volume is told.
docs/metrics.md has the definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import FloatArray, Labels, Mask
from LungUNetSegLib.evaluation.compare import TOLERANCE_MM, Comparison
from LungUNetSegLib.measures.regions import height_thirds
from LungUNetSegLib.metrics import MaskSurface
from LungUNetSegLib.metrics.surface import ROUNDING_MM
from LungUNetSegLib.volume import Geometry, bounding_box

Kind = Literal["left-out", "taken-in", "other-side"]
"""Voxels in the reference only; in the prediction only; in both, but given to the other lung by the prediction."""

KINDS: tuple[Kind, ...] = get_args(Kind)

LEAST_ML = 0.1
"""Smaller parts belong to the rest: a few voxels, of which there may be hundreds."""

ROUNDING_ML = 1e-9
"""Five voxels of 0.02 ml are 0.1 ml, whatever floating point makes of 5 x 0.02."""

MOST_VOXELS = 1_000_000
"""If there are more, as where right and left are swapped, only one voxel of each `BLOCK` x `BLOCK` x `BLOCK` is
measured; its distance is taken for the others too, and is wrong by a voxel's diagonal at most."""

BLOCK = 2

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A connected part in which prediction and reference differ.

    Attributes:
        kind: What differs.
        lung: "right" or "left", as the reference says, or the prediction where it has none; "total" if both are one.
        third: Of that lung's height, in the reference: "apical", "middle" or "basal".
        volume_ml: Its volume.
        distance_mm: The greatest distance of its voxels from the lung that lacks them; infinite if that is empty.
        slice: Where that is, from 0 at the feet: the slice of `Comparison.reference`.
        point_lps: The place itself, LPS mm.
    """

    kind: Kind
    lung: str
    third: str
    volume_ml: float
    distance_mm: float
    slice: int
    point_lps: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Disagreements:
    """Everything in which two segmentations differ.

    Attributes:
        parts: From the largest volume on.
        rest_ml: By kind, the volume of all else: rims of `compare.TOLERANCE_MM`, and parts of less than `LEAST_ML`.
    """

    parts: tuple[Disagreement, ...]
    rest_ml: Mapping[Kind, float]


def find_disagreements(comparison: Comparison) -> Disagreements:
    """List where the prediction and the reference of a comparison differ."""
    box = bounding_box(comparison.prediction.array | comparison.reference.array)
    prediction, reference = (each.array[box] for each in (comparison.prediction, comparison.reference))
    geometry = comparison.reference.geometry
    corner = np.array([each.start or 0 for each in box])
    names = {1: "right", 2: "left"} if len(comparison.regions) > 1 else {1: "total"}
    parts: list[Disagreement] = []
    voxels = dict.fromkeys(KINDS, 0)
    for label, lung in names.items():
        thirds = height_thirds(comparison.reference, label) or height_thirds(comparison.prediction, label)
        if thirds is None:
            continue
        for kind, differing, lacking in _differing(prediction, reference, label):
            if not differing.any():
                continue
            voxels[kind] += int(np.count_nonzero(differing))
            surface = MaskSurface(lacking, geometry.affine_lps[:3, :3])
            for size, distance_mm, place in _parts(differing, surface, geometry):
                index = (corner + place).tolist()
                x, y, z = geometry.to_lps(index).tolist()
                parts.append(
                    Disagreement(
                        kind=kind,
                        lung=lung,
                        third=thirds.at(index),
                        volume_ml=size * geometry.voxel_volume_ml,
                        distance_mm=distance_mm,
                        slice=index[0],
                        point_lps=(x, y, z),
                    )
                )
    listed = {kind: sum(each.volume_ml for each in parts if each.kind == kind) for kind in KINDS}
    return Disagreements(
        parts=tuple(sorted(parts, key=lambda each: -each.volume_ml)),
        rest_ml={kind: max(0.0, voxels[kind] * geometry.voxel_volume_ml - listed[kind]) for kind in KINDS},
    )


def _differing(prediction: Labels, reference: Labels, label: int) -> Iterator[tuple[Kind, Mask, Mask]]:
    """Yield each kind of difference about a lung: its voxels, and the mask of the lung that lacks them."""
    predicted, referred = prediction == label, reference == label
    yield "left-out", referred & (prediction == 0), predicted
    yield "taken-in", predicted & (reference == 0), referred
    yield "other-side", referred & (prediction > 0) & ~predicted, predicted


def _parts(
    differing: Mask, surface: MaskSurface, geometry: Geometry
) -> Iterator[tuple[int, float, npt.NDArray[np.intp]]]:
    """Yield of each part its voxels' number, its greatest distance from a surface, and the (3,) place of that."""
    voxels = np.flatnonzero(differing)
    distance_mm = _distances(voxels, differing.shape, surface)
    is_core = distance_mm > TOLERANCE_MM + ROUNDING_MM
    if not is_core.any():
        return
    cores = np.zeros(differing.shape, bool)
    cores.ravel()[voxels[is_core]] = True
    box = bounding_box(cores)
    numbers = np.zeros(differing.shape, np.int32)
    numbers[box], count = ndimage.label(cores[box], np.ones((3, 3, 3)))
    edges = MaskSurface(cores, geometry.affine_lps[:3, :3])
    reached_mm, nearest = edges.nearest(voxels[~is_core], TOLERANCE_MM)
    is_near = np.isfinite(reached_mm)
    part_of = numbers.ravel()[voxels]
    part_of[np.flatnonzero(~is_core)[is_near]] = numbers.ravel()[edges.voxels[nearest[is_near]]]
    order = np.argsort(part_of, kind="stable")
    ends = np.searchsorted(part_of[order], np.arange(1, count + 2))
    for start, end in pairwise(ends):
        mine = order[start:end]
        if mine.size * geometry.voxel_volume_ml > LEAST_ML - ROUNDING_ML:
            yield mine.size, *_farthest(voxels[mine], distance_mm[mine], differing.shape)


def _distances(voxels: Indices, shape: tuple[int, ...], surface: MaskSurface) -> FloatArray:
    """Return the distance of each voxel from a surface; see `MOST_VOXELS`."""
    if voxels.size <= MOST_VOXELS:
        return surface.nearest(voxels)[0]
    blocks = tuple(each // BLOCK for each in np.unravel_index(voxels, shape))
    _, first, block_of = np.unique(np.ravel_multi_index(blocks, shape), return_index=True, return_inverse=True)
    found: FloatArray = surface.nearest(voxels[first])[0][block_of]
    return found


def _farthest(voxels: Indices, distance_mm: FloatArray, shape: tuple[int, ...]) -> tuple[float, Indices]:
    """Return the greatest distance, and where it is: of several places the one nearest to the middle of all voxels."""
    places = np.stack(np.unravel_index(voxels, shape), axis=1)
    greatest = distance_mm.max()
    farthest = places[distance_mm >= greatest - ROUNDING_MM]
    off = np.square(farthest - places.mean(axis=0)).sum(axis=1)
    return float(greatest), farthest[off.argmin()]
