"""The page's views of a cube, in a scene of their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.volume import Geometry, Volume

SHAPE = (20, 50, 50)
"""Of voxels of 5 x 2 x 2 mm: 100 mm in each direction; the first voxel's centre is at LPS 0."""


@cache
def own_core() -> Any:
    """A second core, kept until the process ends: its folder goes with it."""
    from trame_slicer.core import SlicerApp

    return SlicerApp()


@cache
def own_views() -> Any:
    """The views in that core's scene, made once."""
    from LungUNetSegSlicer.web.viewer.views import Views

    return Views(own_core(), lambda _: None)


@pytest.fixture(scope="module")
def core(core: Any) -> Iterator[Any]:
    """A core with a scene of its own: shown views never leave theirs, and others' pictures there lose their camera."""
    import slicer

    own = own_core()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slicer, "mrmlScene", own.scene)
        yield own


@pytest.fixture
def cube() -> Volume:
    """A CT with 1000 HU in the lower ten slices and -1000 HU above."""
    affine = np.array([[0, 0, 2.0, 0], [0, 2.0, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]])
    hu = np.full(SHAPE, -1000, np.int16)
    hu[:10] = 1000
    return Volume(hu, Geometry(SHAPE, affine))


@pytest.fixture
def views(core: Any, cube: Volume) -> Iterator[Any]:
    """Views of the cube, each of 100 x 100 pixels."""
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node, show_lung_window
    from LungUNetSegSlicer.web.viewer.views import NAMES

    node = add_volume_node(cube, "Cube")
    show_lung_window(node)
    views = own_views()
    views.show(node)
    for name in NAMES:
        views.resize(name, 100, 100)
    views.fit()
    yield views
    views.show(None)
    core.scene.RemoveNode(node)
