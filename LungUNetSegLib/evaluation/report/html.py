"""Makes the frame of all HTML pages that this library writes: one file without scripts or network, printable."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Sequence
from html import escape
from pathlib import Path

REPORT_TITLE = "Lung segmentation"
"""Begins the title of a report on comparisons, by which it is known as one."""

STYLE = Path(__file__).with_name("page.css").read_text("utf-8")


def page(title: str, body: str) -> str:
    """Return a complete HTML document; `title` is plain text, `body` is HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
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
