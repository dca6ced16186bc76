"""Writes an HTML page on two dates: changes, warnings, pictures side by side, and the quality of the alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from LungUNetSegLib.evaluation.report.html import figure, findings_list, page, table, tiles, with_unit
from LungUNetSegLib.evaluation.report.lungs_page import PAGE_TITLE, TITLES
from LungUNetSegLib.files import replacing
from LungUNetSegLib.followup.changes import ADJUSTED, Change
from LungUNetSegLib.followup.density_change import SMOOTH_MM
from LungUNetSegLib.followup.pictures import FULL_HU, GAIN, LOSS
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.texts import number_text

NOTE = """LungUNetSeg {version}. Not a medical device. A change is the second date minus the first; docs/followup.md
explains it."""

SHOWN = {**TITLES, ADJUSTED: "Perc15 at the first volume, g/l"}
REGION_KEYS = ("volume_ml", "mean_hu", "mass_g")


def write_dates_page(path: Path, record: Mapping[str, Any], picture: bytes) -> None:
    """Write the page of two dates.

    Args:
        path: Path of the HTML file.
        record: From `compared.record`.
        picture: From `pictures.draw_dates`.

    Raises:
        WriteError: The file cannot be written.
    """
    names = " and ".join(Path(record[key]["input"]).name for key in ("first", "second"))
    with replacing(path, ".html") as draft:
        draft.write_text(page(PAGE_TITLE + names, _body(names, record, picture)), encoding="utf-8", errors="replace")


def _body(names: str, record: Mapping[str, Any], picture: bytes) -> str:
    parts = [
        f"<h1>{escape(f'Change of the lungs: {names}')}</h1>",
        f'<p class="soft">{escape(_dates(record))} {escape(NOTE.format(version=record["lungunetseg"]))}</p>',
        findings_list(each["message"] for each in record["findings"]),
        _tiles(record["lungs"]["total"]),
        figure(picture, _caption(record)),
        "<h2>Lungs</h2>",
        *(_lung_table(name, record["lungs"][key]) for key, name in LUNG_TITLES.items()),
        "<h2>Regions</h2>",
        _region_table(record["regions"]),
        "<h2>Alignment</h2>",
        _alignment_table(record["alignment"]),
    ]
    return "\n".join(parts)


def _dates(record: Mapping[str, Any]) -> str:
    dates = [record[key]["date"] for key in ("first", "second")]
    if None in dates:
        return "The dates are unknown: the order is that in which the scans were given."
    return f"{dates[0]} and {dates[1]}, {record['days']} days apart."


def _tiles(total: Mapping[str, Change] | None) -> str:
    if total is None:
        return ""
    shown = (
        ("volume_ml", "ml", "volume"),
        ("mass_g", "g", "mass"),
        ("mean_hu", "HU", "mean density"),
        (ADJUSTED, "g/l", "Perc15 at the first volume"),
    )
    return tiles(
        (with_unit(_signed(total[key]["change"], 0), unit), name + _percent(total[key])) for key, unit, name in shown
    )


def _caption(record: Mapping[str, Any]) -> str:
    if record["alignment"]["deformable"] is None:
        return "First date, aligned to the second (affine), and second date."
    return (
        "First date, aligned to the second (deformation); second date; change of the density averaged over "
        f"{SMOOTH_MM:g} mm: {_swatch(GAIN)} denser and {_swatch(LOSS)} less dense, deepest at {FULL_HU:.0f} HU."
    )


def _swatch(colour: tuple[int, int, int]) -> str:
    return f'<i style="display:inline-block;width:11px;height:11px;background:rgb{colour}"></i>'


def _lung_table(name: str, changes: Mapping[str, Change] | None) -> str:
    if changes is None:
        return f"<h3>{name}</h3><p>One of the scans has none.</p>"
    rows = [[SHOWN[key], *_cells(change, 1 if key.endswith("percent") else 0)] for key, change in changes.items()]
    return f"<h3>{name}</h3>" + table(["", "First", "Second", "Change", "Change, %"], rows)


def _cells(change: Change, decimals: int) -> list[str]:
    first, second = (number_text(change[key], decimals) for key in ("first", "second"))
    return [first, second, _signed(change["change"], decimals), _signed(change.get("change_percent"), 1)]


def _region_table(regions: Mapping[str, Mapping[str, Mapping[str, Change] | None]]) -> str:
    titles = [f"change of {TITLES[key][0].lower()}{TITLES[key][1:]}" for key in REGION_KEYS]
    header = ["", *(f"{LUNG_TITLES[lung]}: {title}" for lung in regions for title in titles)]
    names: Sequence[str] = list(next(iter(regions.values())))
    rows = []
    for name in names:
        cells = [
            _signed(found[key]["change"], 0) if (found := each[name]) else "–"
            for each in regions.values()
            for key in REGION_KEYS
        ]
        rows.append([name.replace("_", " ").capitalize(), *cells])
    return table(header, rows)


def _alignment_table(alignment: Mapping[str, Mapping[str, Any] | None]) -> str:
    rows = [
        [name.capitalize(), f"{each['dsc']:.3f}", f"{each['surface_mm']:.1f}"]
        for name, each in alignment.items()
        if each is not None
    ]
    return table(["", "DSC of the lungs", "Mean distance of their surfaces, mm"], rows)


def _percent(change: Change) -> str:
    value = change.get("change_percent")
    return "" if value is None else f", {_signed(value, 1)} %"


def _signed(value: float | None, decimals: int) -> str:
    return number_text(value, decimals, signed=True)
