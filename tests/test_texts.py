"""Words that several rooms say in the same way."""

from __future__ import annotations

import pytest

from LungUNetSegLib.texts import listed


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
