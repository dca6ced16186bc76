"""Writes an HTML page on the lungs of a scan: pictures, histogram, density, regions, and doubts about the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from LungUNetSegLib.evaluation.report.charts import COLOURS, Series, share_chart
from LungUNetSegLib.evaluation.report.html import figure, findings_list, legend, page, table, tiles, with_unit
from LungUNetSegLib.files import replacing
from LungUNetSegLib.measures.density import TABLE_KEYS
from LungUNetSegLib.measures.regions import REGIONS
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.texts import number_text, with_minus

PAGE_TITLE = "LungUNetSeg: lungs of "
"""The title of each page begins with this; our pages are recognised by it."""

TITLES = {
    "volume_ml": "Volume, ml", "mean_hu": "Mean, HU", "sd_hu": "Standard deviation, HU", "skewness": "Skewness",
    "kurtosis": "Kurtosis", "laa950_percent": "LAA-950, %", "laa910_percent": "LAA-910, %",
    "laa856_percent": "LAA-856, %", "haa_percent": "HAA, −600 to −250 HU, %", "perc15_hu": "Perc15, HU",
    "perc15_g_per_l": "Perc15, g/l", "mass_g": "Mass, g", "air_ml": "Air, ml",
}  # fmt: skip
"""Display names of the numbers, with their units."""

SHAPE_KEYS = ("volume_ml", "mean_hu", *TABLE_KEYS, "skewness", "kurtosis")
REGION_KEYS = ("volume_ml", "mean_hu", "laa950_percent")

AERATION = {
    "hyperinflated": ("hyperinflated, below −900 HU", (70, 130, 220)),
    "normal": ("normal, −900 to −500 HU", (70, 170, 100)),
    "poor": ("poorly aerated, −500 to −100 HU", (240, 180, 50)),
    "none": ("not aerated, from −100 HU", (210, 70, 50)),
}
"""Display name and colour (RGB) of each class."""

NOTE = """LungUNetSeg {version}. Not a medical device. Every voxel of the lungs' label counts, on the scan's own grid;
docs/measures.md defines each number."""


def write_lungs_page(path: Path, summary: Mapping[str, Any], preview: bytes, aeration: bytes) -> None:
    """Write the page of a scan.

    Args:
        path: Path of the HTML file.
        summary: From `segmentation.summary.report`, with ``input``.
        preview: PNG of three planes with the lungs' outlines.
        aeration: PNG of three planes with the classes of `AERATION` in colour.

    Raises:
        WriteError: The file cannot be written.
    """
    name = Path(summary["input"]).name
    with replacing(path, ".html") as draft:
        body = _body(f"Lungs of {name}", summary, preview, aeration)
        draft.write_text(page(PAGE_TITLE + name, body), encoding="utf-8", errors="replace")


def _body(title: str, summary: Mapping[str, Any], preview: bytes, aeration: bytes) -> str:
    density = {key: summary["density"][key] for key in LUNG_TITLES if summary["density"].get(key)}
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(NOTE.format(version=summary["lungunetseg"]))}</p>',
        findings_list(each["message"] for each in summary["findings"]),
    ]
    if "total" in density:
        parts += [_tiles(density["total"]), figure(preview, "The planes with most lung, outlined.")]
        parts += ["<h2>Density</h2>", _histogram(density), _density_table(density)]
        parts += ["<h2>Aeration</h2>", figure(aeration), _aeration_legend(), _aeration_table(density)]
        parts += ["<h2>Regions</h2>", _region_table(summary["regions"], list(density))]
    parts += ["<h2>The scan</h2>", _acquisition(summary["acquisition"]), f"<p>{escape(summary['methods'])}</p>"]
    return "\n".join(parts)


def _tiles(total: Mapping[str, Any]) -> str:
    shown = (
        ("volume_ml", "ml", "volume"),
        ("mean_hu", "HU", "mean density"),
        ("laa950_percent", "%", "below −950 HU"),
        ("perc15_hu", "HU", "15th percentile"),
        ("mass_g", "g", "mass"),
        ("air_ml", "ml", "air"),
    )
    return tiles((with_unit(_number(total[key], key), unit), name) for key, unit, name in shown)


def _histogram(density: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the histogram of each lung, or that of both if they are one label."""
    lungs = [key for key in density if key != "total"] or ["total"]
    bins = density[lungs[0]]["histogram"]
    places = [bins["first_hu"] + bins["bin_hu"] * (index + 0.5) for index in range(len(bins["percent"]))]
    series = [
        Series(name=LUNG_TITLES[key], colour=COLOURS[LUNG_TITLES[key]], values=density[key]["histogram"]["percent"])
        for key in lungs
    ]
    return share_chart(places, series, "HU", f"% of the lung in each {bins['bin_hu']} HU", {-950: "LAA-950"})


def _density_table(density: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [[TITLES[key], *(_number(each[key], key) for each in density.values())] for key in SHAPE_KEYS]
    return table(["", *(LUNG_TITLES[key] for key in density)], rows)


def _aeration_legend() -> str:
    return legend((f"rgb{colour}", name) for name, colour in AERATION.values())


def _aeration_table(density: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [escape(f"{name}, %"), *(f"{each['aeration_percent'][key]:.1f}" for each in density.values())]
        for key, (name, _) in AERATION.items()
    ]
    return table(["", *(LUNG_TITLES[key] for key in density)], rows)


def _region_table(regions: Mapping[str, Mapping[str, Any]], lungs: Sequence[str]) -> str:
    header = ["", *(f"{LUNG_TITLES[lung]}: {TITLES[key]}" for lung in lungs for key in REGION_KEYS)]
    rows = []
    for name in REGIONS:
        cells = []
        for lung in lungs:
            found = regions[lung][name] or {}
            cells += [_number(found.get(key), key) for key in REGION_KEYS]
        rows.append([name.replace("_", " ").capitalize(), *cells])
    return table(header, rows)


def _acquisition(acquisition: Mapping[str, Any]) -> str:
    known = (
        ("Slice thickness", "thickness_mm", "mm"),
        ("Distance between slices", "slice_mm", "mm"),
        ("Kernel", "kernel", ""),
        ("Breathing", "breathing", ""),
        ("Air in the trachea", "air_hu", "HU"),
        ("Noise in the trachea", "noise_hu", "HU"),
        ("Tissue between the lungs", "blood_hu", "HU"),
        ("Blood in the descending aorta", "aorta_hu", "HU"),
    )
    rows = []
    for name, key, unit in known:
        value = acquisition.get(key)
        number = with_minus(f"{value:.3g}") if isinstance(value, float) else str(value)
        text = "unknown" if value is None else number
        rows.append([name, with_unit(escape(text), unit if value is not None else "")])
    return table(["", ""], rows)


def _number(value: float | None, key: str) -> str:
    """Return a number with the decimals that suit its kind."""
    decimals = 2 if key in ("skewness", "kurtosis") else 1 if key.endswith("_percent") else 0
    return number_text(value, decimals)
