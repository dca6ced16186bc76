"""Words that several packages say in the same way."""

from __future__ import annotations

import math

import pytest

from LungUNetSegLib.texts import listed, number_text


@pytest.mark.parametrize(
    ("names", "most", "separator", "expected"),
    [
        ([], 2, ", ", ""),
        (["a", "b"], 2, ", ", "a, b"),
        (["a", "b", "c"], 2, ", ", "a, b and 1 more"),
        (["1, 2", "3", "4", "5"], 2, "; ", "1, 2; 3; and 2 more"),
    ],
)
def test_many_names_are_cut_short(names: list[str], most: int, separator: str, expected: str) -> None:
    """Protects messages from hundreds of names, and readers from thinking that these are all."""
    assert listed(names, most, separator) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "expected"),
    [
        (None, 2, True, "–"),
        (-850.4, 0, False, "\N{MINUS SIGN}850"),
        (1.25, 1, True, "+1.2"),
        (3.0, 1, False, "3.0"),
        (0.4, 0, True, "0"),
        (-0.04, 1, True, "0.0"),
        (-0.4, 0, False, "0"),
        (math.inf, 1, False, "∞"),
        (-math.inf, 1, True, "\N{MINUS SIGN}∞"),
        (math.nan, 1, True, "–"),
    ],
)
def test_numbers_for_people(value: float | None, decimals: int, signed: bool, expected: str) -> None:
    """Protects tables: a number that is not known is no zero, a minus is no hyphen, at which a line may break, and
    what is rounded to 0 neither rose nor fell.
    """
    assert number_text(value, decimals, signed=signed) == expected
