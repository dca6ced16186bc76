"""Makes the frame of all HTML pages that this library writes: one file without scripts or network, printable."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from html import escape

REPORT_TITLE = "Lung segmentation"
"""Begins the title of a report on comparisons, by which it is known as one."""

STYLE = """
:root { --ink: #1c2730; --soft: #5c6b78; --line: #dde3e8; --wash: #f5f7f9; --bad: #b3261e; --accent: #1f6f8b;
  --paper: #fff; --failed: #fdeceb; --doubt: #b9770e; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1060px; padding: 40px 28px 60px; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 44px 0 10px; padding-top: 18px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 26px 0 8px; }
p { margin: 6px 0; } .soft, caption, figcaption { color: var(--soft); font-size: 13px; }
a { color: var(--accent); }
table { border-collapse: collapse; width: 100%; margin: 12px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; font-size: 13px; color: var(--soft); } thead th { border-bottom: 2px solid var(--line); }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 110px; }
th.words, td.words { text-align: left; }
.remarks { display: inline-block; white-space: normal; max-width: 170px; font-size: 12px; color: var(--soft); }
.remarks span { white-space: nowrap; }
h1, h2 { overflow-wrap: anywhere; } .scroll { overflow-x: auto; }
tbody tr:hover { background: var(--wash); } .unit { color: var(--soft); font-size: 12px; padding-left: 2px; }
ul.findings, ul.failed { margin: 8px 0; padding: 10px 14px 10px 30px; }
ul.findings { background: #fff7e6; border-left: 3px solid var(--doubt); }
ul.failed { background: var(--failed); border-left: 3px solid var(--bad); overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 22px 0; }
.tile { background: var(--wash); border-radius: 8px; padding: 14px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.tile b .unit { font-size: 15px; font-weight: 400; } .tile > span { color: var(--soft); font-size: 13px; }
svg.chart { width: 100%; height: auto; display: block; font-size: 12px; fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; fill: none; } .middle { text-anchor: middle; } .end { text-anchor: end; }
.mark { stroke: #9aa7b2; stroke-dasharray: 3 3; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 18px; color: var(--soft); font-size: 13px; margin: 4px 0 10px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; }
.row { display: grid; gap: 6px; margin: 4px 0 16px; break-inside: avoid; }
.row figure { margin: 0; } .row svg, .row img { width: 100%; height: auto; display: block; background: #000; }
.row h4 { grid-column: 1 / -1; margin: 8px 0 0; font-size: 13px; }
.row h4 small { color: var(--soft); font-weight: 400; }
figure img { max-width: 100%; }
footer { margin-top: 50px; border-top: 1px solid var(--line); padding-top: 14px; }
footer dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: 13px; margin: 8px 0; }
footer dt { color: var(--soft); } footer dd { margin: 0; overflow-wrap: anywhere; }
@media screen and (max-width: 480px) { body { padding: 20px 14px 40px; } th, td { padding: 6px 5px; } }
@media print {
  @page { margin: 12mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; max-width: none; font-size: 11px; }
  .soft, caption, figcaption, .legend, .unit, .remarks, .tile > span, .row h4, footer dl { font-size: 10px; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(110px, 1fr)); margin: 10px 0; } .tile { padding: 8px 10px; }
  .tile b { font-size: 20px; } .tile b .unit { font-size: 12px; }
  h2 { margin-top: 14px; padding-top: 8px; } h3 { margin: 10px 0 4px; } h2, h3 { break-after: avoid; }
  th, td { padding: 2px 6px; font-size: 11px; } table { margin: 6px 0; } .row { margin: 2px 0 6px; }
  svg.chart { max-height: 42mm; } svg.chart, .tiles { break-inside: avoid; } section.paged { break-before: page; }
  section.case h2 { border: 0; margin: 0; padding: 0; } a { color: inherit; text-decoration: none; }
}
"""


def page(title: str, body: str) -> str:
    """Return a complete HTML document; `title` is plain text, `body` is HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: Collection[int] = ()) -> str:
    """Return a table.

    Args:
        header: The columns' titles, as HTML.
        rows: Cells as HTML; the first of each row is its name.
        words: Columns of words, which begin at the left; the others hold numbers, which end at the right.
    """
    kinds = [' class="words"' if index in words else "" for index in range(len(header))]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, header, strict=True))
    cells = ("".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) for row in rows)
    lines = (f"<tr>{each}</tr>" for each in cells)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def with_unit(text: str, unit: str) -> str:
    """Return a number or a title with its unit in small letters, if it has one; both are HTML."""
    return f'{text} <span class="unit">{unit}</span>' if unit else text


def tiles(entries: Iterable[tuple[str, str]]) -> str:
    """Return a row of boxes, each a large number above what it is; both are HTML."""
    boxes = (f'<div class="tile"><b>{number}</b><span>{text}</span></div>' for number, text in entries)
    return f'<div class="tiles">{"".join(boxes)}</div>'


def findings_list(messages: Iterable[str]) -> str:
    """Return the messages of findings, which are plain text, as a list; nothing without one."""
    items = "".join(f"<li>{escape(each)}</li>" for each in messages)
    return f'<ul class="findings">{items}</ul>' if items else ""


def legend(entries: Iterable[tuple[str, str]], title: str = "") -> str:
    """Return a line of coloured squares, each a CSS colour and its name; names and title are plain text."""
    squares = (f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for colour, name in entries)
    head = f"<span>{escape(title)}</span>" if title else ""
    return f'<p class="legend">{head}{"".join(squares)}</p>'


def figure(png: bytes, caption: str = "") -> str:
    """Return a picture above its caption, which is HTML."""
    return f'<figure><img src="{data_url(png)}" alt=""><figcaption>{caption}</figcaption></figure>'


def data_url(png: bytes) -> str:
    """Return a PNG file as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
