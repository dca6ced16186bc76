"""Makes the parts of sentences and tables that are alike everywhere: a list of names, and a number."""

from __future__ import annotations

import math
from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 5, separator: str = ", ") -> str:
    """Return the first names and how many are left out, such as "a, b, c, d, e and 3 more".

    Args:
        names: In the order in which they are named.
        most: How many are named.
        separator: ``"; "`` where a name may have commas in itself.
    """
    shown = separator.join(names[:most])
    left = len(names) - most
    return f"{shown}{separator.lstrip(',')}and {left} more" if left > 0 else shown


def number_text(value: float | None, decimals: int = 0, *, signed: bool = False) -> str:
    """Return a number for people, with a real minus; "–" if it is unknown or NaN, "∞" if infinite. 0 has no sign."""
    if value is None or math.isnan(value):
        return "–"
    return with_minus(rounded(value, decimals, signed=signed)).replace("inf", "\N{INFINITY}")


def rounded(value: float, decimals: int, *, signed: bool = False) -> str:
    """Return a number in ASCII; 0 has no sign."""
    shown = f"{value:{'+' if signed else ''}.{decimals}f}"
    return shown.lstrip("+-") if float(shown) == 0 else shown


def with_minus(text: str) -> str:
    """Return a text with real minus signs in place of its hyphens."""
    return text.replace("-", "\N{MINUS SIGN}")
