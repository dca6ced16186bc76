"""Says which slices of a result to look at first: for each slice and lung, an area in which errors are likely.

It is a weighted sum of four areas, the causes of doubt. benchmarks/doubtful_slices.py tells on cross-validated results
how many of the worst slices the list finds, and what fitted weights would find; docs/measures.md has its figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.arrays import FloatArray, Labels, Mask
from LungUNetSegLib.preprocessing import PreparedScan
from LungUNetSegLib.segmentation.masks import eroded, eroded_by_square, numbered_parts
from LungUNetSegLib.segmentation.probabilities import Probabilities, hard_labels, lung_box
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG, LabelKind
from LungUNetSegLib.volume import bounding_box

CAUSES = ("dense", "unsure", "unlike-neighbours", "cleaned")
WEIGHTS = np.array([1.0, 0.6, 2.8, 0.02])
"""Weight of each cause's area; only their ratios decide about the order of slices."""

DENSE_HU = -500
"""Pixels of lung that are not below this show vessels, lesions, the mediastinum or the chest wall."""

SOLID_HU = -300
"""Pixels below this differ between neighbours where the lung moves or tapers; others may be tissue taken for lung."""

WIDE_MM = 12.0
"""Dense parts that are wider, such as the top of the diaphragm, are doubtful within the lung, too; vessels are not."""

NEIGHBOUR_MM = 8.0
"""A slice is compared with those this far below and above: nearer ones repeat its errors."""

LISTED = 5
"""Slices of each lung that are listed."""

_SIDES = (RIGHT_LUNG, LEFT_LUNG)


@dataclass(frozen=True, kw_only=True)
class DoubtfulSlice:
    """A slice to look at.

    Attributes:
        slice: Number of the axial slice, from 0 at the feet.
        height_mm: Its z in LPS, as in DICOM.
        lung: "right", "left", or "total" if both are one label.
        doubt_mm2: The weighted sum of the causes' areas.
        reason: The cause that adds most, compared with the median slice of the lung; one of `CAUSES`.
    """

    slice: int
    height_mm: float
    lung: str
    doubt_mm2: float
    reason: str


@dataclass(frozen=True, eq=False)
class Doubts:
    """The doubt about each slice of each lung.

    Attributes:
        lungs: "right" and "left", or "total".
        heights_mm: (D,) z in LPS of the axial slices, from the feet on.
        areas_mm2: (lungs, D, 4) area of each of `CAUSES`.
    """

    lungs: tuple[str, ...]
    heights_mm: FloatArray
    areas_mm2: FloatArray

    @property
    def by_slice_mm2(self) -> FloatArray:
        """(lungs, D) weighted sums."""
        total: FloatArray = self.areas_mm2 @ WEIGHTS
        return total

    def worst(self, count: int = LISTED) -> list[DoubtfulSlice]:
        """Return at most `count` slices of each lung, all of them in one order, the most doubtful first."""
        found = [
            DoubtfulSlice(
                slice=int(number),
                height_mm=float(self.heights_mm[number]),
                lung=lung,
                doubt_mm2=float(doubts[number]),
                reason=CAUSES[int(((areas[number] - _typical(areas)) * WEIGHTS).argmax())],
            )
            for lung, doubts, areas in zip(self.lungs, self.by_slice_mm2, self.areas_mm2, strict=True)
            for number in np.argsort(-doubts, kind="stable")[:count]
            if doubts[number] > 0
        ]
        return sorted(found, key=lambda each: -each.doubt_mm2)


def _typical(areas_mm2: FloatArray) -> FloatArray:
    """Return the median of (D, causes) areas over the slices that have any."""
    typical: FloatArray = np.median(areas_mm2[areas_mm2.any(axis=1)], axis=0)
    return typical


NO_DOUBTS = Doubts((), np.zeros(0), np.zeros((0, 0, len(CAUSES))))
"""The doubts about a result without slices."""


def lung_pixels(probabilities: Probabilities) -> npt.NDArray[np.int64]:
    """Return (2, D) numbers of pixels of the right and the left lung in each slice, of (D, 2, h, w) probabilities."""
    counts = [[np.count_nonzero(labels == side) for side in _SIDES] for labels in map(hard_labels, probabilities)]
    return np.array(counts, np.int64).T


