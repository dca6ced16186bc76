"""Computes density numbers from a histogram; docs/measures.md gives their sources, and other definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from LungUNetSegLib.measures.histogram import Histogram

Density = dict[str, Any]
"""Numbers by name, with their unit at the name's end."""

LAA_HU = (950, 910, 856)
"""Low attenuation areas lie below minus this: emphysema at full inspiration on thin slices (Gevenois 1996) and on thick
ones (Müller 1988), and trapped air at expiration (Lynch 2015, doi:10.1148/radiol.2015141579)."""

HAA_HU = (-600, -250)
"""High attenuation areas, both ends included (Lederer 2009, doi:10.1164/rccm.200812-1966OC)."""

PERCENT = 15
"""The percentile of Perc15 (Dirksen 1999)."""

VESSELS_HU = -500
"""Denser voxels are vessels, walls of airways and dense lung; without them the parenchyma remains."""

AERATION_HU = (-900, -500, -100)
"""Limits between hyperinflated, normal, poorly and non-aerated lung (Gattinoni 2001)."""

LUNG_CT_ANALYZER_HU = (-1050, -950, -750, -400, 0, 3000)
"""Ends of the classes of the 3D Slicer extension LungCTAnalyzer, by its default thresholds."""

LUNG_CT_ANALYZER = ("emphysema", "inflated", "infiltration", "collapsed", "vessels")

BIN_HU = 10
SHOWN_HU = (-1030, 200)
"""Width of a bin of the reported histogram, and where its first bin begins and its last ends."""

REGION_KEYS = ("volume_ml", "mean_hu", "laa950_percent", "haa_percent", "perc15_hu", "mass_g")
"""The numbers of a region."""

TABLE_KEYS = (
    *(f"laa{hu}_percent" for hu in LAA_HU), "haa_percent", "perc15_hu", "perc15_g_per_l", "sd_hu", "mass_g", "air_ml",
)  # fmt: skip
"""The numbers of each lung in a table."""


def density_of(histogram: Histogram, air_hu: float | None = None) -> Density | None:
    """Return every density number of a part of the lungs; None without a voxel.

    Args:
        histogram: Of the part.
        air_hu: What the air in the trachea measures, if it was found.

    Returns:
        Keys are those of ``density`` in docs/json.md; skewness and kurtosis are None where all voxels are equal.
    """
    if not histogram.voxels:
        return None
    sd_hu, skewness, kurtosis = histogram.moments()
    perc15_hu = histogram.percentile_hu(PERCENT)
    parenchyma = histogram.within(below_hu=VESSELS_HU)
    return {
        "volume_ml": histogram.volume_ml,
        "mean_hu": histogram.mean_hu,
        "sd_hu": sd_hu,
        "skewness": None if math.isnan(skewness) else skewness,
        "kurtosis": None if math.isnan(kurtosis) else kurtosis,
        **{f"laa{hu}_percent": histogram.percent(below_hu=-hu) for hu in LAA_HU},
        "haa_percent": histogram.percent(HAA_HU[0], HAA_HU[1] + 1),
        "perc15_hu": perc15_hu,
        "perc15_g_per_l": perc15_hu + 1000,
        "mass_g": _mass_g(histogram),
        "air_ml": _air_ml(histogram),
        "aeration_percent": _aeration(histogram),
        "lungctanalyzer_percent": {
            name: histogram.percent(low, high)
            for name, low, high in zip(LUNG_CT_ANALYZER, LUNG_CT_ANALYZER_HU, LUNG_CT_ANALYZER_HU[1:], strict=False)
        },
        "without_vessels": _without_vessels(parenchyma),
        "calibrated": None if air_hu is None else _calibrated(histogram, air_hu),
        "histogram": _shown(histogram),
    }


def region_density(histogram: Histogram) -> Density | None:
    """Return the numbers of a region, those of `REGION_KEYS`; None without a voxel."""
    density = density_of(histogram)
    return density and {key: density[key] for key in REGION_KEYS}


def _mass_g(histogram: Histogram) -> float:
    """Return the mass of tissue and blood: 1 + HU / 1000 grams in each ml, and none at and below -1000 HU."""
    shares = np.maximum(1 + histogram.hu / 1000, 0)
    return float((histogram.counts * shares).sum() * histogram.voxel_ml)


def _air_ml(histogram: Histogram) -> float:
    """Return the volume of air: -HU / 1000 of each voxel between 0 and -1000 HU, all below, and none above."""
    shares = np.clip(-histogram.hu / 1000, 0, 1)
    return float((histogram.counts * shares).sum() * histogram.voxel_ml)


def _aeration(histogram: Histogram) -> dict[str, float]:
    low, middle, high = AERATION_HU
    return {
        "hyperinflated": histogram.percent(below_hu=low),
        "normal": histogram.percent(low, middle),
        "poor": histogram.percent(middle, high),
        "none": histogram.percent(high),
    }


def _without_vessels(parenchyma: Histogram) -> dict[str, float | None]:
    known = parenchyma.voxels > 0
    return {
        "volume_ml": parenchyma.volume_ml,
        "mean_hu": parenchyma.mean_hu if known else None,
        "laa950_percent": parenchyma.percent(below_hu=-LAA_HU[0]) if known else None,
        "perc15_hu": parenchyma.percentile_hu(PERCENT) if known else None,
        "mass_g": _mass_g(parenchyma),
    }


def _calibrated(histogram: Histogram, air_hu: float) -> dict[str, float]:
    """Return what the numbers would be if all HU were scaled so that the trachea's air has -1000; water stays at 0."""
    scale = -1000 / air_hu
    return {
        "mean_hu": histogram.mean_hu * scale,
        "laa950_percent": histogram.percent(below_hu=math.ceil(-LAA_HU[0] / scale)),
        "perc15_hu": histogram.percentile_hu(PERCENT) * scale,
    }


def _shown(histogram: Histogram) -> dict[str, Any]:
    """Return shares of the voxels in bins; the first and the last bin also hold what lies beyond them."""
    first, end = SHOWN_HU
    number = (end - first) // BIN_HU
    places = np.clip((histogram.hu - first) // BIN_HU, 0, number - 1)
    counts = np.bincount(places, weights=histogram.counts, minlength=number)
    shares = np.round(100 * counts / histogram.voxels, 4)
    return {"first_hu": first, "bin_hu": BIN_HU, "percent": shares.tolist()}
