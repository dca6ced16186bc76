"""`lungunetseg train` as a test calls it."""

from __future__ import annotations

import pytest

from LungUNetSegLib.cli import main


def fails_with(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command fails, and its last line holds a sentence."""
    assert main(arguments) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert sentence in last