def find_doubts(
    probabilities: Probabilities, before: npt.NDArray[np.int64], scan: PreparedScan, kind: LabelKind = "lr"
) -> Doubts:
    """Return the doubt about each slice of a result.

    The areas of the causes are: pixels of lung of at least `DENSE_HU` in parts that reach its outline or are wider than
    `WIDE_MM`, where other tissue may have been taken for lung, without the outermost pixels, which are partial volumes;
    the wrong pixels that the probabilities themselves expect; pixels of at least `SOLID_HU` that neither neighbour has,
    and those that both have and the slice has not; and how far cleaning changed the lung's area. Neighbours lie
    `NEIGHBOUR_MM` away, or at the end of the scan.

    Args:
        probabilities: (D, 2, h, w) on the network's grid, 0 to 255, after cleaning.
        before: `lung_pixels` before cleaning.
        scan: What the network saw.
        kind: Whether the lungs are separate.
    """
    pixel_mm = scan.grid.config.spacing_mm
    within_wide = max(1, round(WIDE_MM / 2 / pixel_mm))
    steps = max(1, round(NEIGHBOUR_MM / scan.aligned.geometry.spacing_mm[0]))
    pixels = np.zeros((2, len(probabilities), len(CAUSES)))
    _, rows, columns = lung_box(probabilities)
    for number, (below, labels, above) in enumerate(_with_neighbours(probabilities[..., rows, columns], steps)):
        probability_map = probabilities[number]
        is_used = labels.any() or (below.any() and above.any())
        hu = scan.grid.nearest(scan.aligned.array[number])[rows, columns] if is_used else None
        for index, side in enumerate(_SIDES):
            lung, under, over = labels == side, below == side, above == side
            odd = (lung != under) & (lung != over)
            pixels[index, number] = (
                0 if hu is None else _doubtful_if_dense(lung, hu >= DENSE_HU, within_wide),
                np.minimum(probability_map[index], 255 - probability_map[index]).sum(dtype=np.int64) / 255,
                0 if hu is None else np.count_nonzero(odd & (hu >= SOLID_HU)),
                abs(np.count_nonzero(lung) - before[index, number]),
            )
    heights_mm = scan.aligned.geometry.slice_centre_lps(np.arange(len(probabilities)))[:, 2]
    if kind == "binary":
        return Doubts(("total",), heights_mm, pixels.sum(axis=0, keepdims=True) * pixel_mm**2)
    return Doubts(("right", "left"), heights_mm, pixels * pixel_mm**2)


def _doubtful_if_dense(lung: Mask, dense: Mask, within: int) -> int:
    """Return how many pixels of a lung, without the outermost, are in dense parts that reach its outline or are wide.

    Wide parts have pixels that are more than `within` steps from other tissue.
    """
    box = bounding_box(lung[None])[1:]
    lung, dense = lung[box], dense[box] & lung[box]
    if not lung.size:
        return 0
    parts, count = numbered_parts(dense)
    counts = np.zeros(count + 1, bool)
    counts[parts[lung & ~eroded(lung, 1)]] = True
    counts[parts[eroded(dense, within)]] = True
    counts[0] = False
    return int(np.count_nonzero(counts[parts] & eroded_by_square(lung)))


def _with_neighbours(probabilities: Probabilities, steps: int) -> Iterator[tuple[Labels, Labels, Labels]]:
    """Yield the labels `steps` slices below each slice, of it, and above it; beyond an end those of the last slice."""
    last = len(probabilities) - 1
    near: dict[int, Labels] = {}
    for number in range(last + 1):
        wanted = max(0, number - steps), number, min(last, number + steps)
        near = {each: labels for each, labels in near.items() if each >= wanted[0]}
        for each in range(wanted[0], wanted[2] + 1):
            if each not in near:
                near[each] = hard_labels(probabilities[each])
        yield near[wanted[0]], near[wanted[1]], near[wanted[2]]
