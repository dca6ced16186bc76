"""Draws small charts as inline SVG, so that a report needs no plotting package and prints sharply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from LungUNetSegLib.evaluation.report.html import legend
from LungUNetSegLib.segments import LUNG_TITLES, NAMED_SEGMENTS
from LungUNetSegLib.texts import with_minus

WIDTH, HEIGHT = 900, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 14, 44
"""Margins around the plotting area, in SVG units."""

COLOURS = {
    LUNG_TITLES[lung]: f"rgb({', '.join(str(round(255 * part)) for part in segment.colour)})"
    for lung, segment in NAMED_SEGMENTS.items()
}
"""CSS colours of the lungs' curves, by `LUNG_TITLES`."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve.

    Attributes:
        name: Text in the legend.
        colour: A CSS colour.
        values: One y for each x of the chart; NaN leaves a gap.
    """

    name: str
    colour: str
    values: Sequence[float]


def line_chart(x: Sequence[float], series: Sequence[Series], x_title: str, marks: Mapping[int, str]) -> str:
    """Return a chart with curves of scores from 0 to 1, as HTML.

    Args:
        x: Positions, rising or falling.
        series: The curves.
        x_title: Title of the x axis.
        marks: Text by index into `x`; drawn as a dashed line with a tooltip.
    """
    low, high = (min(x), max(x)) if x else (0.0, 1.0)
    parts = [_frame(low, high, x_title)]
    for index, text in marks.items():
        place = _place(x[index], low, high)
        parts.append(
            f'<path class="mark" d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}"><title>{escape(text)}</title></path>'
        )
    for each in series:
        points = [(_place(at, low, high), _height(value), at, value) for at, value in zip(x, each.values, strict=True)]
        parts.append(f'<path d="{_path(points)}" fill="none" stroke="{each.colour}" stroke-width="2"/>')
        parts += [
            _dot(left, top, 2, each.colour, f"{each.name}, {at:.1f}: {value:.3f}")
            for left, top, at, value in points
            if not math.isnan(value)
        ]
    return _svg(HEIGHT, parts) + legend((each.colour, each.name) for each in series)


def dot_chart(names: Sequence[str], series: Sequence[Series], x_title: str) -> str:
    """Return a chart with a row for each name and a dot for each series, for scores from 0 to 1, as HTML.

    Args:
        names: Names of the rows, from top to bottom.
        series: Scores in the order of `names`.
        x_title: Title of the x axis.
    """
    step, left = 22, 210
    height = TOP + step * len(names) + BOTTOM
    low = min([value for each in series for value in each.values if math.isfinite(value)] + [0.9])
    low = math.floor(low * 10) / 10 if low > 0 else 0.0
    span = WIDTH - left - RIGHT

    def place(value: float) -> float:
        return left + span * (value - low) / (1 - low)

    parts = []
    for tick in nice_ticks(low, 1):
        parts.append(f'<path class="grid" d="M{place(tick):.1f} {TOP}V{height - BOTTOM}"/>')
        parts.append(f'<text x="{place(tick):.1f}" y="{height - BOTTOM + 18}" class="middle">{tick:g}</text>')
    for row, name in enumerate(names):
        at = TOP + step * (row + 0.5)
        parts.append(f'<path class="grid" d="M{left} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{left - 10}" y="{at + 4:.1f}" class="end">{escape(shorten(name, 30))}</text>')
        for each in series:
            value = each.values[row]
            if math.isfinite(value):
                parts.append(_dot(place(value), at, 5, each.colour, f"{name}, {each.name}: {value:.3f}"))
    parts.append(f'<text x="{left + span / 2:.1f}" y="{height - 6}" class="middle">{escape(x_title)}</text>')
    return _svg(height, parts) + legend((each.colour, each.name) for each in series)


def share_chart(
    x: Sequence[float], series: Sequence[Series], x_title: str, y_title: str, marks: Mapping[float, str]
) -> str:
    """Return a chart with curves of shares, from 0 to the largest share, as HTML.

    Args:
        x: Positions, rising.
        series: The curves; no value is below 0.
        x_title: Title of the x axis.
        y_title: Title of the y axis, above it.
        marks: Text by position; drawn beside a dashed line.
    """
    top = max((max(each.values) for each in series), default=0) or 1.0
    low, high = min(x), max(x)
    parts = [f'<text x="{LEFT}" y="{TOP - 4}">{escape(y_title)}</text>']
    for tick in nice_ticks(0, top):
        at = _height(tick / top)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" class="end">{tick:g}</text>')
    parts.append(_x_axis(low, high, x_title))
    for position, text in marks.items():
        place = _place(position, low, high)
        parts.append(f'<path class="mark" d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{place - 4:.1f}" y="{TOP + 10}" class="end">{escape(text)}</text>')
    for each in series:
        points = [
            (_place(at, low, high), _height(value / top), at, value) for at, value in zip(x, each.values, strict=True)
        ]
        parts.append(f'<path d="{_path(points)}" fill="none" stroke="{each.colour}" stroke-width="2"/>')
    return _svg(HEIGHT, parts) + legend((each.colour, each.name) for each in series)


def shorten(name: str, length: int) -> str:
    """Return a name shortened to at most `length` characters."""
    return name if len(name) <= length else name[: length - 1] + "…"


def _frame(low: float, high: float, x_title: str) -> str:
    parts = []
    for tenth in range(0, 11, 2):
        top = _height(tenth / 10)
        parts.append(f'<path class="grid" d="M{LEFT} {top:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{top + 4:.1f}" class="end">{tenth / 10:.1f}</text>')
    return "".join([*parts, _x_axis(low, high, x_title)])


def _x_axis(low: float, high: float, title: str) -> str:
    parts = []
    for tick in nice_ticks(low, high):
        at = _place(tick, low, high)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" class="middle">{with_minus(f"{tick:g}")}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 6}" class="middle">{escape(title)}</text>')
    return "".join(parts)


def nice_ticks(low: float, high: float) -> list[float]:
    """Return about six round numbers between `low` and `high`."""
    if high <= low:
        return [low]
    rough = (high - low) / 6
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _place(at: float, low: float, high: float) -> float:
    share = (at - low) / (high - low) if high > low else 0.5
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _height(value: float) -> float:
    return TOP + (1 - value) * (HEIGHT - TOP - BOTTOM)


def _path(points: Sequence[tuple[float, float, float, float]]) -> str:
    """Return SVG path data with gaps at NaN."""
    parts, is_down = [], False
    for left, top, _, value in points:
        if math.isnan(value):
            is_down = False
            continue
        parts.append(f"{'L' if is_down else 'M'}{left:.1f} {top:.1f}")
        is_down = True
    return "".join(parts)


def _dot(left: float, top: float, radius: float, colour: str, title: str) -> str:
    """Return a dot with a tooltip."""
    dot = f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{radius}" fill="{colour}" fill-opacity=".85">'
    return f"{dot}<title>{escape(title)}</title></circle>"


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img">{"".join(parts)}</svg>'
