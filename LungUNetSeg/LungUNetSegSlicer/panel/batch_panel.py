"""The panel's section that segments several scans: those of a folder, or those of the scene."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import qt
import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from vtk import vtkWeakReference

from LungUNetSegLib.batch.store import Store
from LungUNetSegLib.errors import DataError, LungUNetSegError, MissingDependencyError, ReadError
from LungUNetSegSlicer.panel import dependencies
from LungUNetSegSlicer.panel.batch_table import BatchTable
from LungUNetSegSlicer.panel.dialogs import ask_folder
from LungUNetSegSlicer.panel.section import RunSection
from LungUNetSegSlicer.panel.texts import batch_text, contradiction_text, not_installed_text
from LungUNetSegSlicer.run.batch_results import BatchResults, BatchRow
from LungUNetSegSlicer.run.batch_run import BatchRun, BatchSource
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.settings import RunSettings
from LungUNetSegSlicer.scene.batch_scan import show_batch_scan
from LungUNetSegSlicer.scene.colour_maps import scans_of_scene
from LungUNetSegSlicer.scene.kept_result import remember

LOOK_EVERY_MS = 1000
"""How often new results are looked for."""


class Logic(Protocol):
    """The part of `LungUNetSegLogic` that the section uses."""

    def startBatch(
        self, source: BatchSource, output: Path, settings: RunSettings, onProgress: Any, onEnd: Any
    ) -> BatchRun:
        """Start a batch in a child process."""


class BatchPanel(RunSection):
    """Starts and cancels batches, and shows what they found.

    Args:
        ui: The panel's widgets.
        logic: Starts the batches.
        on_loaded: Called with the volume and the segmentation of a scan that the user loads.
    """

    def __init__(self, ui: Any, logic: Logic, on_loaded: Callable[[Any, Any], None]) -> None:
        super().__init__(ui, "batch", "SourceButton", "Table", "PageButton")
        self._logic, self._on_loaded = logic, on_loaded
        self._folder: Path | None = None
        self._output: Path | None = None
        self._volumes: dict[str, vtkWeakReference] = {}
        self._results: BatchResults | None = None
        self._table = BatchTable(ui.batchTable, self._load)
        ui.batchSourceComboBox.addItem(_("A folder"))
        ui.batchSourceComboBox.addItem(_("All CTs of the scene"))
        ui.batchSourceComboBox.connect("currentIndexChanged(int)", self.update)
        ui.batchSourceButton.connect("clicked()", self._choose_folder)
        ui.batchOutputButton.connect("clicked()", self._choose_output)
        ui.batchPageButton.connect("clicked()", self._open_page)
        self._timer = qt.QTimer()
        self._timer.interval = LOOK_EVERY_MS
        self._timer.connect("timeout()", self._look)
        self.update()

    def close(self) -> None:
        """Cancel the batch, if there is one; what is done is kept in the folder of results."""
        self._timer.stop()
        super().close()

    def update(self, *_args: Any) -> None:
        """Show what is chosen, and what can be done with it."""
        ui = self._ui
        self._show("SourceButton", not self._of_scene)
        _show_folder(ui.batchSourceButton, self._folder)
        _show_folder(ui.batchOutputButton, self._output)
        for name in ("batchSourceComboBox", "batchSourceButton", "batchOutputButton"):
            getattr(ui, name).enabled = not self.running
        reason = self._why_not()
        ui.batchButton.enabled = self.running or not reason
        ui.batchButton.text = _("Cancel") if self.running else _("Segment all")
        ui.batchButton.toolTip = (
            _("End the batch. What is done is kept, and the next batch continues there.") if self.running else reason
        )

    @property
    def _of_scene(self) -> bool:
        return bool(self._ui.batchSourceComboBox.currentIndex == 1)

    def _why_not(self) -> str:
        """Return why a batch cannot be started now; an empty text if it can."""
        if self._parameters is None:
            return _("There is no scene.")
        if not self._of_scene and self._folder is None:
            return _("Choose the folder of the scans first.")
        if self._output is None:
            return _("Choose a folder for the results first.")
        if self._settings().contradictory:
            return contradiction_text()
        return ""

    def _settings(self) -> RunSettings:
        chosen = self._parameters
        return RunSettings(model=chosen.model, device=chosen.device, engine=chosen.engine, output=chosen.output)

    def _choose_folder(self) -> None:
        self._folder = ask_folder(_("Folder of scans")) or self._folder
        self.update()

    def _choose_output(self) -> None:
        chosen = ask_folder(_("Folder of results"))
        if chosen is not None:
            self._output = chosen
            self._table.clear()
            self._results = BatchResults(chosen)
            self._look()  # for what an earlier batch has done
        self.update()

    def _start(self) -> BatchRun:
        assert self._output is not None
        settings = self._settings()
        volumes = _volumes_of_scene() if self._of_scene else {}
        if self._of_scene and not volumes:
            raise DataError(_("There is no CT in the scene."))
        package = dependencies.missing(settings)
        if package is not None and not dependencies.install_with_consent(package):
            raise MissingDependencyError(not_installed_text(package.title))
        source = volumes or self._folder
        assert source is not None
        self._volumes = {name: _weakly(node) for name, node in volumes.items()}
        self._say(_("Looking for scans..."))
        run = self._logic.startBatch(source, self._output, settings, self._progress, self._finish)
        if run.running:
            self._timer.start()
        return run

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._show_progress(done, total, batch_text(stage, done, total))

    def _finish(self, end: ChildEnd) -> None:
        self._timer.stop()
        self._show("ProgressBar", False)
        self._look()
        texts = {"done": _("All scans are done."), "cancelled": _("Cancelled. What is done is kept.")}
        self._say(texts.get(end.state, end.message))
        self.update()

    def _look(self) -> None:
        if self._results is not None:
            for row in self._results.fresh():
                self._table.show(row)
        self._show("Table", not self._table.is_empty)
        self._show("PageButton", self._output is not None and Store(self._output).page.is_file())

    def _open_page(self) -> None:
        assert self._output is not None
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(Store(self._output).page)))

    def _volume_of(self, title: str) -> vtkMRMLScalarVolumeNode | None:
        """Return the scan of a row if it is one of the scene; None if it is a file.

        Raises:
            ReadError: It is no longer in the scene.
        """
        if title not in self._volumes:
            return None
        node = self._volumes[title].Get()
        if node is None or not slicer.mrmlScene.IsNodePresent(node):
            text = _("The CT {title} is no longer in the scene. Load it, and segment all again.")
            raise ReadError(text.format(title=title))
        return node

    def _load(self, row: BatchRow) -> None:
        """Load a scan of the table."""
        assert self._output is not None
        if row.error:
            self._say(row.error)
            return
        try:
            with slicer.util.WaitCursor():
                volume, lungs = show_batch_scan(self._output, row.report, row.title, self._volume_of(row.title))
        except (LungUNetSegError, OSError) as error:
            self._say(str(error))
            return
        remember(lungs, {**row.report, "elapsed_s": sum(row.report["seconds"].values())})
        self._on_loaded(volume, lungs)


def _weakly(node: vtkMRMLScalarVolumeNode) -> vtkWeakReference:
    """Return a reference that does not keep a CT in memory that the user removes, or whose scene is closed."""
    reference = vtkWeakReference()
    reference.Set(node)
    return reference


def _show_folder(button: Any, folder: Path | None) -> None:
    button.text = folder.name or str(folder) if folder else _("Choose a folder...")
    button.toolTip = str(folder) if folder else ""


def _volumes_of_scene() -> dict[str, vtkMRMLScalarVolumeNode]:
    """Return the scene's scans by names that differ."""
    found: dict[str, vtkMRMLScalarVolumeNode] = {}
    for node in scans_of_scene():
        if node.GetImageData() is None:
            continue
        name, number = node.GetName(), 1
        while name in found:
            number += 1
            name = f"{node.GetName()} {number}"
        found[name] = node
    return found
