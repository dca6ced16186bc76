"""Texture and shape against 4 x 4 pictures computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("skimage")

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.nodules.phog import phog_features, phog_of_edges
from LungUNetSegLib.nodules.texture import PATTERNS, glcm_features, lbp_features

HARALICK = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]], np.uint8)
"""Haralick 1973, figure 3: its matrix at 0 degrees is 4 2 1 0, 2 4 0 0, 1 0 6 1, 0 0 1 2, of 24 pairs."""

ALL = np.ones((4, 4), bool)


def glcm(image: np.ndarray, mask: np.ndarray, angles: tuple[int, ...], levels: int = 4) -> dict[str, float]:
    return glcm_features(image, mask, levels, angles)


def test_haralick_s_example_at_0_degrees() -> None:
    """Contrast (4 + 8 + 2) / 24, ASM 84 / 576, the mean level (7 x 1 + 6 x 2 + 8 x 3 + 3 x 4) / 24, and so on."""
    found = glcm(HARALICK, ALL, (0,))
    assert len(found) == 25
    expected = {
        "contrast": 14 / 24,
        "dissimilarity": (2 * 2 + 2 * 2 + 2) / 24,
        "homogeneity": (16 + 4 / 2 + 2 / 5 + 2 / 2) / 24,
        "inverse difference": (16 + 4 / 2 + 2 / 3 + 2 / 2) / 24,
        "ASM": 84 / 576,
        "energy": np.sqrt(84) / 24,
        "maximum": 6 / 24,
        "autocorrelation": (4 * 1 + 4 * 2 + 2 * 3 + 4 * 4 + 6 * 9 + 2 * 12 + 2 * 16) / 24,
        "joint mean": 55 / 24,
        "sum average": 110 / 24,
        "difference average": 10 / 24,
        "difference variance": 14 / 24 - (10 / 24) ** 2,
        "entropy": -sum(n / 24 * np.log(n / 24) for n in (4, 2, 1, 2, 4, 1, 6, 1, 1, 2)),
        "difference entropy": -sum(n / 24 * np.log(n / 24) for n in (16, 6, 2)),
        "sum entropy": -sum(n / 24 * np.log(n / 24) for n in (4, 4, 6, 6, 2, 2)),
    }
    sums = {2: 4, 3: 4, 4: 6, 6: 6, 7: 2, 8: 2}  # of i + j
    of_one = -sum(n / 24 * np.log(n / 24) for n in (7, 6, 8, 3))
    of_two = expected["entropy"]
    expected |= {
        "cluster shade": sum(n * (level - 110 / 24) ** 3 for level, n in sums.items()) / 24,
        "cluster prominence": sum(n * (level - 110 / 24) ** 4 for level, n in sums.items()) / 24,
        "normalised inverse difference": (16 + 6 / (1 + 1 / 4) + 2 / (1 + 2 / 4)) / 24,
        "normalised inverse difference moment": (16 + 6 / (1 + 1 / 16) + 2 / (1 + 4 / 16)) / 24,
        # Of a symmetric matrix HXY1 and HXY2 are both twice the entropy of a margin.
        "information of correlation 1": (of_two - 2 * of_one) / of_one,
        "information of correlation 2": np.sqrt(1 - np.exp(-2 * (2 * of_one - of_two))),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    variance = (7 * 1 + 6 * 4 + 8 * 9 + 3 * 16) / 24 - (55 / 24) ** 2
    assert found["variance"] == pytest.approx(variance)
    assert found["correlation"] == pytest.approx((144 / 24 - (55 / 24) ** 2) / variance)
    assert found["cluster tendency"] == pytest.approx(found["sum variance"])


def test_the_angles_are_those_that_are_said() -> None:
    """45 degrees looks to the lower right here, not to the upper right; 90 degrees down."""
    diagonal = np.array([[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]], np.uint8)
    assert glcm(diagonal, ALL, (45,))["contrast"] == 0
    assert glcm(diagonal, ALL, (135,))["contrast"] == pytest.approx(4 / 9)
    stripes = np.tile(np.array([0, 1, 0, 1], np.uint8), (4, 1))
    assert glcm(stripes, ALL, (90,))["contrast"] == 0 and glcm(stripes, ALL, (0,))["contrast"] == 1


def test_pairs_with_one_pixel_outside_the_mask_do_not_count() -> None:
    """Left half of Haralick's picture: pairs 00 00 02 22, so that 2 of 8 entries differ, by two levels."""
    mask = ALL.copy()
    mask[:, 2:] = False
    found = glcm(HARALICK, mask, (0,))
    assert found["contrast"] == pytest.approx(2 * 4 / 8) and found["maximum"] == pytest.approx(4 / 8)


def test_one_grey_alone_has_no_texture_and_no_nan() -> None:
    found = glcm_features(np.full((4, 4), 3, np.uint8), ALL, 4)
    assert np.isfinite(list(found.values())).all() and found["contrast"] == 0


@pytest.mark.parametrize("pixels", [0, 1])
def test_a_mask_without_a_pair_is_refused(pixels: int) -> None:
    mask = np.zeros((4, 4), bool)
    mask.ravel()[:pixels] = True
    with pytest.raises(DataError, match="no two neighbouring pixels"):
        glcm_features(HARALICK, mask, 4)


def test_a_grey_beyond_the_levels_is_refused() -> None:
    with pytest.raises(DataError, match="grey level 3"):
        glcm_features(HARALICK, ALL, 3)


def test_binary_patterns_of_an_edge() -> None:
    """Two dark columns and two bright ones: where the edge begins 5 of 8 neighbours are bright, elsewhere all 8.

    Dark pixels see nothing darker, the last column continues mirrored; so 12 of 16 pixels show all, 4 the edge.
    """
    edge = np.tile(np.array([10, 10, 90, 90], np.uint8), (4, 1))
    found = lbp_features(edge, ALL, (1,))
    assert found.shape == (PATTERNS,) and sorted(found[found > 0]) == pytest.approx([0.25, 0.75])


def test_binary_patterns_see_no_black_beyond_the_picture() -> None:
    """scikit-image takes 0 beyond the border: a flat picture would show corners there."""
    found = lbp_features(np.full((4, 4), 7, np.uint8), ALL)
    assert found.shape == (4 * PATTERNS,) and np.count_nonzero(found) == 4 and found.max() == 1


def test_a_pyramid_of_one_edge() -> None:
    """One pixel in the upper right quarter, its gradient to the upper left (210 degrees): the second of three bins."""
    edges = np.zeros((4, 4), bool)
    edges[1, 2] = True
    strength, direction = np.full((4, 4), 5.0), np.full((4, 4), np.deg2rad(210))
    found = phog_of_edges(edges, strength, direction, bins=3, levels=3)
    assert found.shape == (3 * 21,)
    # Level 0 begins at 0, level 1 at 3, level 2 at 15; cell (0, 1) of 2 x 2 and cell (1, 2) of 4 x 4.
    assert np.flatnonzero(found).tolist() == [1, 3 + 3 * 1 + 1, 15 + 3 * 6 + 1]
    assert found[found > 0] == pytest.approx([1 / 3] * 3)


def test_a_flat_picture_has_no_edges() -> None:
    found = phog_features(np.full((8, 8), 100, np.uint8))
    assert found.shape == (255,) and not found.any()
