"""Adds the histogram of the lungs' density to the scene, as a table and a plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer
from slicer import vtkMRMLPlotChartNode, vtkMRMLPlotSeriesNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from vtk import vtkDoubleArray

from LungUNetSegLib.segments import LUNG_TITLES, NAMED_SEGMENTS
from LungUNetSegSlicer.compare.tables import add_column, add_curve, plot_nodes
from LungUNetSegSlicer.panel.density import lungs_with_density
from LungUNetSegSlicer.scene.segmentation_node import companion

TABLE_ROLE, PLOT_ROLE = "LungUNetSeg.HistogramTable", "LungUNetSeg.HistogramPlot"
"""Roles of the node references from a segmentation to its histogram."""

HU = "HU"
"""Column of the bins' middles; each lung and both have one more, by `LUNG_TITLES`."""


def add_histogram(segmentation: vtkMRMLSegmentationNode, result: Mapping[str, Any]) -> vtkMRMLPlotChartNode | None:
    """Add the histograms of the lungs to the scene; they replace those of an earlier run.

    Args:
        segmentation: The segmentation that the result belongs to.
        result: Its result, from `kept_result.recall`.

    Returns:
        A chart of the share of each lung over HU, with a curve for each; None for results without density numbers.
    """
    lungs = lungs_with_density(result)
    if not lungs:
        return None
    table = companion(segmentation, TABLE_ROLE, "vtkMRMLTableNode", "histogram")
    _fill(table, result, lungs)
    chart: vtkMRMLPlotChartNode = companion(segmentation, PLOT_ROLE, "vtkMRMLPlotChartNode", "histogram")
    for each in plot_nodes(chart)[1:]:
        slicer.mrmlScene.RemoveNode(each)
    for lung in lungs:
        curve = add_curve(table, HU, LUNG_TITLES[lung], NAMED_SEGMENTS[lung].colour)
        curve.SetMarkerStyle(vtkMRMLPlotSeriesNode.MarkerStyleNone)
        chart.AddAndObservePlotSeriesNodeID(curve.GetID())
    bin_hu = result["density"][lungs[0]]["histogram"]["bin_hu"]
    chart.SetTitle(chart.GetName())
    chart.SetXAxisTitle(HU)
    chart.SetYAxisTitle(_("% of the lung in each {hu} HU").format(hu=bin_hu))
    return chart


def _fill(table: vtkMRMLTableNode, result: Mapping[str, Any], lungs: list[str]) -> None:
    bins = result["density"][lungs[0]]["histogram"]
    first, width = bins["first_hu"], bins["bin_hu"]
    columns = {HU: [first + width * (index + 0.5) for index in range(len(bins["percent"]))]}
    columns |= {LUNG_TITLES[lung]: result["density"][lung]["histogram"]["percent"] for lung in lungs}
    table.RemoveAllColumns()
    for name, values in columns.items():
        add_column(table, vtkDoubleArray(), name, values)
    table.SetUseColumnTitleAsColumnHeader(True)
    table.Modified()
