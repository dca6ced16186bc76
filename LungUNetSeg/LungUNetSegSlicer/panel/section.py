"""What sections of the panel have in common: hidden widgets, a status line, and a run that can be cancelled."""

from __future__ import annotations

from typing import Any, Protocol

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.panel.clicks import connect_single_clicks
from LungUNetSegSlicer.run.error_texts import folder_text


class Section:
    """A collapsible section with a status line, some of whose widgets are hidden at times.

    Args:
        ui: The panel's widgets.
        name: With which the names of the section's widgets begin, such as "batch" in "batchStatusLabel".
        hidden: The rest of the names of the widgets that are hidden at first, beside the status line.
    """

    def __init__(self, ui: Any, name: str, *hidden: str) -> None:
        self._ui, self._name = ui, name
        for kind in ("StatusLabel", *hidden):
            self._show(kind, False)

    def _widget(self, kind: str) -> Any:
        return getattr(self._ui, self._name + kind)

    def _show(self, kind: str, is_wanted: bool) -> None:
        """Show or hide a widget, as soon as the section is open (CTK's ctkCollapsibleButton remembers it)."""
        self._widget(kind).visible = is_wanted

    def _say(self, text: str) -> None:
        self._widget("StatusLabel").text = text
        self._show("StatusLabel", bool(text))


class Run(Protocol):
    """A run in a child process; see `run.child_run.ChildRun`."""

    @property
    def running(self) -> bool: ...
    def cancel(self) -> None: ...


class RunSection(Section):
    """A section with a button that starts a run in a child process, or cancels it. Subclasses make the run."""

    def __init__(self, ui: Any, name: str, *hidden: str) -> None:
        super().__init__(ui, name, "ProgressBar", *hidden)
        self._parameters: Any = None
        self._run: Run | None = None
        connect_single_clicks(self._widget("Button"), self._click)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None and self._run.running

    def set_parameters(self, parameters: Any) -> None:
        """Use this parameter node from now on; with None, nothing can be started."""
        self._parameters = parameters
        self.update()

    def close(self) -> None:
        """Cancel the run, if there is one; what is finished is kept on disk."""
        if self._run is not None:
            self._run.cancel()

    def update(self, *_args: Any) -> None:
        """Show what is chosen, and what can be done with it."""
        raise NotImplementedError

    def _why_not(self) -> str:
        """Return why nothing can be started now; an empty text if it can."""
        raise NotImplementedError

    def _start(self) -> Run:
        """Start a run.

        Raises:
            LungUNetSegError: It cannot be started; says why.
            OSError: No temporary folder can be made.
        """
        raise NotImplementedError

    def _click(self) -> None:
        if self.running:
            self.close()
        elif not self._why_not():
            self._begin()

    def _begin(self) -> None:
        try:
            self._run = self._start()
        except LungUNetSegError as error:
            self._say(str(error))
        except OSError as error:
            self._say(folder_text(error))
        if self.running:  # not where the child could not be started, which Qt may say at once
            self._widget("ProgressBar").setRange(0, 0)
            self._show("ProgressBar", True)
        self.update()

    def _show_progress(self, done: int, total: int, text: str) -> None:
        bar = self._widget("ProgressBar")
        bar.setRange(0, total)
        bar.setValue(done)
        self._say(text)
