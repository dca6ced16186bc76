"""The section "What went wrong": shows a failed run's log with the environment, for copying into a bug report."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.environment import describe_environment
from LungUNetSegSlicer.compare.comparison import slicer_version
from LungUNetSegSlicer.run.settings import RunSettings


class FailureLog:
    """Shows the log of the last failed run; the section is hidden until a run fails.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        ui.copyLogButton.connect("clicked()", self._copy)
        self.hide()

    def hide(self) -> None:
        """Hide and clear the section."""
        self._ui.logCollapsibleButton.visible = False
        self._ui.logText.setPlainText("")

    def show(self, message: str, log: str, settings: RunSettings) -> None:
        """Show a failure with the section collapsed, as most users need only the sentence above it.

        Args:
            message: The sentence that the panel shows.
            log: The child process's output, or a traceback.
            settings: Settings of the run.
        """
        parts = (
            message,
            _("Options of the run: {options}").format(options=" ".join(settings.arguments())),
            log or _("The computation wrote no log."),
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
