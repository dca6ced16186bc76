"""The panel's check box that shows the map of local density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer import vtkMRMLSegmentationNode

from LungUNetSegSlicer.panel.texts import averaging_text, density_map_text
from LungUNetSegSlicer.panel.work import Work
from LungUNetSegSlicer.scene.local_density import LocalDensity, local_density_steps, shown_density


class DensityMapView:
    """Shows the map of a segmentation while the box is checked.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._work = Work(self._fail)
        self._shown: LocalDensity | None = None
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._result: Mapping[str, Any] | None = None
        ui.densityMapCheckBox.connect("toggled(bool)", self._switch)

    @property
    def running(self) -> bool:
        """Whether the map is being made."""
        return self._work.running

    @property
    def shown(self) -> LocalDensity | None:
        """The map that is shown."""
        return self._shown

    def show(self, segmentation: vtkMRMLSegmentationNode | None, result: Mapping[str, Any] | None) -> None:
        """Show maps of this segmentation from now on; a map of another one, or of changed lungs, is removed.

        A scene may have been saved while it showed the map: it is then shown still.
        """
        if segmentation is not self._segmentation or result != self._result:
            self.close()
            self._shown = shown_density(segmentation) if segmentation is not None else None
        self._segmentation, self._result = segmentation, result
        if self._shown is not None and not self._ui.densityMapCheckBox.checked:
            self._ui.densityMapCheckBox.checked = True  # which calls `_switch`

    def close(self) -> None:
        """Stop, and take the map away."""
        if self._ui.densityMapCheckBox.checked:
            self._ui.densityMapCheckBox.checked = False  # which calls `_switch`

    def _switch(self, checked: bool) -> None:
        self._work.stop()
        if checked and self._shown is not None:
            self._say(density_map_text())
            return
        if self._shown is not None:
            self._shown.remove()
            self._shown = None
        self._say("")
        if checked and self._segmentation is not None:
            self._say(averaging_text())
            self._work.start(local_density_steps(self._segmentation), self._finish)

    def _finish(self, shown: LocalDensity) -> None:
        self._shown = shown
        self._say(density_map_text())

    def _fail(self, message: str) -> None:
        self.close()
        self._say(message)

    def _say(self, text: str) -> None:
        self._ui.resultsNoteLabel.text = text
        self._ui.resultsNoteLabel.visible = bool(text)
