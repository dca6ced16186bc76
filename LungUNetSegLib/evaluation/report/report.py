"""Writes a self-contained HTML report on a set of predictions: scores, curves and pictures, worst case first.

It needs the standard library only, so that it works inside Slicer; a browser can print it as PDF.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
import scipy

from LungUNetSegLib import __version__
from LungUNetSegLib.evaluation.evaluate import EvaluatedCase, summarise_cases
from LungUNetSegLib.evaluation.report.charts import COLOURS, Series, dot_chart, line_chart
from LungUNetSegLib.evaluation.report.disagreements import disagreements_section
from LungUNetSegLib.evaluation.report.html import (
    REPORT_TITLE,
    data_url,
    findings_list,
    legend,
    page,
    table,
    tiles,
    with_unit,
)
from LungUNetSegLib.evaluation.report.pictures import (
    BINARY_COLOURS,
    DIFFERENCE_COLOURS,
    LABEL_COLOURS,
    Colour,
    SlicePicture,
)
from LungUNetSegLib.evaluation.report.tables import COLUMNS, Column, describe_slices
from LungUNetSegLib.files import replacing
from LungUNetSegLib.segments import BOTH_LUNGS, LUNG_TITLES, LUNGS, title_of
from LungUNetSegLib.texts import with_minus
from LungUNetSegLib.volume.geometry import slice_number

OVERVIEW = tuple(
    column
    for column in COLUMNS
    if column.field in ("dsc", "hd95_mm", "mean_surface_mm", "surface_dsc_2mm", "difference_percent")
)
"""Columns of the tables over several cases; the table of each case has all columns."""

DEFINITIONS = """DSC = 2 TP / (2 TP + FP + FN). A score is undefined (–) where neither label map has a voxel of that
lung; undefined values are counted separately and are in no mean. HD95 is the larger of the two directed 95th
percentiles, weighted by surface area; the mean surface distance pools both surfaces. A distance to an empty label map
is infinite (∞). References have errors too: differences below 0.005 DSC between methods mean little."""


def about(**more: str) -> dict[str, str]:
    """Return what an evaluation was made with: versions, the date, and what the caller adds (model, paths)."""
    import SimpleITK as sitk  # imported here, since it takes 100 MB that other pages do not need

    versions = {
        "LungUNetSeg": __version__,
        "Python": platform.python_version(),
        "NumPy, SciPy, SimpleITK": f"{np.__version__}, {scipy.__version__}, {sitk.Version.VersionString()}",
        "Made": time.strftime("%Y-%m-%d %H:%M"),
    }
    return {**more, **versions}


def write_report(path: Path, cases: Sequence[EvaluatedCase], facts: Mapping[str, str]) -> None:
    """Write the report of one or more cases.

    Args:
        path: Path of the HTML file.
        cases: From `evaluate_pairs` or `describe_comparison`, worst first.
        facts: From `about`.

    Raises:
        WriteError: The file cannot be written.
    """
    with replacing(path, ".html") as draft:
        draft.write_text(build_report(cases, facts), encoding="utf-8")


def build_report(cases: Sequence[EvaluatedCase], facts: Mapping[str, str]) -> str:
    """Return the report as HTML; see `write_report`."""
    scored = [case for case in cases if not case.error]
    title = REPORT_TITLE + (f": {cases[0].name}" if len(cases) == 1 else f" of {len(cases)} cases")
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="soft">Compared with a reference, {escape(facts["Made"])}</p>']
    if scored:
        parts.append(_tiles(scored))
    if len(cases) > 1:
        parts.append(_overview(cases))
    anchors = _anchors(scored)
    if len(cases) == 1:
        parts += [case_section(case, anchors[case.name], "Scores") for case in scored]
    else:
        parts += [case_section(case, anchors[case.name], case.name, on_its_own_page=True) for case in scored]
    parts.append(footer(facts))
    return page(title, "\n".join(parts))


def _tiles(cases: Sequence[EvaluatedCase]) -> str:
    """Return the headline for both lungs together: the scores of one case, or medians and ranges over cases."""
    shown = []
    for field in ("dsc", "surface_dsc_2mm", "mean_surface_mm", "hd95_mm"):
        column = next(each for each in COLUMNS if each.field == field)
        summary = summarise_cases(cases, field)[BOTH_LUNGS[0].name]
        middle = summary.median if summary.finite or not summary.infinite else float("inf")
        least, most = (column.page_text(each) for each in (summary.minimum, summary.maximum))
        spread = f"<br>median of {summary.finite}, {least} to {most}"
        spread += f"; {summary.infinite} infinite" if summary.infinite else ""
        title = escape(column.title) + (spread if len(cases) > 1 else "")
        shown.append((with_unit(column.page_text(middle), column.unit), title))
    return tiles(shown)


def _overview(cases: Sequence[EvaluatedCase]) -> str:
    scored, failed = [case for case in cases if not case.error], [case for case in cases if case.error]
    parts = []
    if failed:
        entries = (f"<li><b>{escape(case.name)}</b>: {escape(case.error or '')}</li>" for case in failed)
        parts += [f"<h2>{len(failed)} of {len(cases)} cases failed</h2>", f'<ul class="failed">{"".join(entries)}</ul>']
    if scored:
        curves = [
            Series(name=title, colour=colour, values=[_dsc_of(case, title) for case in scored])
            for title, colour in COLOURS.items()
            if any(region.title == title for case in scored for region in case.regions)
        ]
        parts += ["<h2>All cases, worst first</h2>", dot_chart([case.name for case in scored], curves, "DSC")]
        parts += [f"<h3>{LUNG_TITLES['total']}</h3>", _case_table(scored)]
        parts += ["<h3>Over the cases</h3>", _spread(scored), f"<p>{describe_slices(scored)}</p>"]
    return "\n".join(parts)


def _case_table(cases: Sequence[EvaluatedCase]) -> str:
    rows, anchors = [], _anchors(cases)
    for case in cases:
        scores = [column.page_text(getattr(case.regions[-1], column.field)) for column in OVERVIEW]
        remarks = ", ".join(f"<span>{code}</span>" for code in sorted({finding.code for finding in case.findings}))
        link = f'<a href="#{anchors[case.name]}">{escape(case.name)}</a>'
        rows.append([link, COLUMNS[0].page_text(case.lowest_dsc), *scores, f'<span class="remarks">{remarks}</span>'])
    header = ["Case", "Lowest DSC", *(_title(column) for column in OVERVIEW), "Remarks"]
    return table(header, rows, words=(len(header) - 1,))


def _spread(cases: Sequence[EvaluatedCase]) -> str:
    header = ["", "Mean ± SD", "Median", "Minimum", "Maximum", "Cases", "Not defined", "Infinite"]
    rows = []
    for column in OVERVIEW:
        for name, summary in summarise_cases(cases, column.field).items():
            deviation = f"{summary.std:.{column.decimals}f}" if summary.finite else "–"
            shown = [column.page_text(each) for each in (summary.median, summary.minimum, summary.maximum)]
            counts = [str(each) for each in (summary.finite, summary.undefined, summary.infinite)]
            label = f"{_title(column)}, {escape(title_of(name).lower())}"
            rows.append([label, f"{column.page_text(summary.mean)} ± {deviation}", *shown, *counts])
    return table(header, rows)


def case_section(case: EvaluatedCase, anchor: str, title: str, on_its_own_page: bool = False) -> str:
    """Return the scores, the DSC curve and the slices of one case as HTML.

    Args:
        case: A case that did not fail.
        anchor: Its id, unique in the page.
        title: Plain text.
        on_its_own_page: Whether it begins a new page in print.
    """
    kind = "case paged" if on_its_own_page else "case"
    parts = [f'<section class="{kind}" id="{anchor}">', f"<h2>{escape(title)}</h2>"]
    parts.append(findings_list(each.message for each in case.findings))
    rows = [
        [_title(column), *(column.page_text(getattr(region, column.field)) for region in case.regions)]
        for column in COLUMNS
    ]
    parts.append(table(["", *(escape(region.title) for region in case.regions)], rows))
    if case.disagreements is not None:
        parts += ["<h3>Where they differ</h3>", disagreements_section(case.disagreements, case.slice_z_mm)]
    parts += ["<h3>DSC by slice</h3>", _slice_chart(case), f"<p>{describe_slices([case])}</p>"]
    parts += ["<h3>Slices</h3>", _gallery(case, anchor), "</section>"]
    return "\n".join(parts)


def _slice_chart(case: EvaluatedCase) -> str:
    series = [
        Series(name=region.title, colour=COLOURS[region.title], values=region.dsc_by_slice) for region in case.regions
    ]
    marked = [each for each in case.pictures if each.role not in ("in between", "best")]
    marks = {each.index: f"{each.role}: slice {slice_number(each.index)}" for each in marked}
    note = '<p class="soft">From foot to head. Dashed: slices with errors, shown below.</p>' if marks else ""
    return line_chart(case.slice_z_mm, series, "height z in the patient, mm", marks) + note


def _gallery(case: EvaluatedCase, anchor: str) -> str:
    if not case.pictures:
        return '<p class="soft">No slice holds lung.</p>'
    names = ("Reference", "Prediction", "Differences")
    titles = ("CT", *names) if case.pictures[0].image else names
    kinds = ("in both", "prediction only (false positive)", "reference only (false negative)")
    lungs, colours = (LUNGS, LABEL_COLOURS) if len(case.regions) > 1 else (BOTH_LUNGS, BINARY_COLOURS)
    legends = legend(_coloured([title_of(lung.name) for lung in lungs], colours[1:]), "Reference and prediction:")
    legends += legend(_coloured(kinds, DIFFERENCE_COLOURS[1:]), "Differences:")
    rows = (_row(picture, titles, f"{anchor}-{picture.index}") for picture in case.pictures)
    return '<p class="soft">The patient\'s right is on the left of each picture.</p>' + legends + "".join(rows)


def _coloured(names: Sequence[str], colours: Sequence[Colour]) -> list[tuple[str, str]]:
    return [(f"rgb{colour[:3]}", name) for name, colour in zip(names, colours, strict=True)]


def _row(picture: SlicePicture, titles: Sequence[str], key: str) -> str:
    height, width = picture.size_mm
    size = f'width="{width:.2f}" height="{height:.2f}" preserveAspectRatio="none"'
    layers = {"Reference": picture.reference, "Prediction": picture.prediction, "Differences": picture.differences}
    panels = []
    for title in titles:
        drawn = ""
        if picture.image is not None:
            # The CT is embedded once and drawn four times.
            is_first = title == titles[0]
            image = f'<image id="{key}" href="{data_url(picture.image)}" {size}/>'
            drawn = image if is_first else f'<use href="#{key}"/>'
        if title in layers:
            drawn += f'<image href="{data_url(layers[title])}" {size} style="image-rendering:pixelated"/>'
        panels.append(
            f'<figure><svg viewBox="0 0 {width:.2f} {height:.2f}" role="img">{drawn}</svg>'
            f"<figcaption>{title}</figcaption></figure>"
        )
    sides = (f"{name.lower()} {COLUMNS[0].page_text(dsc)}" for name, dsc in picture.side_dsc.items())
    place = ", ".join([*sides, f"slice {slice_number(picture.index)}", with_minus(f"z {picture.z_mm:.1f} mm")])
    head = f"<h4>{picture.role.capitalize()}: DSC {picture.dsc:.3f} <small>{place}</small></h4>"
    return f'<div class="row" style="grid-template-columns:repeat({len(titles)},1fr)">{head}{"".join(panels)}</div>'


def footer(facts: Mapping[str, str], definitions: str = DEFINITIONS) -> str:
    """Return the end of a page: the definitions of its numbers, and what it was made with."""
    entries = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f'<footer><p class="soft">{escape(definitions)}</p><dl>{entries}</dl></footer>'


def _anchors(cases: Sequence[EvaluatedCase]) -> dict[str, str]:
    """Return each case's id in the page; numbers distinguish names that differ only by a full stop or a space."""
    return {case.name: f"case-{number}" for number, case in enumerate(cases, start=1)}


def _dsc_of(case: EvaluatedCase, title: str) -> float:
    return next((region.dsc for region in case.regions if region.title == title), float("nan"))


def _title(column: Column) -> str:
    return with_unit(escape(column.title), column.unit)
