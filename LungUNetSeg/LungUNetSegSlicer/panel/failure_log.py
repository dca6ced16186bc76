"""The section "What went wrong": a failed run's log with the environment, to be read and copied."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.environment import describe_environment
from LungUNetSegSlicer.compare.comparison import slicer_version
from LungUNetSegSlicer.run.settings import RunSettings


class FailureLog:
    """Shows the log of the last run that failed; the section is hidden until one does.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        ui.copyLogButton.connect("clicked()", self._copy)
        self.hide()

    def hide(self) -> None:
        """Hide the section; what it held is forgotten."""
        self._ui.logCollapsibleButton.visible = False
        self._ui.logText.setPlainText("")

    def show(self, message: str, log: str, settings: RunSettings) -> None:
        """Show a failure, closed: most users need the sentence above it only.

        Args:
            message: The sentence that the panel tells.
            log: What the child process wrote, or a traceback.
            settings: Of the run.
        """
        parts = (
            message,
            _("What was computed with: {options}").format(options=" ".join(settings.arguments())),
            log or _("The computation left no further words."),
            _environment(),
        )
        self._ui.logText.setPlainText("\n\n".join(parts))
        self._ui.logCollapsibleButton.collapsed = True
        self._ui.logCollapsibleButton.visible = True

    def _copy(self) -> None:
        slicer.app.clipboard().setText(self._ui.logText.plainText)


def _environment() -> str:
    lines = {"Slicer": slicer_version()} | describe_environment(load_engines=False)
    return "\n".join(f"{name}: {value}" for name, value in lines.items())
