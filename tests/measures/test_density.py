"""Density numbers of mixtures that are known, and of others' programs where they define the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
from scipy import stats

from LungUNetSegLib.measures import Histogram, density_of


def histogram_of(values: npt.ArrayLike, voxel_ml: float = 1.0) -> Histogram:
    """Return the histogram of some HU."""
    hu = np.asarray(values)
    return Histogram(int(hu.min()), np.bincount(hu.ravel() - hu.min()).astype(np.int64), voxel_ml)


MIXTURE = [-960] * 20 + [-920] * 10 + [-860] * 10 + [-700] * 40 + [-500] * 5 + [-300] * 5 + [40] * 10
"""100 voxels of known HU."""


def test_every_number_of_a_known_mixture() -> None:
    """Protects each definition: all expected values are worked out by hand from the mixture, voxels of 0.5 ml."""
    density = density_of(histogram_of(MIXTURE, 0.5))
    assert density is not None
    assert density["volume_ml"] == 50
    assert density["mean_hu"] == -686  # (-19200 - 9200 - 8600 - 28000 - 2500 - 1500 + 400) / 100
    assert (density["laa950_percent"], density["laa910_percent"], density["laa856_percent"]) == (20, 30, 40)
    assert density["haa_percent"] == 10  # -500 and -300
    assert density["perc15_hu"] == -960 and density["perc15_g_per_l"] == 40
    # 1 + HU/1000: (20 x .04 + 10 x .08 + 10 x .14 + 40 x .3 + 5 x .5 + 5 x .7 + 10 x 1.04) x 0.5 ml
    assert density["mass_g"] == pytest.approx(0.5 * (0.8 + 0.8 + 1.4 + 12 + 2.5 + 3.5 + 10.4))
    assert density["air_ml"] == pytest.approx(0.5 * (19.2 + 9.2 + 8.6 + 28 + 2.5 + 1.5))
    assert density["aeration_percent"] == {"hyperinflated": 30, "normal": 50, "poor": 10, "none": 10}
    classes = {"emphysema": 20, "inflated": 20, "infiltration": 45, "collapsed": 5, "vessels": 10}
    assert density["lungctanalyzer_percent"] == classes
    parenchyma = density["without_vessels"]
    assert parenchyma["volume_ml"] == 40 and parenchyma["laa950_percent"] == 25
    assert parenchyma["mean_hu"] == pytest.approx((-19200 - 9200 - 8600 - 28000) / 80)
    assert parenchyma["mass_g"] == pytest.approx(0.5 * (0.8 + 0.8 + 1.4 + 12))
    bins = density["histogram"]
    assert bins["first_hu"] == -1030 and bins["bin_hu"] == 10 and len(bins["percent"]) == 123
    assert bins["percent"][(-960 + 1030) // 10] == 20 and bins["percent"][(40 + 1030) // 10] == 10
    assert sum(bins["percent"]) == pytest.approx(100)


@pytest.mark.parametrize(
    ("key", "inside", "outside"),
    [
        ("laa950_percent", -951, -950),
        ("laa910_percent", -911, -910),
        ("laa856_percent", -857, -856),
        ("haa_percent", -600, -601),
        ("haa_percent", -250, -249),
    ],
)
def test_the_limits_are_those_of_the_page(key: str, inside: int, outside: int) -> None:
    """Protects from limits that move by one HU: below -950, and -600 to -250 with both ends."""
    for hu, expected in ((inside, 100), (outside, 0)):
        density = density_of(histogram_of([hu] * 3))
        assert density is not None and density[key] == expected


def test_air_and_metal_have_no_negative_mass_and_no_negative_air() -> None:
    """Protects mass and air from noise below -1000 HU and from metal: 2 voxels of 1 ml."""
    density = density_of(histogram_of([-1024, 3000]))
    assert density is not None
    assert density["mass_g"] == pytest.approx(4.0) and density["air_ml"] == pytest.approx(1.0)


def test_statistics_agree_with_scipy_numpy_and_simpleitk() -> None:
    """Protects moments and percentiles by second opinions on voxels that no symmetry helps."""
    rng = np.random.default_rng(3)
    hu = np.rint(np.concatenate([rng.normal(-850, 60, 7000), rng.gamma(2.0, 150, 1000) - 800])).astype(np.int16)
    density = density_of(histogram_of(hu.astype(int)))
    assert density is not None
    assert density["skewness"] == pytest.approx(stats.skew(hu.astype(float)))
    assert density["kurtosis"] == pytest.approx(stats.kurtosis(hu.astype(float)))
    for percent in (0, 15, 50, 99.99, 100):
        assert histogram_of(hu.astype(int)).percentile_hu(percent) == pytest.approx(np.percentile(hu, percent))
    image = sitk.GetImageFromArray(hu.reshape(20, 20, 20))
    statistics = sitk.LabelIntensityStatisticsImageFilter()
    statistics.Execute(sitk.GetImageFromArray(np.ones((20, 20, 20), np.uint8)), image)
    assert density["mean_hu"] == pytest.approx(statistics.GetMean(1))
    # ITK divides by the number of voxels less one, and its kurtosis and skewness follow from that.
    assert density["sd_hu"] == pytest.approx(statistics.GetStandardDeviation(1), rel=1e-4)
    assert density["skewness"] == pytest.approx(statistics.GetSkewness(1), rel=1e-3)
    assert density["kurtosis"] == pytest.approx(statistics.GetKurtosis(1), rel=1e-2)


def test_no_voxel_has_no_density_and_equal_voxels_no_shape() -> None:
    """Protects from a division by zero, and from numbers where there are none."""
    assert density_of(Histogram(0, np.zeros(1, np.int64), 1.0)) is None
    density = density_of(histogram_of([-800] * 5))
    assert density is not None
    assert density["sd_hu"] == 0 and density["skewness"] is None and density["kurtosis"] is None
    dense = density_of(histogram_of([-100] * 5))
    assert dense is not None and dense["without_vessels"]["volume_ml"] == 0
    assert dense["without_vessels"]["mean_hu"] is None


def test_histograms_add_up_whatever_their_ranges() -> None:
    """Protects the numbers of both lungs, which are made of the sum."""
    both = histogram_of([-900, -900, -880]) + histogram_of([-950, -870])
    density = density_of(both)
    assert density is not None and both.voxels == 5
    assert density["mean_hu"] == pytest.approx((-900 - 900 - 880 - 950 - 870) / 5)
