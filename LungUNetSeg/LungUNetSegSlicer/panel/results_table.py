"""Writes the measurements as a table of the scene and as a CSV file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slicer import vtkMRMLSegmentationNode, vtkMRMLTableNode
from vtk import vtkDoubleArray, vtkStringArray

from LungUNetSegLib.files import csv_text, write_csv
from LungUNetSegLib.measures.density import TABLE_KEYS
from LungUNetSegSlicer.compare.tables import add_column
from LungUNetSegSlicer.panel.density import density_names
from LungUNetSegSlicer.panel.regions import parts_with_numbers
from LungUNetSegSlicer.panel.texts import segment_names
from LungUNetSegSlicer.scene.segmentation_node import companion, place_beside

ROLE = "LungUNetSeg.Table"
"""Role of the node reference from a segmentation to its table."""

CSV_COLUMNS = ("segmentation", "segment", "volume_ml", "mean_hu", *TABLE_KEYS, "model", "lungunetseg")


def add_results_table(segmentation: vtkMRMLSegmentationNode, result: Mapping[str, Any]) -> vtkMRMLTableNode:
    """Add a result to the scene as a table beside its segmentation; it replaces the table of an earlier run.

    Args:
        segmentation: The segmentation that the result belongs to.
        result: Its result, from `kept_result.recall`.

    Returns:
        A table with the columns segment, volume in ml, mean density in HU, and the numbers of `TABLE_KEYS`.
    """
    table: vtkMRMLTableNode = companion(segmentation, ROLE, "vtkMRMLTableNode", "volumes")
    table.RemoveAllColumns()
    names = ("Segment", "Volume (ml)", "Mean (HU)", *(density_names()[key] for key in TABLE_KEYS))
    rows = _rows(result)
    for index, name in enumerate(names):
        values = (math.nan if row[index] is None else row[index] for row in rows)
        add_column(table, vtkDoubleArray() if index else vtkStringArray(), name, values)
    table.SetUseColumnTitleAsColumnHeader(True)
    table.Modified()
    place_beside(segmentation, table)
    return table


def write_results_csv(path: Path, segmentation: vtkMRMLSegmentationNode, result: Mapping[str, Any]) -> None:
    """Write a result as CSV with a row for each lung and each of its parts; numbers have full precision.

    A name that a spreadsheet would take for a formula has an apostrophe before it.

    Raises:
        WriteError: The file cannot be written.
    """
    name = csv_text(segmentation.GetName())
    made_by = (csv_text(result.get("model", {}).get("name", "")), result.get("lungunetseg", ""))
    write_csv(path, CSV_COLUMNS, ([name, *row, *made_by] for row in _rows(result)))


def _rows(result: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return (segment, volume in ml, mean HU, the numbers of `TABLE_KEYS`) of each lung, then of their parts."""
    volumes, means, names = result["volumes_ml"], result["mean_hu"], segment_names()
    rows = []
    for key in names:
        density = (result.get("density") or {}).get(key) or {}
        if volumes.get(key) is not None:
            rows.append((names[key], volumes[key], means.get(key), *(density.get(each) for each in TABLE_KEYS)))
    for name, part in parts_with_numbers(result):
        rows.append((name, part["volume_ml"], part["mean_hu"], *(part.get(each) for each in TABLE_KEYS)))
    return rows
