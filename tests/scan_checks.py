"""What tests of readers look at: findings, whether a scan is the one that was written, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.scan import Scan
from LungUNetSegLib.volume import Volume


def codes(source: object) -> list[str]:
    """Return the codes of the findings of a scan."""
    return [finding.code for finding in read_scan(source).findings]


def assert_same(scan: Scan, volume: Volume) -> None:
    """What was read is this volume, in every voxel and at its place."""
    assert scan.volume.array.dtype == np.int16
    assert np.array_equal(scan.volume.array, volume.array)
    assert scan.volume.geometry.matches(volume.geometry)


def refused(source: object, *words: str) -> str:
    """A source is refused in one line with these words; return it."""
    with pytest.raises(ReadError) as caught:
        read_scan(source)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)
