"""A file is replaced only by a complete new one, and nothing but a file is ever replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import check_replaceable, replacing


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path, ".json") as draft:
        draft.write_text("ne")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["scores.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipes_and_devices_are_never_replaced(tmp_path: Path) -> None:
    """Protects /dev/null and /dev/stdout from becoming a file: root may do it."""
    os.mkfifo(tmp_path / "pipe.json")
    for path in (Path(os.devnull), tmp_path / "pipe.json"):
        with pytest.raises(WriteError, match="no ordinary file"):
            check_replaceable(path)
    check_replaceable(tmp_path / "new.json")
