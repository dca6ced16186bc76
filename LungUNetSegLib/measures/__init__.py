"""Measures the lungs of a CT: density, regions, and what the scan forbids of them; docs/measures.md defines each."""

from LungUNetSegLib.measures.density import density_of
from LungUNetSegLib.measures.histogram import Histogram
from LungUNetSegLib.measures.lungs import LungMeasures, measure_lungs
from LungUNetSegLib.measures.regions import REGIONS

__all__ = ["REGIONS", "Histogram", "LungMeasures", "density_of", "measure_lungs"]
