"""The panel's section that compares two segmentations: scores, views, report."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegSlicer.compare.comparison import SceneComparison, comparison_steps, image_behind
from LungUNetSegSlicer.compare.layout import ComparisonViews, look_from_the_front, slice_nodes
from LungUNetSegSlicer.compare.slices import WorstSlices, show_slice
from LungUNetSegSlicer.compare.tables import chosen_slice
from LungUNetSegSlicer.panel.clicks import connect_single_clicks
from LungUNetSegSlicer.panel.dialogs import ask_path
from LungUNetSegSlicer.panel.disagreements import DisagreementsView
from LungUNetSegSlicer.panel.side_choice import SideChoice
from LungUNetSegSlicer.panel.texts import warnings_html
from LungUNetSegSlicer.panel.view_widgets import comparison_plot, distance_aspect
from LungUNetSegSlicer.panel.work import Work
from LungUNetSegSlicer.scene.kept_result import recall

_POINT_CHOSEN = "dataSelected(vtkStringArray*, vtkCollection*)"


class ComparePanel:
    """Compares two segmentations, shows how they differ, and writes scores and report.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._work = Work(self._fail)
        self._result: SceneComparison | None = None
        self._worst: WorstSlices | None = None
        self._parameters: Any = None
        self._output: Any = None
        self._plot_view: Any = None
        self._on_point = self._choose_point  # PythonQt disconnects only the very object that it has connected
        self._views = ComparisonViews(self._update)
        self._says_an_error = False
        self._disagreements = DisagreementsView(ui)
        self._prediction_sides = SideChoice(ui.predictionRightComboBox, ui.predictionLeftComboBox)
        self._reference_sides = SideChoice(ui.referenceRightComboBox, ui.referenceLeftComboBox)
        ui.predictionSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._choose_nodes)
        ui.referenceSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._choose_nodes)
        ui.sidesCollapsibleButton.connect("contentsCollapsed(bool)", self._choose_nodes)
        connect_single_clicks(ui.compareButton, self._click)
        ui.worstSliceButton.connect("clicked()", lambda: self._walk(first=True))
        ui.nextSliceButton.connect("clicked()", lambda: self._walk(first=False))
        ui.comparisonViewsButton.connect("clicked()", self._switch_views)
        ui.exportScoresButton.connect("clicked()", self._export)
        ui.reportButton.connect("clicked()", self._write_report)
        self._update()

    @property
    def running(self) -> bool:
        """Whether a comparison is under way."""
        return self._work.running

    @property
    def result(self) -> SceneComparison | None:
        """The comparison that the buttons act on."""
        return self._result

    def set_parameters(self, parameters: Any) -> None:
        """Use the scene of this parameter node; None while the scene is being closed."""
        self._parameters = parameters
        if parameters is None:
            self._forget()
        else:
            self.update()

    def update(self) -> None:
        """Choose a new result of the module as the prediction."""
        output = self._parameters.outputSegmentation if self._parameters else None
        if output is not None and output is not self._output:
            self._ui.predictionSelector.setCurrentNode(output)
        self._output = output

    def close(self) -> None:
        """Stop, and restore the user's own layout."""
        self._forget()
        if self._plot_view is not None:
            self._plot_view.disconnect(_POINT_CHOSEN, self._on_point)
            self._plot_view = None

    def _click(self) -> None:
        if self.running:
            self._stop(_("Cancelled."))
            return
        self._say(_("Comparing..."))
        nodes = self._ui.predictionSelector.currentNode(), self._ui.referenceSelector.currentNode()
        steps = comparison_steps(
            *nodes,
            image_behind(*nodes) or (self._parameters.inputVolume if self._parameters else None),
            prediction_sides=self._prediction_sides.sides,
            reference_sides=self._reference_sides.sides,
        )
        self._work.start(steps, self._finish)
        self._update()

    def _finish(self, result: SceneComparison) -> None:
        before, self._result = self._result, result
        self._worst = WorstSlices(result.comparison)
        self._say(_summary(result))
        self._list_disagreements()
        self._update()
        if before is not None:
            before.remove()
        self._show_views()
        self._update()

    def _fail(self, message: str) -> None:
        self._stop(_escape(message))
        self._says_an_error = True

    def _stop(self, message: str) -> None:
        self._work.stop()
        self._say(message)
        self._update()

    def _forget(self) -> None:
        """Release the comparison and its nodes, which stay in the scene."""
        self._stop("")
        self._views.leave()
        self._result = self._worst = self._output = None
        self._list_disagreements()
        self._update()

    def _choose_nodes(self, *_args: Any) -> None:
        """List the chosen nodes' segments for matching by hand; reading label maps takes a moment."""
        is_open = not self._ui.sidesCollapsibleButton.collapsed
        for selector, choice in (
            (self._ui.predictionSelector, self._prediction_sides),
            (self._ui.referenceSelector, self._reference_sides),
        ):
            choice.show(selector.currentNode() if is_open else None)
        if self._says_an_error:
            # The message was about other nodes.
            self._say(_summary(self._result) if self._result is not None else "")
        self._update()

    def _show_views(self) -> None:
        if self._result is None:
            return
        self._views.show(self._result)
        self._connect_plot()
        # The new views get their sizes while the event loop runs.
        qt.QTimer.singleShot(0, self._fit_views)

    def _fit_views(self) -> None:
        if self._views.shown is None:
            return
        for node in filter(None, slice_nodes()):
            logic = slicer.app.applicationLogic().GetSliceLogic(node)
            if logic is not None:
                logic.FitSliceToBackground()
        look_from_the_front(self._views.shown, distance_aspect())
        self._go_to_slice()

    def _connect_plot(self) -> None:
        """Connect to points chosen in the comparison's plot, when it is first shown."""
        if self._plot_view is None:
            # Kept for disconnecting: a PythonQt connection lasts as long as the view, and would keep this panel alive.
            self._plot_view = comparison_plot()
            if self._plot_view is not None:
                self._plot_view.connect(_POINT_CHOSEN, self._on_point)

    def _choose_point(self, _series_ids: Any, selection: Any) -> None:
        index = chosen_slice(self._result.slices, selection) if self._result and selection else None
        if index is not None and self._worst is not None:
            # A chart keeps the last choice on each curve, and would report all of them at the next click.
            self._plot_view.RemovePlotSelections()
            self._worst.go_to(index)
            self._go_to_slice()
            self._update()

    def _walk(self, first: bool) -> None:
        if self._worst is not None:
            self._worst.first() if first else self._worst.next()
            self._go_to_slice()
            self._update()

    def _go_to_slice(self) -> None:
        if self._result is not None and self._worst is not None and self._worst.index is not None:
            show_slice(slicer.mrmlScene, self._result.comparison, self._worst.index)

    def _switch_views(self) -> None:
        if self._views.shown is None:
            self._show_views()
        else:
            self._views.leave()
        self._update()

    def _export(self) -> None:
        result, path = self._result, ask_path(_("Export scores"), "scores.csv", _("Tables (*.csv)"))
        if result is not None and path is not None:
            self._write(path, result.write_csv)

    def _write_report(self) -> None:
        result, path = self._result, ask_path(_("Write report"), "report.html", _("Web pages (*.html)"))
        if result is None or path is None:
            return
        kept = recall(result.prediction_node) or {}
        model = kept.get("model", {}).get("name")
        if self._write(path, lambda path: result.write_report(path, model)):
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))

    def _write(self, path: Path, write: Callable[[Path], Any]) -> bool:
        """Write a file, show the outcome, and return whether it succeeded."""
        try:
            write(path)
        except (LungUNetSegError, OSError) as error:
            self._say(_escape(str(error)))
            self._says_an_error = True
            return False
        self._say(_escape(_("Written: {path}").format(path=path)))
        return True

    def _list_disagreements(self) -> None:
        """List where the two segmentations of the comparison differ."""
        found = self._result.case.disagreements if self._result is not None else None
        self._disagreements.show(found.parts if found is not None else ())

    def _say(self, text: str) -> None:
        """Show rich text under the button, or hide it."""
        self._ui.comparisonLabel.text = text
        self._ui.comparisonLabel.visible = bool(text)
        self._says_an_error = False

    def _update(self) -> None:
        """Enable the actions that are possible now."""
        ui = self._ui
        chosen = ui.predictionSelector.currentNode() is not None and ui.referenceSelector.currentNode() is not None
        ui.compareButton.enabled = self.running or chosen
        ui.compareButton.text = _("Cancel") if self.running else _("Compare")
        ui.compareButton.toolTip = (
            _("Compute scores, differences and distances; this takes a few seconds.")
            if chosen
            else _("Choose a prediction and a reference first.")
        )
        ready = self._result is not None and not self.running
        for button in (ui.worstSliceButton, ui.comparisonViewsButton, ui.exportScoresButton, ui.reportButton):
            button.enabled = ready
        ui.nextSliceButton.enabled = ready and self._worst is not None and not self._worst.is_last
        is_shown = self._views.shown is not None
        ui.comparisonViewsButton.text = _("Back to my layout") if is_shown else _("Show the differences")


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _summary(result: SceneComparison) -> str:
    """Return the headline and the findings, as rich text."""
    whole = result.comparison.whole
    headline = _("DSC {dsc}, HD95 {hd95} mm").format(dsc=f"{whole.dsc:.3f}", hd95=f"{whole.hd95_mm:.1f}")
    lines = [f"<b>{_escape(headline)}</b>"]
    matched = [each for each in result.findings if each.code.endswith("-matched")]
    rest = [asdict(each) for each in result.findings if each not in matched]
    lines += [_escape(each.message) for each in matched]
    return "<br>".join(lines + ([warnings_html(rest)] if rest else []))
