"""Decides how the views show a scan: window, opacity, fill or outline, right and left, lungs or differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from LungUNetSegSlicer.scene.volume_bridge import LUNG_WINDOW_HU
from LungUNetSegSlicer.web.viewer.scans import OpenScan
from LungUNetSegSlicer.web.viewer.views import Views

WINDOWS: dict[str, tuple[float, float]] = {
    "lung": LUNG_WINDOW_HU,
    "mediastinum": (350.0, 50.0),
    "bone": (2000.0, 400.0),
    "emphysema": (300.0, -850.0),
}
"""Width and centre of the grey scales, HU."""

OUTLINE_PIXELS = 2
SHOWN = ("lungs", "reference", "differences")


class Display:
    """The page's settings, and what they do to the nodes.

    Args:
        views: The views.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._opacity = 0.35
        self._fill = True
        self._outline = True
        self._hidden: set[str] = set()
        self._shown = "lungs"
        self._crosshair = False
        self._scans: Sequence[OpenScan] = ()
        self._current: OpenScan | None = None

    def state(self) -> dict[str, Any]:
        """Return the settings."""
        display = self._current.node.GetDisplayNode() if self._current else None
        width, level = (display.GetWindow(), display.GetLevel()) if display else LUNG_WINDOW_HU
        preset = next((name for name, window in WINDOWS.items() if window == (width, level)), "")
        return {
            "window": preset,
            "window_text": f"width {width:.0f}, centre {level:.0f} HU".replace("-", "\N{MINUS SIGN}"),
            "opacity": self._opacity,
            "fill": self._fill,
            "outline": self._outline,
            "hidden": sorted(self._hidden),
            "shown": self._shown,
            "crosshair": self._crosshair,
        }

    def show(self, scan: OpenScan | None, scans: Sequence[OpenScan], *, keeps_place: bool = False) -> None:
        """Show a scan, and hide the lungs of the others."""
        self._scans, self._current = scans, scan
        if scan is None or scan.comparison is None:
            self._shown = "lungs"
        if not keeps_place:
            self._views.show(scan.node if scan else None)
        self._apply()
        if keeps_place:
            self._views.face()

    def show_lungs(self) -> None:
        """Show the result, as before a comparison."""
        self._shown = "lungs"
        self._apply()

    def change(self, scan: OpenScan | None, key: str, value: Any) -> None:
        """Change a setting.

        Raises:
            ValueError, KeyError, TypeError: There is no such setting or value.
        """
        if key == "window" and scan is not None:
            scan.node.GetDisplayNode().SetWindowLevel(*WINDOWS[value])
        elif key == "opacity":
            self._opacity = min(1.0, max(0.0, float(value)))
        elif key in ("fill", "outline"):
            setattr(self, f"_{key}", bool(value))
        elif key == "hidden":
            self._hidden = {str(each) for each in value}
        elif key == "shown" and value in SHOWN:
            self._shown = value
        elif key == "crosshair":
            self._crosshair = bool(value)
            self._views.show_crosshair(self._crosshair)
        self._apply()

    def _apply(self) -> None:
        for scan in self._scans:
            is_current = scan is self._current
            self._apply_to(scan.segmentation, is_current and self._shown == "lungs")
            self._apply_to(scan.reference_node, is_current and self._shown == "reference")
            if scan.comparison is not None:
                is_shown = is_current and self._shown == "differences"
                scan.comparison.differences.GetDisplayNode().SetVisibility(is_shown)
                scan.comparison.distance.GetDisplayNode().SetVisibility(is_shown)

    def _apply_to(self, segmentation: Any, is_shown: bool) -> None:
        if segmentation is None:
            return
        display = segmentation.GetDisplayNode()
        display.SetVisibility(is_shown)
        display.SetOpacity2DFill(self._opacity)
        display.SetVisibility2DFill(self._fill)
        display.SetVisibility2DOutline(self._outline)
        display.SetSliceIntersectionThickness(OUTLINE_PIXELS)
        segments = segmentation.GetSegmentation()
        for index in range(segments.GetNumberOfSegments()):
            name = segments.GetNthSegmentID(index)
            display.SetSegmentVisibility(name, name not in self._hidden)
