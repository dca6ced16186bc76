"""The section that helps a user with an empty scene to load a CT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.panel.dialogs import ask_folder
from LungUNetSegSlicer.panel.work import Work
from LungUNetSegSlicer.scene.dicom_folder import load_largest_ct
from LungUNetSegSlicer.scene.sample_data import SCAN_NAME, SCAN_URI, cache_steps


class FirstScan:
    """A sentence and two buttons that load a CT, shown while the scene has no CT.

    Args:
        ui: The panel's widgets.
        on_loaded: Called with a volume node that was loaded.
    """

    def __init__(self, ui: Any, on_loaded: Callable[[Any], None]) -> None:
        self._ui, self._on_loaded = ui, on_loaded
        self._work = Work(self._say)
        self._has_note = False
        ui.loadDicomButton.connect("clicked()", self._load_folder)
        ui.loadSampleButton.connect("clicked()", self._fetch_sample)
        # It is called for scalar volumes only, not for label maps and colour images.
        ui.inputVolumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.update)
        self.update()

    def update(self, *_: Any) -> None:
        """Show the section while there is no CT to choose, or while it shows a message about loading."""
        has_scan = bool(self._ui.inputVolumeSelector.nodeCount())
        self._ui.firstScanFrame.visible = not has_scan or self._has_note
        for name in ("firstScanLabel", "loadDicomButton", "loadSampleButton"):
            getattr(self._ui, name).visible = not has_scan
        for name in ("loadDicomButton", "loadSampleButton"):
            getattr(self._ui, name).enabled = not self._work.running

    def forget(self) -> None:
        """Hide what was said about a scan whose scene is closed; a download goes on."""
        if not self._work.running:
            self._say("")

    def close(self) -> None:
        """Stop waiting for a download."""
        self._work.stop()

    def _load_folder(self) -> None:
        folder = ask_folder(_("Load a DICOM folder"))
        if folder is None:
            return
        self._say("")
        try:
            with slicer.util.WaitCursor():
                node, others = load_largest_ct(folder)
        except (LungUNetSegError, OSError) as error:
            self._say(str(error))
            return
        if others:
            text = _("The largest of {count} CT series was loaded; the module DICOM loads the others.")
            self._say(text.format(count=others + 1))
        self._on_loaded(node)

    def _fetch_sample(self) -> None:
        self._say(_("Fetching the sample (35 MB, once)..."))
        self._work.start(cache_steps(SCAN_URI), self._load_sample)
        self.update()

    def _load_sample(self, _path: Path) -> None:
        import SampleData

        self._say("")
        try:
            node = SampleData.SampleDataLogic().downloadSample(SCAN_NAME)
        except Exception as error:  # any error of Slicer's readers is shown here, where the user looks
            self._say(str(error))
            return
        self._on_loaded(node)

    def _say(self, text: str) -> None:
        self._has_note = bool(text)
        self._ui.firstScanNoteLabel.text = text
        self._ui.firstScanNoteLabel.visible = self._has_note
        self.update()
