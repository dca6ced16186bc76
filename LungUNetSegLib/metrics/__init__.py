"""Computes scores of a prediction against a reference from arrays: overlap and surface distance.

docs/metrics.md states every definition and the rules for empty masks and for masks at the border of a scan.
"""

from LungUNetSegLib.metrics.lctsc import LctscScores, lctsc_scores
from LungUNetSegLib.metrics.overlap import Counts, Summary, count, summarise
from LungUNetSegLib.metrics.surface import MaskSurface, SurfaceDistances, surface_distances

__all__ = [
    "Counts",
    "LctscScores",
    "MaskSurface",
    "Summary",
    "SurfaceDistances",
    "count",
    "lctsc_scores",
    "summarise",
    "surface_distances",
]
