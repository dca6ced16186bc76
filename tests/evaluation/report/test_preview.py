"""Small pictures of a result: what they show, and where."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.image import imread

from LungUNetSegLib.evaluation.report.preview import GAP, HEIGHT, draw_preview, draw_slices
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Geometry, Volume


def test_a_preview_shows_three_planes_as_radiologists_look_at_them(small_phantom: Phantom) -> None:
    """The patient's right lung is at the left of the axial picture, in its colour; head up; the body's proportions."""
    picture = imread(BytesIO(draw_preview(small_phantom.ct, small_phantom.labels, LUNGS)))[..., :3]
    right, left = (np.abs(picture - segment.colour).max(axis=2) < 0.01 for segment in LUNGS)
    slice_mm, row_mm, column_mm = small_phantom.ct.geometry.spacing_mm
    depth, height, width = small_phantom.ct.array.shape
    scale = height * row_mm / HEIGHT
    axial = round(width * column_mm / scale)
    assert picture.shape[0] == max(HEIGHT, round(depth * slice_mm / scale))
    assert picture.shape[1] == 2 * axial + HEIGHT + 2 * GAP
    assert (
        np.flatnonzero(right[:, :axial].any(axis=0)).mean()
        < axial / 2
        < np.flatnonzero(left[:, :axial].any(axis=0)).mean()
    )


def test_slices_are_drawn_side_by_side(small_phantom: Phantom) -> None:
    """Protects the body's proportions, also where voxels are no squares."""
    png = draw_slices(small_phantom.ct, small_phantom.labels, LUNGS, [1, 3])
    _, row_mm, column_mm = small_phantom.ct.geometry.spacing_mm
    width = round(small_phantom.ct.array.shape[2] * column_mm / (small_phantom.ct.array.shape[1] * row_mm / HEIGHT))
    assert imread(BytesIO(png)).shape[:2] == (HEIGHT, 2 * width + GAP)


@pytest.mark.parametrize("shape", [(1, 40, 40), (400, 16, 16)])
def test_odd_shapes_have_a_preview(shape: tuple[int, int, int]) -> None:
    geometry = Geometry.axial(shape, (5.0, 2.0, 2.0))
    empty = Volume(np.zeros(shape, np.int16), geometry)
    assert draw_preview(empty, Volume(np.zeros(shape, np.uint8), geometry), LUNGS).startswith(b"\x89PNG")
