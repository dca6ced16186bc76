"""Python for Slicer's console, in examples/ and in the tutorial, on Slicer's core."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import slicer
from label_map_nodes import add_label_map

from LungUNetSegLib.phantom import Phantom
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "in_slicer.py"
TUTORIAL = EXAMPLE.parents[1] / "docs" / "tutorial.md"


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
    assert "Both lungs: DSC 0." in capsys.readouterr().out


def test_the_python_of_the_tutorial_runs(
    scene: Any,
    small_phantom: Phantom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """docs/tutorial.md, with the shipped network; Slicer's module is there in Slicer alone, its logic here too."""
    from LungUNetSegSlicer.logic import LungLogic

    module = ModuleType("LungUNetSeg")
    module.LungUNetSegLogic = LungLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "LungUNetSeg", module)
    monkeypatch.chdir(tmp_path)
    add_volume_node(small_phantom.ct, "LIDC-IDRI-0001")
    add_label_map(small_phantom.labels, "LIDC-IDRI-0001-lungs")
    (block,) = re.findall(r"^```python\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(block, {"slicer": slicer})  # as in Slicer's console
    assert 0 < float(capsys.readouterr().out.splitlines()[-1]) <= 1
    assert "Lung segmentation" in (tmp_path / "report.html").read_text(encoding="utf-8")
