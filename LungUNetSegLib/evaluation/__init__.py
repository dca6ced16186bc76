"""Compares segmentations with references, and writes reports."""

from LungUNetSegLib.evaluation.compare import Comparison, RegionScores, compare

__all__ = ["Comparison", "RegionScores", "compare"]
