"""The panel's section of results: tables, warnings, sentence, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer
from slicer import vtkMRMLSegmentationNode
from slicer.i18n import tr as _

from LungUNetSegLib.errors import LungUNetSegError, WriteError
from LungUNetSegSlicer.panel.density import DOUBT, density_rows, doubt_html, lungs_with_density
from LungUNetSegSlicer.panel.density_map import DensityMapView
from LungUNetSegSlicer.panel.dependencies import HIGHDICOM, install_with_consent, is_installed
from LungUNetSegSlicer.panel.dialogs import ask_folder, ask_path
from LungUNetSegSlicer.panel.doubtful import DoubtfulView
from LungUNetSegSlicer.panel.histogram import add_histogram
from LungUNetSegSlicer.panel.regions import RegionsView
from LungUNetSegSlicer.panel.repair import RepairView
from LungUNetSegSlicer.panel.results_table import add_results_table, write_results_csv
from LungUNetSegSlicer.panel.tables import fill_table, set_headers, set_up_table
from LungUNetSegSlicer.panel.texts import result_rows, segment_names, time_text, warnings_html
from LungUNetSegSlicer.run.error_texts import error_text
from LungUNetSegSlicer.scene.dicom_result import save_as_dicom
from LungUNetSegSlicer.scene.kept_result import recall, run_of
from LungUNetSegSlicer.scene.training_case import save_training_case


class ResultsView:
    """The sections "Results" and "Check and repair" of the panel.

    Args:
        ui: The panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._segmentation: vtkMRMLSegmentationNode | None = None
        self._run: str | None = None
        self.regions, self._doubtful = RegionsView(ui), DoubtfulView(ui)
        self.density_map = DensityMapView(ui)
        self.repair = RepairView(ui, lambda: self.show(self._segmentation))
        for table in (ui.resultsTable, ui.densityTable):
            set_up_table(table)
        set_headers(ui.resultsTable, [_("Segment"), _("Volume (ml)"), _("Mean (HU)")])
        ui.copyMethodsButton.connect("clicked()", self._copy_methods)
        ui.resultsTableButton.connect("clicked()", self._add_table)
        ui.resultsCsvButton.connect("clicked()", self._write_csv)
        ui.trainingCaseButton.connect("clicked()", self._save_training_case)
        ui.resultsDicomButton.connect("clicked()", self._save_as_dicom)

    def show(self, segmentation: vtkMRMLSegmentationNode | None) -> None:
        """Show a segmentation's result, or hide the section."""
        result = recall(segmentation)
        run = run_of(segmentation)
        if segmentation is not self._segmentation or run != self._run:
            self._forget()
        self._segmentation, self._run = segmentation, run
        self.regions.show(segmentation, result)
        self.density_map.show(segmentation, result)
        self.repair.show(segmentation)
        self._doubtful.show(segmentation, result)
        self._ui.show3dButton.setSegmentationNode(segmentation)
        for section in (self._ui.resultsCollapsibleButton, self._ui.checkCollapsibleButton):
            section.visible = result is not None
        if result is None:
            return
        warnings = warnings_html(each for each in result["findings"] if each["code"] != DOUBT)
        self._ui.warningsLabel.text = warnings
        self._ui.warningsLabel.visible = bool(warnings)
        fill_table(self._ui.resultsTable, result_rows(result))
        self._show_density(result)
        self._ui.timeLabel.text = time_text(result)
        self._ui.methodsLabel.text = result["methods"]

    def _forget(self) -> None:
        """End what is under way and clear what was said: it is about other lungs, perhaps of the same segmentation."""
        self._say("")
        self.regions.show(None, None)
        self.repair.show(None)

    def _show_density(self, result: Mapping[str, Any]) -> None:
        rows, doubt, names = density_rows(result), doubt_html(result), segment_names()
        table = self._ui.densityTable
        fill_table(table, rows)
        set_headers(table, [_("Density"), *(names[key] for key in lungs_with_density(result))])
        table.visible = bool(rows)
        self._ui.densityDoubtLabel.text = doubt
        self._ui.densityDoubtLabel.visible = bool(doubt)

    def _add_table(self) -> None:
        result = recall(self._segmentation)
        if self._segmentation is not None and result is not None:
            table = add_results_table(self._segmentation, result)
            text = _("Added to the scene: {name}. The module Tables shows it.").format(name=table.GetName())
            chart = add_histogram(self._segmentation, result)
            if chart is not None:
                text = _("{table} Plots shows {name}.").format(table=text, name=chart.GetName())
            self._say(text)

    def _write_csv(self) -> None:
        result = recall(self._segmentation)
        if self._segmentation is None or result is None:
            return
        path = ask_path(_("Save results"), "lungs.csv", _("Tables (*.csv)"))
        if path is None:
            return
        try:
            write_results_csv(path, self._segmentation, result)
        except WriteError as error:
            self._say(str(error))
        else:
            self._say(_("Written: {path}").format(path=path))

    def _save_as_dicom(self) -> None:
        segmentation = self._segmentation  # another may be shown after an installation
        result = recall(segmentation)
        if segmentation is None or result is None:
            return
        try:
            if not is_installed(HIGHDICOM) and not install_with_consent(HIGHDICOM):
                self._say(_("Nothing was installed. DICOM results need highdicom."))
                return
            with slicer.util.WaitCursor():
                series, findings = save_as_dicom(segmentation, result["model"])
        except (LungUNetSegError, OSError) as error:
            self._say(error_text(error))
        else:
            text = _("Added to the CT's study in the DICOM database: {series}.").format(series=series)
            self._say(" ".join([text, *(finding.message for finding in findings)]))

    def _save_training_case(self) -> None:
        segmentation = self._segmentation  # another may be shown after the dialog
        result = recall(segmentation)
        folder = ask_folder(_("Folder of training cases")) if result is not None else None
        if segmentation is None or result is None or folder is None:
            return
        try:
            with slicer.util.WaitCursor():
                case = save_training_case(segmentation, folder, result["model"])
        except (LungUNetSegError, OSError) as error:
            self._say(error_text(error))
        else:
            self._say(_("Written: {path}").format(path=case))

    def _say(self, text: str) -> None:
        self._ui.resultsNoteLabel.text = text
        self._ui.resultsNoteLabel.visible = bool(text)

    def _copy_methods(self) -> None:
        slicer.app.clipboard().setText(self._ui.methodsLabel.text)
