"""Draws the panel's pictures of docs/images, and each state of the panel in four looks.

From the repository: ``PYTHONPATH=tests python -m panel_helpers.screenshot SCAN FOLDER``, with the sample scan or its
folder. FOLDER gets every state at 460 and 900 pixels, light and dark, to be looked at; docs/images gets those at 460
pixels and light that the tutorial shows.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

WIDTHS, SCALE = (460, 900), "2"
IN_DOCS = {"first": "panel-first", "running": "panel-running", "results": "panel", "failed": "panel-failed",
           "compared": "panel-compared", "repaired": "panel-check", "dates": "panel-dates"}  # fmt: skip
"""The states that the tutorial shows, and their pictures' names."""

DARK = {"Window": "#353535", "WindowText": "#ffffff", "Base": "#232323", "AlternateBase": "#353535", "Text": "#ffffff",
        "Button": "#353535", "ButtonText": "#ffffff", "ToolTipBase": "#353535", "ToolTipText": "#ffffff",
        "Mid": "#4a4a4a", "Link": "#5bb8f0"}  # fmt: skip
"""About the colours of Slicer's dark style (Base/QTGUI/qSlicerStyle.cxx)."""

DISABLED = "#7f7f7f"
FOUR_UP = 3
"""vtkMRMLLayoutNode::SlicerLayoutFourUpView."""


class Photographer:
    """Saves the panel as it is, in four looks.

    Args:
        app: The application.
        panel: The panel.
        folder: Where the pictures go.
    """

    def __init__(self, app: Any, panel: Any, folder: Path) -> None:
        import qt

        self._app, self._panel, self._folder = app, panel, folder
        self._light, self._dark = app.palette(), qt.QPalette()
        for role, colour in DARK.items():
            self._dark.setColor(getattr(qt.QPalette, role), qt.QColor(colour))
        for role in ("WindowText", "Text", "ButtonText"):
            self._dark.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, role), qt.QColor(DISABLED))

    def take(self, state: str) -> None:
        """Save a state."""
        for look, palette in (("light", self._light), ("dark", self._dark)):
            self._app.setPalette(palette)
            for width in WIDTHS:
                path = self._folder / f"{state}-{width}-{look}.png"
                assert self._grab(width).save(str(path))
                if state in IN_DOCS and (width, look) == (WIDTHS[0], "light"):
                    shutil.copy(path, _images() / f"{IN_DOCS[state]}.png")
        self._app.setPalette(self._light)

    def _grab(self, width: int) -> Any:
        """Return a picture of the panel down to its last widget."""
        frame = self._panel.module.widgetRepresentation()
        frame.setFixedWidth(width)
        for _ in range(3):  # widths of columns, heights of rows, places of what is below
            self._app.processEvents()
        frame.setFixedHeight(max(frame.sizeHint.height(), frame.layout().totalHeightForWidth(width)))
        self._app.processEvents()
        picture = frame.grab()
        frame.setMinimumSize(0, 0)
        frame.setMaximumSize(16777215, 16777215)
        return picture


