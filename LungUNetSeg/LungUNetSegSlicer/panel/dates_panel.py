"""The panel's section that compares two dates: what changed in the lungs, and both scans side by side."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.followup.changes import ADJUSTED
from LungUNetSegLib.followup.compared import Followup
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer.compare.dates import dates_steps, show_side_by_side
from LungUNetSegSlicer.panel.density import DOUBT, density_names
from LungUNetSegSlicer.panel.section import Section
from LungUNetSegSlicer.panel.tables import fill_table
from LungUNetSegSlicer.panel.texts import segment_names, signed_text, warnings_html
from LungUNetSegSlicer.run.event_loop import Steps


class DatesPanel(Section):
    """Compares two dates, and shows a table of changes and linked slices.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        super().__init__(ui, "dates", "Table")
        self._steps: Steps | None = None
        for selector in (ui.firstDateSelector, ui.secondDateSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.update)
        ui.datesButton.connect("clicked()", self._click)
        self.update()

    @property
    def running(self) -> bool:
        """Whether a comparison is under way."""
        return self._steps is not None

    def close(self) -> None:
        """Stop the comparison, if there is one."""
        if self._steps is not None:
            self._steps.stop()
            self._steps = None

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

    @property
    def _selectors(self) -> tuple[Any, Any]:
        return self._ui.firstDateSelector, self._ui.secondDateSelector

    def _click(self) -> None:
        if self.running:
            self.close()
            self._say(_("Cancelled."))
        else:
            first, second = (each.currentNode() for each in self._selectors)
            self._say(_("Measuring and aligning both scans..."))
            steps = dates_steps(first, second, same_patient=self._ui.samePatientCheckBox.checked)
            self._steps = Steps(steps, lambda result: self._finish(second, *result), self._fail)
        self.update()

    def _finish(self, second: Any, found: Followup, aligned: Volume) -> None:
        self._steps = None
        try:
            show_side_by_side(aligned, second, _("{name}, aligned").format(name=found.first.scan.name))
        except LungUNetSegError as error:  # the CT was removed meanwhile
            self._fail(error)
            return
        fill_table(self._ui.datesTable, _rows(found))
        names = segment_names()
        self._ui.datesTable.setHorizontalHeaderLabels([_("Change"), *(names[key] for key in found.lungs)])
        self._set_visible("Table", True)
        aligned_text = _("After alignment the lungs have a DSC of {dsc}; their surfaces are {mm} mm apart.").format(
            dsc=f"{found.affine.dsc:.3f}", mm=f"{found.affine.surface_mm:.1f}"
        )
        said = warnings_html(asdict(each) for each in found.findings if each.code != DOUBT)
        self._say("<br>".join(each for each in (aligned_text, said) if each))
        self.update()

    def _fail(self, error: Exception) -> None:
        self._steps = None
        self._set_visible("Table", False)
        self._say(str(error))
        self.update()
        if not isinstance(error, (LungUNetSegError, OSError)):
            raise error  # a bug of ours: its traceback goes to Slicer's log


def _rows(found: Followup) -> list[tuple[str, ...]]:
    """Return a row for each number: its name, and its change in each lung and both."""
    names = {"volume_ml": _("Volume (ml)"), "mean_hu": _("Mean density (HU)"), **density_names()}
    names[ADJUSTED] = _("Perc15 at the first volume (g/l)")
    return [
        (name, *(signed_text(changes[key]["change"], key) if changes else "–" for changes in found.lungs.values()))
        for key, name in names.items()
    ]
