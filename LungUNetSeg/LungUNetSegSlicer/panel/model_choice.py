"""The choice of a network: one that comes with the module, or a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LungUNetSegLib.models.model import CHECKPOINT_SUFFIXES, DEFAULT_MODEL, own_models, shipped_models

_A_FILE = ""
"""The list entry's data for "From a file"."""


class ModelChoice:
    """A list of models and a path below it, as one value: the name of a shipped or own model, or a path.

    The first, a shipped one, is chosen until the user chooses.

    Args:
        ui: The panel's widgets.
        on_changed: Called with the new value when the user chooses.
    """

    def __init__(self, ui: Any, on_changed: Callable[[str], None]) -> None:
        self._list, self._path, self._on_changed = ui.modelComboBox, ui.modelPathLineEdit, on_changed
        for name in shipped_models() or [DEFAULT_MODEL]:
            self._list.addItem(name, name)
        self._list.addItem(_("From a file"), _A_FILE)
        self.add_own()
        self._path.visible = False
        self._list.connect("currentIndexChanged(int)", self._choose)
        # Not currentPathChanged: it is emitted only for texts that the name filters match (CTK,
        # ctkPathLineEdit.cpp, updateHasValidInput), so that the earlier path would stay while another is shown.
        self._path.comboBox().connect("editTextChanged(QString)", self._choose)

    def add_own(self) -> None:
        """Add the user's own models that are not in the list yet; the chosen one stays."""
        for name in own_models():
            if self._list.findData(name) < 0:
                self._list.addItem(_("{name} (own)").format(name=name), name)

    @property
    def value(self) -> str:
        """The name of a shipped or own model, or the shown path of a model; empty while no file is chosen."""
        return str(self._list.currentData or self._path.currentPath)

    def problem(self) -> str:
        """Return why the shown model cannot be used; an empty text if it can."""
        if self._list.currentData != _A_FILE:
            return ""
        path = Path(self.value)
        if not self.value:
            return _("Choose the file of a network first.")
        if not path.exists():
            return _("There is no file {path}. Choose the file of a network.").format(path=path)
        if path.is_file() and path.suffix not in (".json", *CHECKPOINT_SUFFIXES):
            return _("{path} is not a network: choose a manifest (.json) or a checkpoint (.pt).").format(path=path.name)
        return ""

    def show(self, value: str) -> None:
        """Show a saved value."""
        if value == self.value:
            return
        index = self._list.findData(value) if value else -1
        if index < 0:
            index = self._list.findData(_A_FILE)
            self._path.setCurrentPath(value)
        self._list.setCurrentIndex(index)

    def _choose(self, *_: object) -> None:
        self._path.visible = self._list.currentData == _A_FILE
        self._on_changed(self.value)
