"""The panel's section that trains a model further on the user's corrected cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError, MissingDependencyError
from LungUNetSegLib.models.model import load_model, own_model_folder
from LungUNetSegLib.segments import title_of
from LungUNetSegSlicer.panel.dependencies import ONNX, ONNXSCRIPT, TORCH, install_with_consent, is_installed
from LungUNetSegSlicer.panel.dialogs import ask_folder
from LungUNetSegSlicer.panel.section import RunSection
from LungUNetSegSlicer.panel.texts import finetune_text
from LungUNetSegSlicer.run.child_process import ChildEnd
from LungUNetSegSlicer.run.finetune_run import FinetuneRun, FinetuneSettings
from LungUNetSegSlicer.run.settings import RunSettings

MB_OF_GB = 1000


class Logic(Protocol):
    """The part of `LungUNetSegLogic` that the section uses."""

    def startFinetuning(self, settings: FinetuneSettings, onProgress: Any, onEnd: Any) -> FinetuneRun:
        """Start a fine-tuning in a child process."""


class FinetunePanel(RunSection):
    """Starts and cancels fine-tunings, and shows the scores before and after.

    Args:
        ui: The panel's widgets.
        logic: Starts the fine-tunings.
        on_model: Called when there is a new model.
    """

    def __init__(self, ui: Any, logic: Logic, on_model: Callable[[], None]) -> None:
        super().__init__(ui, "finetune")
        self._logic, self._on_model = logic, on_model
        self._folder: Path | None = None
        self._model_name = ""
        ui.finetuneFolderButton.connect("clicked()", self._choose_folder)
        ui.finetuneNameLineEdit.connect("textChanged(QString)", self.update)
        self.update()

    def update(self, *_args: Any) -> None:
        """Show what is chosen, and what can be done with it."""
        ui, reason = self._ui, self._why_not()
        ui.finetuneFolderButton.text = self._folder.name if self._folder else _("Choose a folder...")
        ui.finetuneFolderButton.toolTip = str(self._folder or _("Cases of “Save as training case”."))
        for name in ("finetuneFolderButton", "finetuneNameLineEdit", "finetuneMemorySpinBox"):
            getattr(ui, name).enabled = not self.running
        ui.finetuneButton.enabled = self.running or not reason
        ui.finetuneButton.text = _("Cancel") if self.running else _("Fine-tune on my cases")
        ui.finetuneButton.toolTip = (
            _("End the training. The same cases and name continue it after the last finished epoch.")
            if self.running
            else reason or _("Train the model that is chosen under Advanced further; Slicer can be used meanwhile.")
        )

    def _why_not(self) -> str:
        """Return why a fine-tuning cannot be started now; an empty text if it can."""
        if self._parameters is None:
            return _("There is no scene.")
        if self._folder is None:
            return _("Choose the folder of your cases first.")
        name = self._ui.finetuneNameLineEdit.text.strip()
        if not name:
            return _("Give the new model a name first.")
        try:
            own_model_folder(name)
        except LungUNetSegError as error:
            return str(error)
        return ""

    def _choose_folder(self) -> None:
        self._folder = ask_folder(_("Folder of training cases")) or self._folder
        self.update()

    def _start(self) -> FinetuneRun:
        assert self._folder is not None
        self._model_name = self._ui.finetuneNameLineEdit.text.strip()
        chosen = RunSettings(model=self._parameters.model, device=self._parameters.device)
        settings = FinetuneSettings(
            data=self._folder,
            name=self._model_name,
            model=chosen.model,
            device=chosen.library_device,
            memory_mb=MB_OF_GB * self._ui.finetuneMemorySpinBox.value,
        )
        for package in (TORCH, ONNX, ONNXSCRIPT):
            if not is_installed(package) and not install_with_consent(package):
                text = _("Nothing was installed. Training needs {title}.")
                raise MissingDependencyError(text.format(title=package.title))
        self._say(_("Reading the cases..."))
        return self._logic.startFinetuning(settings, self._progress, self._finish)

    def _progress(self, stage: str, done: int, total: int) -> None:
        self._show_progress(done, total, finetune_text(stage))

    def _finish(self, end: ChildEnd) -> None:
        self._show("ProgressBar", False)
        if end.state == "done":
            self._say(_scores_text(self._model_name))
            self._on_model()
        else:
            self._say(end.message or _("Cancelled. The same cases and name continue it after the last finished epoch."))
        self.update()


def _scores_text(name: str) -> str:
    """Return what a new model's manifest says of the scans that were kept apart, for people."""
    manifest = load_model(name).manifest
    assert manifest is not None
    (found,) = manifest.scores.values()
    lines = [
        f"{row['case']}, {title_of(row['lung'])}: {before:.4f} → {after:.4f}"
        for row in found["lungs"]
        for before, after in [row["dsc"]]
        if before is not None and after is not None
    ]
    text = _("The model {name} is in the list under Advanced; it is used only if you choose it.").format(name=name)
    return "\n".join([text, _("DSC before and after, for scans that were not used for training:"), *lines])
