"""Pictures of a segmented CT: each lung in its colour on its side of each view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.errors import MissingDependencyError, WriteError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node
from LungUNetSegSlicer.server import offscreen
from LungUNetSegSlicer.server.offscreen import GAP, TILE
from LungUNetSegSlicer.server.picture import render_views

LEGEND = {"RightLung": "Right lung  1 ml", "LeftLung": "Left lung  2 ml"}


def render(core: Any, phantom: Phantom, path: Path, labels: Volume | None = None) -> np.ndarray:
    """Draw a phantom with its labels; return (row, column, RGB)."""
    ct = add_volume_node(phantom.ct, "Chest")
    render_views(core, ct, show_labels(labels or phantom.labels, LUNGS, ct, show3d=True), LEGEND, path)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def halves(tile: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return how much of a tile's left and right half, without captions and edges, is bluish and how much orange."""
    inner = tile[80:-110, 60:-60].astype(int)
    middle = inner.shape[1] // 2
    excess = inner[..., 0] - inner[..., 2]  # of red over blue
    shares = {"right lung": excess < -20, "left lung": excess > 20}
    return {name: (float(mask[:, :middle].mean()), float(mask[:, middle:].mean())) for name, mask in shares.items()}


def test_each_view_shows_each_lung_on_its_side(core: Any, scene: Any, phantom: Phantom, tmp_path: Path) -> None:
    """As radiologists look: the patient's right is at the viewer's left. The sagittal slice cuts the right lung."""
    picture = render(core, phantom, tmp_path / "views.png")
    assert picture.shape == (2 * TILE + GAP, 2 * TILE + GAP, 3)
    top, bottom = slice(None, TILE), slice(-TILE, None)
    views = {"axial": picture[top, :TILE], "3D": picture[top, -TILE:], "coronal": picture[bottom, :TILE]}
    for name, tile in views.items():
        shown = halves(tile)
        assert shown["right lung"][0] > 0.05 and shown["right lung"][1] < 0.01, (name, shown)
        assert shown["left lung"][1] > 0.05 and shown["left lung"][0] < 0.01, (name, shown)
    sagittal = halves(picture[bottom, -TILE:])
    assert sum(sagittal["right lung"]) > 0.1
    assert sum(sagittal["left lung"]) < 0.01


def test_drawing_again_gives_the_same_picture(core: Any, scene: Any, small_phantom: Phantom, tmp_path: Path) -> None:
    ct = add_volume_node(small_phantom.ct, "Chest")
    node = show_labels(small_phantom.labels, LUNGS, ct, show3d=True)
    pictures = []
    for path in (tmp_path / "first.png", tmp_path / "second.png"):
        render_views(core, ct, node, LEGEND, path)
        pictures.append(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.5


def test_without_lungs_the_ct_is_shown(core: Any, scene: Any, head_phantom: Phantom, tmp_path: Path) -> None:
    picture = render(core, head_phantom, tmp_path / "views.png")
    assert picture[:TILE, :TILE].std() > 20


def test_a_machine_that_cannot_draw_is_told_what_to_install(
    core: Any, scene: Any, small_phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offscreen, "_DRAW_NOTHING", "import os; os.abort()")
    with pytest.raises(MissingDependencyError, match="libegl1"):
        render(core, small_phantom, tmp_path / "views.png")


def test_a_place_that_cannot_be_written_is_named(core: Any, scene: Any, small_phantom: Phantom, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="absent"):
        render(core, small_phantom, tmp_path / "absent" / "views.png")
