"""A file is replaced only by a complete new one, and nothing but a file is ever replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from LungUNetSegLib import files
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import check_replaceable, draft_folder, make_folder, replacing, write_csv


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
        with pytest.raises(WriteError, match="not an ordinary file"):
            check_replaceable(path)
    check_replaceable(tmp_path / "new.json")


KILLED = """
import os, signal, sys
from pathlib import Path
from LungUNetSegLib.files import draft_folder, replacing
with replacing(Path(sys.argv[1]), ".json") as draft, draft_folder(draft.parent) as folder:
    draft.write_text("half")
    (folder / "part").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process is killed otherwise here")
def test_the_next_run_clears_what_a_killed_one_left(tmp_path: Path) -> None:
    """Protects folders of results from hidden drafts, and the drafts of processes that still run, here or elsewhere."""
    path = tmp_path / "scores.json"
    child = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert child.returncode == -signal.SIGKILL
    left = {each.name for each in tmp_path.iterdir()}
    assert len(left) == 2 and all(name.startswith(".lungunetseg-") for name in left)
    ours = next(iter(left))
    elsewhere = ours.replace(files._machine(), "0badcafe")
    alive = ours.replace(f"-{ours.split('-')[2]}-", f"-{os.getppid()}-")
    others = {elsewhere, alive, ".lungunetseg-notes", ".hidden"}
    for name in others:
        (tmp_path / name).write_text("not ours to remove")
    files.clear_drafts.cache_clear()
    with replacing(path, ".json") as draft:
        draft.write_text("whole")
    assert {each.name for each in tmp_path.iterdir()} == others | {"scores.json"}


def test_a_table_has_its_header_and_quotes_what_needs_quotes(tmp_path: Path) -> None:
    """Protects every CSV file that is written: text with a comma, a quote or a line break stays one cell."""
    write_csv(tmp_path / "a.csv", ["case", "n"], [["a, b", 1], ['"c"', 2.5]])
    assert (tmp_path / "a.csv").read_bytes() == b'case,n\r\n"a, b",1\r\n"""c""",2.5\r\n'


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"file/sub: the folder cannot be made: Not a directory\."):
        make_folder(tmp_path / "file" / "sub")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_draft_folder_is_gone_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), draft_folder(tmp_path) as folder:
        (folder / "part").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
