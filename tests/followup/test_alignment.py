"""Lungs that were moved, turned, stretched and made denser by known amounts are aligned to where they were."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.followup.alignment import (
    Alignment,
    align_affine,
    align_deformable,
    align_rigid,
    bring,
)
from LungUNetSegLib.followup.density_change import density_change
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import itk

COSINE, SINE = np.cos(0.1), np.sin(0.1)
MOVE = np.array([[COSINE, -SINE, 0, 7], [SINE, COSINE, 0, -5], [0, 0, 1, 12], [0, 0, 0, 1]])
STRETCH = np.diag([1.05, 0.95, 1.1, 1.0])


def placed(volume: Volume, matrix: np.ndarray) -> Volume:
    """Return a volume whose every place p lies at matrix p."""
    return Volume(volume.array, Geometry(volume.geometry.shape, matrix @ volume.geometry.affine_lps))


def furthest_mm(found: Alignment, expected: np.ndarray, labels: Volume) -> float:
    """Return the largest distance of places of the lungs by two matrices."""
    assert found.matrix is not None
    where = np.argwhere(labels.array > 0)[::200]
    places = np.array([[*labels.geometry.to_lps(each), 1.0] for each in where])
    return float(np.linalg.norm(places @ (found.matrix - expected).T, axis=1).max())


def test_a_known_turn_and_shift_is_found(phantom: Phantom) -> None:
    """Protects direction and size: places of the second scan are sent to the first one's, within 1.5 mm."""
    second = placed(phantom.labels, MOVE)
    found = align_rigid(phantom.labels, second)
    assert furthest_mm(found, np.linalg.inv(MOVE), second) < 1.5
    assert found.dsc > 0.985 and found.surface_mm < 0.8


def test_a_known_stretch_needs_the_affine_alignment(phantom: Phantom) -> None:
    second = placed(phantom.labels, MOVE @ STRETCH)
    rigid = align_rigid(phantom.labels, second)
    affine = align_affine(phantom.labels, second, rigid)
    assert rigid.dsc < 0.95 < affine.dsc and affine.surface_mm < rigid.surface_mm
    assert furthest_mm(affine, np.linalg.inv(MOVE @ STRETCH), second) < 2.5


def test_density_that_was_added_is_found_again(phantom: Phantom) -> None:
    """Protects the map: 60 HU more in the lower half of the lungs of a moved scan, and none above."""
    labels = placed(phantom.labels, MOVE)
    used = np.flatnonzero(labels.array.any(axis=(1, 2)))
    array = phantom.ct.array.copy()
    half = (used[0] + used[-1]) // 2
    array[:half][labels.array[:half] > 0] += 60
    second, lungs = Volume(array, labels.geometry), (phantom.labels, labels)
    affine = align_rigid(*lungs)
    found = align_deformable(phantom.ct, second, lungs, affine)
    assert found.matrix is None and found.dsc > affine.dsc - 0.01
    change = density_change(phantom.ct, second, lungs, found)
    assert change.geometry.matches(second.geometry) and not change.array[labels.array == 0].any()
    lower, upper = (change.array[part][labels.array[part] > 0] for part in (np.s_[: half - 3], np.s_[half + 3 :]))
    assert np.median(lower) == pytest.approx(60, abs=6) and np.median(upper) == pytest.approx(0, abs=6)


def test_a_scan_is_drawn_where_the_alignment_sends_it() -> None:
    """Protects the direction: a transform by +2 voxels shows in voxel 1 what lies in voxel 3."""
    geometry = Geometry.axial((4, 4, 6), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0))
    array = np.zeros(geometry.shape, np.int16)
    array[1, 2, 3] = 500
    shift = itk().TranslationTransform(3, (4.0, 0.0, 0.0))
    moved = bring(Volume(array, geometry), geometry, Alignment(transform=shift, matrix=None, dsc=1.0, surface_mm=0.0))
    assert moved.array[1, 2, 1] == 500 and moved.array[0, 0, 5] == -1024


def test_lungs_that_do_not_fit_are_refused(phantom: Phantom) -> None:
    sliver = np.zeros_like(phantom.labels.array)
    sliver[30, 40:44, 20:60] = 1
    other = Volume(sliver, phantom.labels.geometry)
    with pytest.raises(DataError, match="not of one patient, or one of the scans shows another part"):
        align_affine(phantom.labels, other, align_rigid(phantom.labels, other))
    with pytest.raises(DataError, match="no lung to align"):
        align_rigid(Volume(np.zeros_like(sliver), other.geometry), other)
