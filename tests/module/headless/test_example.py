"""examples/in_slicer.py on Slicer's core: it segments the CT of the scene and scores it against a reference."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from label_map_nodes import add_label_map

from LungUNetSegLib.phantom import Phantom
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "in_slicer.py"


def test_the_ct_of_the_scene_is_segmented_and_scored(
    scene: Any, small_phantom: Phantom, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_volume_node(small_phantom.ct, "Chest")
    example = runpy.run_path(str(EXAMPLE))
    node = example["segment_loaded_ct"](model=str(tiny_model))
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    printed = capsys.readouterr().out
    assert "right: " in printed and "total: " in printed and "DSC" not in printed
    reference = add_label_map(small_phantom.labels, "Reference")
    example["segment_loaded_ct"](reference, model=str(tiny_model))
    assert "Lungs: DSC 0." in capsys.readouterr().out
