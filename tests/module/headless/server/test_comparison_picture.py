"""The picture of a comparison: each part in its place and colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.comparison import compare_nodes
from LungUNetSegSlicer.compare.display import DIFFERENCES
from LungUNetSegSlicer.scene.segmentation_node import show_labels
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node
from LungUNetSegSlicer.server.comparison_picture import render_comparison
from LungUNetSegSlicer.server.offscreen import GAP, TILE


def share_of(tile: np.ndarray, colour: tuple[float, float, float]) -> float:
    """Return how much of a tile, without its captions, has about the hue of a colour."""
    inner = tile[80:-180, 60:-60].reshape(-1, 3).astype(float)
    tint = inner - inner.mean(axis=1, keepdims=True)
    wanted = np.subtract(colour, np.mean(colour))
    strength = np.linalg.norm(tint, axis=1)
    alike = tint @ wanted / np.maximum(strength * np.linalg.norm(wanted), 1e-9)
    return float(((alike > 0.97) & (strength > 15)).mean())


def test_six_views_side_by_side(core: Any, scene: Any, small_phantom: Phantom, tmp_path: Path) -> None:
    """The prediction lacks the left lung's back, and its right lung reaches too far: both in their colours."""
    labels = small_phantom.labels
    wrong = np.where((labels.array == 2) & (np.arange(64)[:, None] > 36), 0, labels.array)
    wrong[12, 20:40, 8:14] = 1
    ct = add_volume_node(small_phantom.ct, "Chest")
    result = compare_nodes(
        show_labels(Volume(wrong.astype(np.uint8), labels.geometry), LUNGS, ct), show_labels(labels, LUNGS, ct)
    )
    for path in (tmp_path / "first.png", tmp_path / "second.png"):
        render_comparison(core, result, 12, path)
        picture = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert picture.shape == (2 * TILE + GAP, 3 * TILE + 2 * GAP, 3)
        middle = slice(TILE + GAP, -TILE - GAP)
        prediction, reference, difference = picture[:TILE, :TILE], picture[:TILE, middle], picture[:TILE, -TILE:]
        surface, plot, scores = picture[-TILE:, :TILE], picture[-TILE:, middle], picture[-TILE:, -TILE:]
        left = LUNGS[1].colour
        assert 0 < share_of(prediction, left) < 0.8 * share_of(reference, left)
        assert min(share_of(difference, each.colour) for each in DIFFERENCES) > 0.005
        assert surface[100:-200, 100:-200].std() > 20
        for lung in LUNGS:
            assert (np.abs(plot - np.multiply(lung.colour, 255)).max(axis=-1) < 12).mean() > 0.001
        assert 0.005 < (scores < 128).mean() < 0.1  # ink on paper
