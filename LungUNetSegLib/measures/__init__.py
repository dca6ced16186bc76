"""Measures the lungs of a CT: density and regions, with reasons for doubt; docs/measures.md defines each number."""

from LungUNetSegLib.measures.acquisition import UNKNOWN, Acquisition, acquisition_of, judge
from LungUNetSegLib.measures.density import density_of
from LungUNetSegLib.measures.histogram import Histogram
from LungUNetSegLib.measures.lungs import LungMeasures, measure_lungs
from LungUNetSegLib.measures.regions import REGIONS

__all__ = [
    "REGIONS",
    "UNKNOWN",
    "Acquisition",
    "Histogram",
    "LungMeasures",
    "acquisition_of",
    "density_of",
    "judge",
    "measure_lungs",
]
