"""Decides where solid synthetic disease may be added to lungs without teaching a network that organs are lungs.

An airless lung and a liver look alike. A network that is told what the whole scan shows can distinguish them if the
view shows most of the lung. A network that is not told sees some slices only: there the lung must be wide, and must
not narrow towards the feet as it does around the diaphragm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.overview import Overview
from LungUNetSegLib.data.pathology import LIKE_DOMES, Lesion
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.slices import nearest_step

SUPPORT_ML = 800.0
SUPPORT_SHARE = 0.9
"""For a network that is told: the lung has at least this volume, of which the view shows at least this share."""

LEAST_MM2 = 2250.0
"""For one that is not told: least area of the lung in the slice, above the tips at shoulder and flank."""

NEIGHBOUR_MM = 7.0
NARROWED = 0.9
"""A lung whose area this far below is less than this share of that as far above has the diaphragm rising into it."""


def is_supported(
    scan: Overview, channel: int, slices: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
) -> bool:
    """Return whether a part of a scan shows enough of a lung (channel 0 right, 1 left) to tell it from an organ."""
    lung = scan.lungs[:, channel]
    all_ml = float(lung.sum()) * scan.voxel_ml
    seen_ml = float(lung[slice(*slices), slice(*rows), slice(*columns)].sum()) * scan.voxel_ml
    return len(lung) > 1 and seen_ml >= max(SUPPORT_ML, SUPPORT_SHARE * all_ml)


def room_for_solid(areas_mm2: npt.NDArray[np.float64], slice_mm: float) -> npt.NDArray[np.bool_]:
    """Return in which slices a lung is so wide that solid tissue in it does not look like an organ.

    Args:
        areas_mm2: (D, 2) areas of the right and the left lung in each slice of a volume, from the feet to the head.
        slice_mm: Distance of slices.

    Returns:
        (D, 2); nowhere in single slices and those that lie too far apart, which cannot tell.
    """
    step, last = nearest_step(NEIGHBOUR_MM, slice_mm), len(areas_mm2) - 1
    numbers = np.arange(len(areas_mm2))
    below, above = areas_mm2[np.maximum(numbers - step, 0)], areas_mm2[np.minimum(numbers + step, last)]
    room: npt.NDArray[np.bool_] = (areas_mm2 >= LEAST_MM2) & (below >= NARROWED * above)
    return room & (0 < step <= last)


class SolidRule:
    """Decides for a network what solid disease may be shown in a slice of a view.

    Args:
        cases: The cases whose slices are drawn.
        config: What the network sees of them.
    """

    def __init__(self, cases: Sequence[CachedCase], config: PreprocessConfig) -> None:
        self._cases, self._config = cases, config
        self._room: dict[int, npt.NDArray[np.bool_]] = {}

    def misleads(self, case: int, slice_: int, lesion: Lesion, *, alone: bool) -> bool:
        """Return whether solid disease cannot be told from an organ by what the network sees with a slice."""
        if self._config.coarse_mm:
            return alone
        if alone and lesion.kind in LIKE_DOMES:
            return True
        if case not in self._room:
            self._room[case] = _room_in_case(self._cases[case], self._config)
        return not self._room[case][slice_, lesion.channel]


def _room_in_case(case: CachedCase, config: PreprocessConfig) -> npt.NDArray[np.bool_]:
    """Return (D, 2) where each lung of a cached case has `room_for_solid`."""
    slices = (case.target[number][:2] for number in range(len(case.hu)))
    pixels = np.array([lungs.sum(axis=(1, 2), dtype=np.float64) / 255 for lungs in slices])
    return room_for_solid(pixels * config.spacing_mm**2, case.slice_mm)