def main(scan_path: str, folder: Path) -> None:
    """Take the module through its states on a scan."""
    os.environ["QT_SCALE_FACTOR"] = SCALE
    from host import application
    from panel_helpers.panel import Panel

    app = application.start()
    from LungUNetSegLib import sample
    from LungUNetSegLib.io import read_labels, read_scan
    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    def wait_until(condition: Callable[[], bool], seconds: float = 400.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            app.processEvents()
            time.sleep(0.01)

    folder.mkdir(parents=True, exist_ok=True)
    panel = Panel(app, wait_until)
    panel.window.resize(WIDTHS[1] + 100, 1000)
    photographer = Photographer(app, panel, folder)
    photographer.take("first")
    scan = read_scan(scan_path).volume
    ct = add_volume_node(scan, sample.NAME)
    photographer.take("ready")
    panel.click(panel.ui.applyButton)
    wait_until(lambda: not panel.running or ("left" in panel.ui.statusLabel.text and panel.ui.progressBar.value > 60))
    if panel.running:  # an idle machine may be done before it tells the time left
        photographer.take("running")
    wait_until(lambda: not panel.running)
    panel.ui.applyButton.clearFocus()
    photographer.take("results")
    panel.click(panel.ui.densityMapCheckBox)
    wait_until(lambda: "HU (red)" in panel.ui.resultsNoteLabel.text)
    photographer.take("local-density")
    panel.click(panel.ui.densityMapCheckBox)
    _repair(panel, photographer, wait_until)
    reference = show_labels(read_labels(sample.MASK), LUNGS, ct)
    reference.SetName(f"{sample.NAME} reference")
    for section in (panel.ui.resultsCollapsibleButton, panel.ui.inputsCollapsibleButton):
        section.collapsed = True
    panel.ui.outputsCollapsibleButton.collapsed = True
    panel.ui.comparisonCollapsibleButton.collapsed = False
    panel.ui.referenceSelector.setCurrentNode(reference)
    app.layoutManager().layoutLogic().GetLayoutNode().SetViewArrangement(FOUR_UP)
    panel.click(panel.ui.compareButton)
    wait_until(lambda: not panel.widget.comparePanel.running)
    photographer.take("compared")
    panel.ui.comparisonCollapsibleButton.collapsed = True
    _compare_dates(panel, photographer, wait_until, scan)
    panel.ui.inputsCollapsibleButton.collapsed = panel.ui.outputsCollapsibleButton.collapsed = False
    manifest = folder / "manifest.json"
    manifest.write_text('{"name": "another program\'s"}', encoding="utf-8")
    panel.ui.advancedCollapsibleButton.collapsed = False
    panel.choose(panel.ui.modelComboBox, "From a file")
    panel.ui.modelPathLineEdit.setCurrentPath(str(manifest))
    panel.run()
    panel.ui.logCollapsibleButton.collapsed = False
    photographer.take("failed")
    panel.close()


def _repair(panel: Any, photographer: Photographer, wait_until: Callable[..., None]) -> None:
    """Look at a doubtful slice, cut the right lung's lowest slices away, fill a hole in it, and measure again."""
    import numpy as np
    import slicer

    from LungUNetSegSlicer.scene.lung_segments import SCRIBBLES
    from LungUNetSegSlicer.scene.segment_editor import set_up_editor

    def paint(segment: str, mask: Any) -> None:
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, segment, volume)

    ui, segmentation = panel.ui, panel.parameters.outputSegmentation
    volume = panel.parameters.inputVolume
    ui.resultsCollapsibleButton.collapsed = ui.inputsCollapsibleButton.collapsed = True
    ui.outputsCollapsibleButton.collapsed, ui.checkCollapsibleButton.collapsed = True, False
    panel.click(ui.nextDoubtfulButton)
    photographer.take("doubtful")
    whole = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "RightLung", volume)
    mask = whole.copy()
    lowest, highest = np.flatnonzero(mask.any(axis=(1, 2)))[[0, -1]]
    mask[lowest : lowest + 3] = 0
    middle = (lowest + highest) // 2
    row, column = np.argwhere(mask[middle])[mask[middle].sum() // 2]
    hole = np.s_[middle - 2 : middle + 3, row - 12 : row + 13, column - 12 : column + 13]
    mask[hole] = 0
    paint("RightLung", mask)
    set_up_editor(segmentation, volume, scribble=True)
    marks = np.zeros_like(mask)
    marks[middle, row - 6 : row + 7, column] = 1
    paint(SCRIBBLES, marks)
    for button in (ui.fillRightButton, ui.measureAgainButton):
        panel.click(button)
        wait_until(lambda button=button: button.enabled)
        print(ui.checkNoteLabel.text)
    photographer.take("repaired")
    ui.resultsCollapsibleButton.collapsed = False
    photographer.take("measured-again")
    paint("RightLung", whole)
    ui.checkCollapsibleButton.collapsed = True


def _compare_dates(panel: Any, photographer: Photographer, wait_until: Callable[..., None], scan: Any) -> None:
    """Compare the scan with one that is 30 HU denser in the lower half of the lungs, and show where."""
    import numpy as np

    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegLib.volume import Volume
    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.scene.lung_masks import lung_mask_steps
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    ui, first = panel.ui, panel.parameters.outputSegmentation
    labels = finish(lung_mask_steps(first, panel.parameters.inputVolume)).labels
    lower = labels.array > 0
    heights = np.flatnonzero(lower.any(axis=(1, 2)))
    lower[int(heights.mean()) :] = False
    later = add_volume_node(Volume(scan.array + 30 * lower.astype(np.int16), scan.geometry), "A year later")
    second = show_labels(labels, LUNGS, later)
    second.SetName("A year later lungs")
    ui.datesCollapsibleButton.collapsed = False
    ui.firstDateSelector.setCurrentNode(first)
    ui.secondDateSelector.setCurrentNode(second)
    for widget in (ui.datesButton, ui.densityChangeCheckBox):
        panel.click(widget)
        wait_until(lambda: not panel.widget.datesPanel.running)
    photographer.take("dates")
    panel.click(ui.densityChangeCheckBox)
    ui.datesCollapsibleButton.collapsed = True


def _images() -> Path:
    from host import application

    return application.REPOSITORY / "docs" / "images"


if __name__ == "__main__":
    # A published picture of the log says nothing of the machine that it was drawn on.
    with (
        patch("platform.platform", return_value="Linux-x86_64"),
        patch("LungUNetSegLib.environment._processor", return_value="x86_64"),
    ):
        main(sys.argv[1], Path(sys.argv[2]))
