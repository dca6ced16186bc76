"""How good a segmentation is: comparison with references, reports, and the paper's figures."""

from LungUNetSegLib.evaluation.compare import Comparison, RegionScores, compare

__all__ = ["Comparison", "RegionScores", "compare"]
