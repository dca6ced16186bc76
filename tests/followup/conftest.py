"""Two dates of blocks of lung whose ml and HU are known, and of a phantom that was moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.followup import alignment
from LungUNetSegLib.followup.scans import DatedScan
from LungUNetSegLib.measures import UNKNOWN
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

MakeScan = Callable[..., DatedScan]


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    return make_phantom(phantom_geometry((60, 96, 112)), rng=1)


@pytest.fixture(autouse=True)
def _coarse_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Align on an eighth of the voxels."""
    monkeypatch.setattr(alignment, "STEP_MM", 8.0)


@pytest.fixture
def blocks() -> MakeScan:
    """Return a function that makes a scan of two blocks of lung, with voxels of 10 mm, which are 1 ml.

    The right lung has `right` slices of 2 x 4 voxels at `hu`, the left one as many of `left`; the rest has 40 HU.
    """

    def make(name: str = "scan", right: int = 10, left: int = 10, hu: int = -800, **about: Any) -> DatedScan:
        geometry = Geometry.axial((16, 8, 12), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0))
        labels = np.zeros(geometry.shape, np.uint8)
        labels[2 : 2 + right, 3:5, 1:5] = 1
        labels[2 : 2 + left, 3:5, 7:11] = 2
        ct = np.where(labels > 0, hu, 40).astype(np.int16)
        given = {"acquisition": UNKNOWN} | about
        return DatedScan(name=name, ct=Volume(ct, geometry), labels=Volume(labels, geometry), **given)

    return make
