"""The panel's section that segments: from the button to the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.panel import dependencies
from LungUNetSegSlicer.panel.clicks import connect_single_clicks
from LungUNetSegSlicer.panel.dependencies import Package
from LungUNetSegSlicer.panel.failure_log import FailureLog
from LungUNetSegSlicer.panel.model_choice import ModelChoice
from LungUNetSegSlicer.panel.progress_view import ProgressView
from LungUNetSegSlicer.panel.results import ResultsView
from LungUNetSegSlicer.panel.texts import contradiction_text, not_installed_text
from LungUNetSegSlicer.run.error_texts import folder_text
from LungUNetSegSlicer.run.segmentation_run import RunEnd, SegmentationRun
from LungUNetSegSlicer.run.settings import RunSettings
from LungUNetSegSlicer.scene.corrected import has_others_work
from LungUNetSegSlicer.scene.kept_result import lungs_of, remember

_SETTINGS = (
    "inputVolumeSelector", "outputSegmentationSelector", "outputComboBox", "show3dCheckBox", "modelComboBox",
    "modelPathLineEdit", "deviceComboBox", "engineComboBox", "reinstallButton",
)  # fmt: skip
"""The widgets that are locked during a run or an installation."""


class Logic(Protocol):
    """The part of `LungUNetSegLogic` that the panel uses."""

    def startSegmentation(
        self, volumeNode: Any, segmentationNode: Any, settings: RunSettings, onProgress: Any, onEnd: Any
    ) -> SegmentationRun:
        """Start a run in a child process."""


class SegmentPanel:
    """Starts and cancels runs, and shows their progress.

    Args:
        ui: The panel's widgets.
        logic: Starts the runs.
    """

    def __init__(self, ui: Any, logic: Logic) -> None:
        self._ui, self._logic = ui, logic
        self._parameters: Any = None
        self._volume: Any = None
        self._run: SegmentationRun | None = None
        self._run_settings: RunSettings | None = None
        self._run_volume: Any = None
        self._installing = False
        self._started = 0.0
        self._model = ModelChoice(ui, self._set_model)
        self._progress, self._results, self._log = ProgressView(ui), ResultsView(ui), FailureLog(ui)
        self._progress.stop()
        connect_single_clicks(ui.applyButton, self._click)
        ui.inputVolumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._update_button)
        ui.reinstallButton.connect("clicked()", self._reinstall)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None and self._run.running

    def set_parameters(self, parameters: Any) -> None:
        """Use this parameter node from now on; with None, no run can be started."""
        volume = parameters.inputVolume if parameters else None
        if parameters is None or volume is not self._volume:
            self.hide_error()
        self._parameters, self._volume = parameters, volume
        if parameters is None:
            self._results.show(None)
        self.update()

    def update_to_change(self) -> None:
        """Show the parameter node's new values, and hide an error that was about the old ones."""
        self.hide_error()
        self.update()

    def hide_error(self) -> None:
        """Hide what was said about the last run, which the user has seen."""
        if not self.running:
            self._progress.stop()
            self._log.hide()

    def update(self) -> None:
        """Show the parameter node's values."""
        parameters = self._parameters
        if parameters is not None:
            if parameters.inputVolume is not self._volume:
                self._volume = parameters.inputVolume
                # Another CT's segmentation is replaced only if the user chooses it.
                parameters.outputSegmentation = lungs_of(self._volume)
            self._model.show(parameters.model)
            self._results.show(parameters.outputSegmentation)
        self._update_button()
        for name in _SETTINGS:
            getattr(self._ui, name).enabled = not (self.running or self._installing)

    def _update_button(self, *_args: Any) -> None:
        button, reason = self._ui.applyButton, self._why_not()
        # Without any CT the buttons that load one are all there is to click.
        button.visible = self.running or bool(self._ui.inputVolumeSelector.nodeCount())
        button.enabled = self.running or not reason
        if self.running:
            button.text = _("Cancel")
            button.toolTip = _("End the computation; the scene stays as it is.")
        else:
            button.text = _("Segment lungs")
            button.toolTip = reason or _("Find the lungs in the CT. Slicer can be used meanwhile.")

    def list_models(self) -> None:
        """List the own models that were made since; the chosen one stays."""
        self._model.add_own()

    def cancel(self) -> None:
        """Cancel the run, if there is one; see `SegmentationRun.cancel`."""
        if self._run is not None:
            self._run.cancel()

    def _why_not(self) -> str:
        """Return why a run cannot be started now; an empty text if it can."""
        if self._installing:
            return _("Packages are being installed.")
        if self._parameters is None or self._parameters.inputVolume is None:
            return _("Choose a CT first.")
        if problem := self._model.problem():
            return problem
        if self._settings().contradictory:
            return contradiction_text()
        return ""

    def _settings(self) -> RunSettings:
        chosen = self._parameters
        return RunSettings(
            model=chosen.model, device=chosen.device, engine=chosen.engine, output=chosen.output, show3d=chosen.show3d
        )

    def _set_model(self, model: str) -> None:
        if self._parameters is not None:
            self._parameters.model = model

    def _click(self) -> None:
        if self.running:
            self.cancel()
            return
        if reason := self._why_not():
            self._progress.stop(reason)  # the file was removed since it was chosen
        else:
            self._start()

    def _start(self) -> None:
        try:
            ready = self._install_missing(self._settings())
        except LungUNetSegError as error:
            self._progress.stop(str(error))
            return
        if not ready:
            return
        if reason := self._why_not():  # the CT was removed during the installation
            self._progress.stop(reason)
            return
        parameters, settings = self._parameters, self._settings()
        if not _may_replace(parameters.outputSegmentation):
            return
        self._run_settings, self._run_volume = settings, parameters.inputVolume
        self._started = time.monotonic()
        self._log.hide()
        self._progress.start()
        try:
            self._run = self._logic.startSegmentation(
                parameters.inputVolume, parameters.outputSegmentation, settings, self._progress.update, self._finish
            )
        except OSError as error:
            self._progress.stop(folder_text(error))
        self.update()

    def _install_missing(self, settings: RunSettings) -> bool:
        """Return whether all packages for a run are installed, after asking the user about missing ones."""
        package = dependencies.missing(settings)
        if package is None or self._install(package, dependencies.install_with_consent):
            return True
        self._progress.stop(not_installed_text(package.title))
        return False

    def _install(self, package: Package, install: Callable[[Package], bool]) -> bool:
        # The event loop runs to show pip's output, so the button could be clicked again meanwhile.
        self._installing = True
        self.update()
        try:
            return install(package)
        finally:
            self._installing = False
            self.update()

    def _reinstall(self) -> None:
        if self.running or self._installing or self._parameters is None:
            return
        package = dependencies.engine_of(self._settings())
        try:
            if self._install(package, dependencies.reinstall_with_consent):
                self._progress.stop(_("{title} was reinstalled.").format(title=package.title))
        except LungUNetSegError as error:
            self._progress.stop(str(error))

    def _finish(self, end: RunEnd) -> None:
        if end.segmentation is not None and end.result is not None:
            self._keep(end.segmentation, end.result, end.original)
        self._run = self._run_volume = None  # which would keep a CT in memory that the user removes
        self._progress.stop(end.message)
        if end.state == "failed" and self._run_settings is not None:
            self._log.show(end.message, end.log, self._run_settings)
        self.update()

    def _keep(self, segmentation: Any, result: Mapping[str, Any], original: str | None) -> None:
        remember(segmentation, {**result, "elapsed_s": time.monotonic() - self._started}, original)
        # Another CT may have been loaded meanwhile, with its lungs.
        if self._parameters is not None and self._parameters.inputVolume is self._run_volume:
            self._parameters.outputSegmentation = segmentation


def _may_replace(segmentation: Any) -> bool:
    """Return whether a segmentation's lungs may be replaced; the user is asked about what no run could make again."""
    if segmentation is None or not has_others_work(segmentation):
        return True
    text = _(
        "The lungs in {name} were corrected since they were segmented, or another program made them. Replace them?"
        "\n\nTo keep them, cancel, and choose to create a new segmentation under Outputs."
    ).format(name=segmentation.GetName())
    return bool(slicer.util.confirmOkCancelDisplay(text, _("Replace the lungs")))
