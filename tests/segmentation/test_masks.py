"""The quick operations on masks give what NumPy and SciPy give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from LungUNetSegLib.segmentation.masks import eroded, eroded_by_square


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (3, 3), (17, 23)])
def test_erosion_is_scipy_s(shape: tuple[int, int]) -> None:
    """At the image's border too, beyond which there is no mask."""
    rng = np.random.default_rng(0)
    for share in (0.5, 0.9, 1.0):
        mask = rng.random(shape) < share
        for steps in (1, 2):
            assert np.array_equal(eroded(mask, steps), ndimage.binary_erosion(mask, iterations=steps))
        assert np.array_equal(eroded_by_square(mask), ndimage.binary_erosion(mask, np.ones((3, 3))))
