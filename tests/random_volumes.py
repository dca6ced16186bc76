"""Grids and label maps by hypothesis: any order of axes, any flip, oblique, thick and thin slices."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.transform import Rotation

from LungUNetSegLib.volume import Geometry, Volume

QUICK = settings(derandomize=True, deadline=None, max_examples=40)
"""The same examples in every run, and however busy the machine is."""

ANGLES = st.floats(-180, 180).map(lambda value: round(value, 2))


@st.composite
def geometries(
    draw: st.DrawFn, least: int = 2, most: int = 7, oblique: bool = True, spacing_mm: tuple[float, float] = (0.2, 12.0)
) -> Geometry:
    """Draw a grid whose axes are at right angles, right-handed or left-handed, anywhere in the patient."""
    shape = tuple(draw(st.integers(least, most)) for _ in range(3))
    turn = Rotation.from_euler("zyx", [draw(ANGLES) for _ in range(3)], degrees=True).as_matrix()
    order = list(draw(st.permutations(range(3))))
    signs = [draw(st.sampled_from((-1.0, 1.0))) for _ in range(3)]
    directions = (turn if oblique else np.eye(3))[:, order] * signs
    affine = np.eye(4)
    affine[:3, :3] = directions * [round(draw(st.floats(*spacing_mm)), 3) for _ in range(3)]
    affine[:3, 3] = [draw(st.integers(-400, 400)) for _ in range(3)]
    return Geometry((shape[0], shape[1], shape[2]), affine)


@st.composite
def label_maps(draw: st.DrawFn, oblique: bool = True) -> Volume:
    """Draw a label map of 0, 1 and 2 with both lungs somewhere in it."""
    geometry = draw(geometries(oblique=oblique))
    labels = draw(arrays.arrays(np.uint8, geometry.shape, elements=st.integers(0, 2)))
    labels[0, 0, 0], labels[-1, -1, -1] = 1, 2
    return Volume(labels, geometry)
