"""The panel's section that compares two dates: changes, both scans side by side, change of density, report."""

from __future__ import annotations

import html
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from LungUNetSegLib.followup.changes import ADJUSTED
from LungUNetSegLib.followup.compared import Followup
from LungUNetSegSlicer.compare.date_views import DateViews
from LungUNetSegSlicer.compare.dates import DensityChange, dates_steps, density_change_steps, report_steps
from LungUNetSegSlicer.panel.clicks import connect_single_clicks
from LungUNetSegSlicer.panel.density import DOUBT, density_names
from LungUNetSegSlicer.panel.dialogs import ask_path
from LungUNetSegSlicer.panel.section import Section
from LungUNetSegSlicer.panel.tables import fill_table, set_headers, set_up_table
from LungUNetSegSlicer.panel.texts import segment_names, signed_text, warnings_html
from LungUNetSegSlicer.panel.work import Work


class DatesPanel(Section):
    """Compares two dates, and shows a table of changes and linked slices.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        super().__init__(ui, "dates", "Table")
        self._work, self._views = Work(self._fail), DateViews()
        self._found: Followup | None = None
        self._second: Any = None
        self._change: DensityChange | None = None
        ui.datesTable.setColumnCount(4)
        set_up_table(ui.datesTable, narrow=(1, 2, 3))
        for selector in (ui.firstDateSelector, ui.secondDateSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.update)
        connect_single_clicks(ui.datesButton, self._click)
        ui.datesReportButton.connect("clicked()", self._report)
        ui.densityChangeCheckBox.connect("toggled(bool)", self._switch_change)
        self.update()

    @property
    def running(self) -> bool:
        """Whether a comparison, a deformation or a report is under way."""
        return self._work.running

    @property
    def change(self) -> DensityChange | None:
        """The change of density that is shown."""
        return self._change

    def close(self) -> None:
        """Stop what is under way, let go of the comparison, and restore the user's own layout."""
        self._forget()
        self._views.leave()

    def update(self, *_args: Any) -> None:
        """Show what can be done."""
        first, second = (each.currentNode() for each in self._selectors)
        reason = ""
        if first is None or second is None:
            reason = _("Choose the lungs of both dates first; segment both CTs before.")
        elif first is second:
            reason = _("Choose two different segmentations.")
        button = self._ui.datesButton
        button.enabled = self.running or not reason
        button.text = _("Cancel") if self.running else _("Compare the dates")
        button.toolTip = reason or _("Align the lungs, and show what changed. Slicer can be used meanwhile.")
        for each in (self._ui.datesReportButton, self._ui.densityChangeCheckBox):
            each.enabled = self._found is not None and not self.running

    @property
    def _selectors(self) -> tuple[Any, Any]:
        return self._ui.firstDateSelector, self._ui.secondDateSelector

    def _click(self) -> None:
        if self.running:
            self._work.stop()
            self._hide_change()
            self._say(_("Cancelled."))
        else:
            self._forget()
            first, second = (each.currentNode() for each in self._selectors)
            self._start(
                _("Measuring and aligning both scans..."),
                self._compare_steps(first, second, same_patient=self._ui.samePatientCheckBox.checked),
                lambda found: self._finish(second, found),
            )
        self.update()

    def _forget(self) -> None:
        self._work.stop()
        self._found = self._second = None
        self._hide_change()
        self.update()

    def _compare_steps(self, first: Any, second: Any, *, same_patient: bool) -> Generator[None, None, Followup]:
        """Compare two segmentations, and show the first CT beside the second one."""
        found, aligned = yield from dates_steps(first, second, same_patient=same_patient)
        yield from self._views.show_steps(aligned, second, _("{name}, aligned").format(name=found.first.scan.name))
        return found

    def _start(self, text: str, steps: Generator[None, None, Any], on_end: Callable[[Any], None]) -> None:
        self._say(text)
        self._work.start(steps, on_end)
        self.update()

    def _finish(self, second: Any, found: Followup) -> None:
        self._found, self._second = found, second
        fill_table(self._ui.datesTable, _rows(found))
        names = segment_names()
        set_headers(self._ui.datesTable, [_("Second minus first"), *(names[key] for key in found.lungs)])
        self._show("Table", True)
        self._say(_told(found))
        self.update()

    def _report(self) -> None:
        found, path = self._found, ask_path(_("Write report"), "two-dates.html", _("Web pages (*.html)"))
        if found is not None and path is not None:
            self._start(_("Drawing both dates..."), report_steps(found, path), lambda _end: self._open(path))

    def _open(self, path: Path) -> None:
        self._say(html.escape(_("Written: {path}").format(path=path), quote=False))
        self.update()
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))

    def _switch_change(self, checked: bool) -> None:
        if self._change is not None:
            self._change.remove()
            self._change = None
        if checked and self._found is not None:
            steps = density_change_steps(self._found, self._second)
            self._start(_("Deforming the first scan to the second..."), steps, lambda end: self._show_change(*end))

    def _show_change(self, found: Followup, change: DensityChange) -> None:
        self._found, self._change = found, change
        self._say(_told(found))
        self.update()

    def _hide_change(self) -> None:
        self._ui.densityChangeCheckBox.checked = False  # which calls `_switch_change`

    def _fail(self, message: str) -> None:
        self._show("Table", self._found is not None)
        if self._change is None:
            self._hide_change()
        self._say(html.escape(message, quote=False))
        self.update()


def _told(found: Followup) -> str:
    """Return how well both dates lie on each other, and what else differs, as rich text."""
    lines = [
        _("After alignment the lungs have a DSC of {dsc}; their surfaces are {mm} mm apart.").format(
            dsc=f"{found.affine.dsc:.3f}", mm=f"{found.affine.surface_mm:.1f}"
        )
    ]
    if found.deformable is not None:
        text = _("After the deformation: a DSC of {dsc}, {mm} mm apart. Where they do not fit, the colours show that.")
        lines.append(text.format(dsc=f"{found.deformable.dsc:.3f}", mm=f"{found.deformable.surface_mm:.1f}"))
    said = warnings_html(asdict(each) for each in found.findings if each.code != DOUBT)
    return "<br>".join([*lines, said] if said else lines)


def _rows(found: Followup) -> list[tuple[str, ...]]:
    """Return a row for each number: its name, and its change in each lung and both."""
    names = {"volume_ml": _("Volume (ml)"), "mean_hu": _("Mean density (HU)"), **density_names()}
    names[ADJUSTED] = _("Perc15 at the first volume (g/l)")
    return [
        (name, *(signed_text(changes[key]["change"], key) if changes else "–" for changes in found.lungs.values()))
        for key, name in names.items()
    ]
