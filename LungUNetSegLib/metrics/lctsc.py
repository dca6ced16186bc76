"""Computes the scores of the challenge LCTSC 2017 (Yang 2018, doi:10.1002/mp.13141), beside this library's own.

For each lung: DSC, mean surface distance and HD95 in mm. Both distances are the mean of the two directed values, while
`surface` takes the larger percentile and pools the means. Verified: the report's three metrics, and Plastimatch's
definition of the undirected values. From memory: that the challenge was scored with Plastimatch. A surface consists of
the voxels of the filled contours that share a face with background; each counts once, at its centre, whatever its area.
The percentile interpolates between the two nearest distances.

A score is 100 for a perfect result, 50 for one that differs from the reference as a second reader does, and at least 0.
The readers' means below are from memory, not checked against the report.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.metrics.surface import SurfaceDistances
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG, Segment


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Mean differences between the contours of two readers in the challenge."""

    dsc: float
    mean_mm: float
    hd95_mm: float


READERS = {
    RIGHT_LUNG: Readers(dsc=0.955, mean_mm=1.87, hd95_mm=6.71),
    LEFT_LUNG: Readers(dsc=0.956, mean_mm=1.51, hd95_mm=5.17),
}


@dataclass(frozen=True, kw_only=True)
class LctscScores:
    """Scores of one lung by the rules of LCTSC 2017.

    Attributes:
        name: Display name, such as "Right lung".
        dsc: Dice similarity coefficient; NaN, as all values, if both masks are empty.
        mean_mm: Mean surface distance; infinite if one mask is empty.
        hd95_mm: 95th percentile of the surface distance; infinite if one mask is empty.
        dsc_score: Score of the DSC, 0 to 100 as all scores.
        mean_score: Score of the mean surface distance.
        hd95_score: Score of HD95.
        score: Mean of the three scores.
    """

    name: str
    dsc: float
    mean_mm: float
    hd95_mm: float
    dsc_score: float
    mean_score: float
    hd95_score: float
    score: float


def lctsc_scores(lung: Segment, dsc: float, distances: SurfaceDistances) -> LctscScores:
    """Return the challenge's scores of a lung.

    Args:
        lung: Which lung it is: the differences of the readers of that lung set the scale.
        dsc: DSC of the two masks.
        distances: Distances between their surfaces.
    """
    readers = READERS[lung.label]
    mean_mm = _both_ways(distances, lambda each: float(each.mean()))
    hd95_mm = _both_ways(distances, lambda each: float(np.percentile(each, 95)))
    dsc_score = against_readers(dsc, readers.dsc, perfect=1.0)
    mean_score = against_readers(mean_mm, readers.mean_mm)
    hd95_score = against_readers(hd95_mm, readers.hd95_mm)
    return LctscScores(
        name=lung.name,
        dsc=dsc,
        mean_mm=mean_mm,
        hd95_mm=hd95_mm,
        dsc_score=dsc_score,
        mean_score=mean_score,
        hd95_score=hd95_score,
        score=(dsc_score + mean_score + hd95_score) / 3,
    )


def against_readers(value: float, readers: float, perfect: float = 0.0) -> float:
    """Return max(0, 50 + 50 (T - R) / (P - R)) for T value, R readers, P perfect: 100 for P, 50 for R, NaN for NaN."""
    if np.isnan(value):
        return float("nan")
    return max(0.0, 50 + 50 * (value - readers) / (perfect - readers))


def _both_ways(distances: SurfaceDistances, summary: Callable[[FloatArray], float]) -> float:
    """Return the mean of both directions' summaries; infinite if one surface is empty, NaN if both are."""
    sizes = distances.prediction_mm.size, distances.reference_mm.size
    if not all(sizes):
        return float("inf") if any(sizes) else float("nan")
    return (summary(distances.prediction_mm) + summary(distances.reference_mm)) / 2
