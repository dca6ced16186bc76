"""What the network said comes back from its text to the voxel, and a damaged text is told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segmentation.network_mask import from_text, to_text
from LungUNetSegLib.volume import Geometry, Volume


def test_labels_come_back_to_the_voxel(small_phantom: Phantom) -> None:
    text = to_text(small_phantom.labels)
    assert text.isascii() and len(text) < small_phantom.labels.array.size / 50
    found = from_text(text)
    np.testing.assert_array_equal(found.array, small_phantom.labels.array)
    assert found.geometry.matches(small_phantom.labels.geometry, 1e-6)


@pytest.mark.parametrize("filled", [0, 2])
def test_labels_of_one_value_come_back(filled: int) -> None:
    """Protects empty results, and lungs that fill a crop."""
    labels = Volume(np.full((2, 3, 4), filled, np.uint8), Geometry.axial((2, 3, 4), (1.0, 1.0, 1.0)))
    np.testing.assert_array_equal(from_text(to_text(labels)).array, labels.array)


def test_random_labels_come_back() -> None:
    """Protects runs of one voxel, and those that go over the ends of rows and slices."""
    array = np.random.default_rng(1).integers(0, 3, (5, 7, 9)).astype(np.uint8)
    labels = Volume(array, Geometry.axial(array.shape, (2.0, 1.0, 1.0), (5.0, -3.0, 1.0)))
    np.testing.assert_array_equal(from_text(to_text(labels)).array, array)


@pytest.mark.parametrize("key", ["shape", "box", "lengths", "labels"])
def test_a_damaged_text_is_told(key: str, small_phantom: Phantom) -> None:
    packed = json.loads(to_text(small_phantom.labels))
    packed[key] = packed[key][:-1]
    with pytest.raises(DataError, match="is damaged"):
        from_text(json.dumps(packed))
    with pytest.raises(DataError, match="is damaged"):
        from_text("no JSON")
