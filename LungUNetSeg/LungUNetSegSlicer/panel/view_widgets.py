"""Finds the application's widgets of the comparison's views."""

from __future__ import annotations

from typing import Any

import slicer

from LungUNetSegSlicer.compare.layout import DISTANCE, PLOT


def comparison_plot() -> Any:
    """Return the plot's view widget; None if the comparison's layout was never shown."""
    manager = slicer.app.layoutManager()
    widgets = [manager.plotWidget(index) for index in range(manager.plotViewCount)]
    found = (each.plotView() for each in widgets if each.mrmlPlotViewNode().GetSingletonTag() == PLOT)
    return next(found, None)


def distance_aspect() -> float:
    """Return the aspect ratio (width / height) of the distance view; 1 if it does not exist or has no size yet."""
    manager = slicer.app.layoutManager()
    widgets = [manager.threeDWidget(index) for index in range(manager.threeDViewCount)]
    views = (each.threeDView() for each in widgets if each.mrmlViewNode().GetSingletonTag() == DISTANCE)
    view = next(views, None)
    return view.width / view.height if view is not None and view.width and view.height else 1.0
