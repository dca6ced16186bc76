"""Two segmentations to compare, the section that compares them, and answers to file dialogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_map_nodes import add_label_map

from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume


@pytest.fixture
def views(app) -> Iterator[Any]:
    """The application's views, in four-up layout; the layout node."""
    import slicer

    node = app.layoutManager().layoutLogic().GetLayoutNode()
    node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    yield node
    app.layoutManager().let_go()


@pytest.fixture
def compared_nodes(app, small_phantom) -> tuple[Any, Any, Any]:
    """A CT, the phantom's lungs moved by a row as prediction, and the lungs as a label map volume."""
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    labels = small_phantom.labels
    ct = add_volume_node(small_phantom.ct, "Chest")
    moved = Volume(np.roll(labels.array, 1, axis=1), labels.geometry)
    return ct, show_labels(moved, LUNGS, ct), add_label_map(labels)


@pytest.fixture
def compare(panel, views, compared_nodes, wait_until) -> Callable[..., Any]:
    """Open the section, choose both nodes, click "Compare", and wait; return the widgets."""
    ui = panel.ui

    def run(prediction: Any = compared_nodes[1], reference: Any = compared_nodes[2]) -> Any:
        ui.comparisonCollapsibleButton.collapsed = False
        ui.predictionSelector.setCurrentNode(prediction)
        ui.referenceSelector.setCurrentNode(reference)
        panel.click(ui.compareButton)
        wait_until(lambda: not panel.widget.comparePanel.running)
        return ui

    return run


@pytest.fixture
def save_as(monkeypatch, tmp_path) -> Callable[[str], Path]:
    """Answer the next file dialogs with a path in a temporary folder, as PythonQt returns it; "" cancels them."""
    import qt

    def answer(name: str) -> Path:
        path = tmp_path / name
        # PythonQt returns the path alone, PySide the chosen filter too.
        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(path) if name else "")
        return path

    return answer
