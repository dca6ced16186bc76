"""The panel's density numbers: rows of a table, and a sentence that says what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slicer.i18n import tr as _

from LungUNetSegLib.measures.density import TABLE_KEYS
from LungUNetSegLib.texts import number_text
from LungUNetSegSlicer.panel.texts import segment_names, warnings_html

DOUBT = "density-in-doubt"
"""The finding that belongs beside the density numbers: it says nothing against the segmentation."""


def density_names() -> dict[str, str]:
    """Return the display names of the numbers of a lung, with their units."""
    return {
        "laa950_percent": _("LAA-950 (%)"),
        "laa910_percent": _("LAA-910 (%)"),
        "laa856_percent": _("LAA-856 (%)"),
        "haa_percent": _("HAA (%)"),
        "perc15_hu": _("Perc15 (HU)"),
        "perc15_g_per_l": _("Perc15 (g/l)"),
        "sd_hu": _("SD (HU)"),
        "mass_g": _("Mass (g)"),
        "air_ml": _("Air (ml)"),
    }


def lungs_with_density(result: Mapping[str, Any]) -> list[str]:
    """Return which of "right", "left" and "total" have density numbers; none in results of older versions."""
    density = result.get("density") or {}
    return [key for key in segment_names() if density.get(key)]


def density_rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each number: its name, and its value in each of `lungs_with_density`."""
    names, lungs = density_names(), lungs_with_density(result)
    rows = []
    for key in TABLE_KEYS:
        values = (result["density"][lung][key] for lung in lungs)
        rows.append((names[key], *(_text(key, value) for value in values)))
    return rows if lungs else []


def doubt_html(result: Mapping[str, Any]) -> str:
    """Return why density numbers of this scan should not be used, as rich text; empty if nothing forbids them."""
    return warnings_html(each for each in result["findings"] if each["code"] == DOUBT)


def _text(key: str, value: float) -> str:
    return f"{value:.1f}" if key.endswith("_percent") else number_text(value)
