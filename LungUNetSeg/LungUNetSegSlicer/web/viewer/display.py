"""Decides how views show a scan: window, opacity, fill, outline, right and left, lungs, local density, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from LungUNetSegLib.texts import with_minus
from LungUNetSegSlicer.scene.colour_maps import OVERLAY_OPACITY
from LungUNetSegSlicer.scene.local_density import DensityNodes
from LungUNetSegSlicer.scene.volume_bridge import LUNG_WINDOW_HU
from LungUNetSegSlicer.web.viewer.scans import OpenScan
from LungUNetSegSlicer.web.viewer.texts import density_legend, distance_legend
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
        self._wants_density = False
        self._density_opacity = OVERLAY_OPACITY
        self._scans: Sequence[OpenScan] = ()
        self._current: OpenScan | None = None

    @property
    def shown_map(self) -> DensityNodes | None:
        """The map of local density that is shown, in place of the lungs' fill and surface."""
        return self._current.density if self._current and self._wants_density else None

    def state(self) -> dict[str, Any]:
        """Return the settings."""
        display = self._current.node.GetDisplayNode() if self._current else None
        width, level = (display.GetWindow(), display.GetLevel()) if display else LUNG_WINDOW_HU
        preset = next((name for name, window in WINDOWS.items() if window == (width, level)), "")
        return {
            "window": preset,
            "window_text": with_minus(f"width {width:.0f}, centre {level:.0f} HU"),
            "opacity": self._density_opacity if self.shown_map else self._opacity,
            "fill": self._fill,
            "outline": self._outline,
            "hidden": sorted(self._hidden),
            "shown": self._shown,
            "crosshair": self._crosshair,
            "density": self._wants_density,
            "legend": self._legend(),
        }

    def _legend(self) -> dict[str, Any] | None:
        """Return what the colours that lie in place of the lungs' own mean, if there are such."""
        if self.shown_map:
            return density_legend()
        return distance_legend() if self._shown == "differences" else None

    def show(self, scan: OpenScan | None, scans: Sequence[OpenScan]) -> None:
        """Show a scan, whole, and hide the lungs of the others."""
        self._scans, self._current = scans, scan
        self._wants_density = False
        if scan is None or scan.comparison is None:
            self._shown = "lungs"
        self.apply()  # before the views look at all lungs that are shown
        self._views.show(scan.node if scan else None)

    def show_new_lungs(self, scan: OpenScan) -> None:
        """Show lungs that were just segmented, if their scan is shown; the slices stay where they are."""
        is_shown = scan is self._current
        if is_shown:
            self._shown, self._wants_density = "lungs", False
        self.apply()
        if is_shown:
            self._views.face()

    def show_density(self, is_wanted: bool) -> None:
        """Show the map of local density as soon as the scan has one, or show it no more."""
        self._wants_density = is_wanted
        if is_wanted:
            self._shown = "lungs"
        self.apply()

    def show_lungs(self) -> None:
        """Show the result, as before a comparison."""
        self._shown = "lungs"
        self.apply()

    def change(self, scan: OpenScan | None, key: str, value: Any) -> None:
        """Change a setting.

        Raises:
            ValueError, KeyError, TypeError: There is no such setting or value.
        """
        if key == "window" and scan is not None:
            scan.node.GetDisplayNode().SetWindowLevel(*WINDOWS[value])
        elif key == "opacity":
            name = "_density_opacity" if self.shown_map else "_opacity"
            setattr(self, name, min(1.0, max(0.0, float(value))))
        elif key in ("fill", "outline"):
            setattr(self, f"_{key}", bool(value))
        elif key == "segment":
            # One at a time: a page that hides two at once does not know yet that the first is hidden.
            (self._hidden.discard if value["shown"] else self._hidden.add)(str(value["id"]))
        elif key == "shown" and value in SHOWN:
            self._shown, self._wants_density = value, False
        elif key == "crosshair":
            self._crosshair = bool(value)
            self._views.show_crosshair(self._crosshair)
        self.apply()

    def apply(self) -> None:
        """Show the nodes as the settings say, after nodes were added."""
        shown_map = self.shown_map
        for scan in self._scans:
            is_current = scan is self._current
            self._apply_to(scan.segmentation, is_current and self._shown == "lungs")
            self._apply_to(scan.reference_node, is_current and self._shown == "reference")
            if scan.comparison is not None:
                is_shown = is_current and self._shown == "differences"
                scan.comparison.differences.GetDisplayNode().SetVisibility(is_shown)
                scan.comparison.distance.GetDisplayNode().SetVisibility(is_shown)
            if scan.density is not None:
                scan.density.hide({each.label for each in scan.segments if each.segment_id in self._hidden})
                scan.density.model.GetDisplayNode().SetVisibility(scan.density is shown_map)
        self._views.lay_over(shown_map.volume if shown_map else None, self._density_opacity)

    def _apply_to(self, segmentation: Any, is_shown: bool) -> None:
        if segmentation is None:
            return
        display = segmentation.GetDisplayNode()
        display.SetVisibility(is_shown)
        display.SetVisibility3D(not self.shown_map)
        display.SetOpacity2DFill(self._opacity)
        display.SetVisibility2DFill(self._fill and not self.shown_map)
        display.SetVisibility2DOutline(self._outline)
        display.SetSliceIntersectionThickness(OUTLINE_PIXELS)
        segments = segmentation.GetSegmentation()
        for index in range(segments.GetNumberOfSegments()):
            name = segments.GetNthSegmentID(index)
            display.SetSegmentVisibility(name, name not in self._hidden)
