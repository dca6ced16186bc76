"""Draws synthetic disease for a slice of a volume, so that it lies in that slice.

Disease that is drawn for a whole patient lies in few slices: three in ten slices of a lung show its mass. Networks that
learnt from such disease alone found less of it than those that learnt from disease in each slice (ADR 0022, ADR 0023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.pathology import SOLID, Lesion, PathologyConfig, sample_lesion
from LungUNetSegLib.data.solid_disease import SolidRule


class SliceDisease:
    """Draws the disease of slices.

    Args:
        cases: The cases whose slices are drawn.
        config: Probability of each kind of disease.
        pixel_mm: Size of the cases' pixels.
        solid: Decides where solid disease looks like an organ.
    """

    def __init__(self, cases: Sequence[CachedCase], config: PathologyConfig, pixel_mm: float, solid: SolidRule) -> None:
        self._cases, self._pixel_mm, self._solid = cases, pixel_mm, solid
        # The mediastinum moves in views only; without that the fluid after a pneumonectomy looks like an opaque lung.
        self._config = replace(config, pneumonectomy=0.0)

    def draw(self, case: int, slice_: int, rng: np.random.Generator, *, alone: bool) -> tuple[Lesion, ...] | None:
        """Draw the disease of both lungs in a slice; None for a case of one slice, whose views' disease lies in it.

        Args:
            case: Index of the case.
            slice_: Index of its slice.
            rng: Random generator.
            alone: Whether the slice is shown without its neighbours.
        """
        if len(self._cases[case].hu) == 1:
            return None
        drawn = [sample_lesion(lung, self._lung_mm(case, slice_, lung), self._config, rng) for lung in (0, 1)]
        return tuple(
            lesion
            for lesion in drawn
            if lesion and not (lesion.kind in SOLID and self._solid.misleads(case, slice_, lesion, alone=alone))
        )

    def _lung_mm(self, case: int, slice_: int, lung: int) -> npt.NDArray[np.float64]:
        """Return (n, 3) positions of a lung's pixels in a slice, as `Lesion` has them."""
        cached = self._cases[case]
        pixels = np.argwhere(cached.target[slice_][lung] > 127)
        mm = (pixels + 0.5) * self._pixel_mm
        return np.column_stack((np.full(len(mm), slice_ * cached.slice_mm), mm))
