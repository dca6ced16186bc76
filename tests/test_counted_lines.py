"""Lines are counted that run, all of them, and no others."""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

import pytest
from counted_lines import ROOT, RUN, marked
from coverage import Coverage

CODE = '''"""Of the module."""
from __future__ import annotations

def same(function):
    return function

@same
def say(x):
    """Of the function."""
    if x == 1:
        return "one"
    elif x == 2:
        y = [
            "two"]
        return y[0]
    try:
        return {}[x]
    except KeyError:
        return "none"
'''
DEFINED = {2, 4, 5, 7, 8}


@pytest.mark.parametrize(
    ("asked", "said", "lines"),
    [(1, "one", {10, 11}), (2, "two", {10, 12, 13, 15}), (3, "none", {10, 12, 16, 17, 18, 19})],
)
def test_lines_that_run_are_counted(monkeypatch: pytest.MonkeyPatch, asked: int, said: str, lines: set[int]) -> None:
    """Protects the share that `make test` demands."""
    run = bytearray(30)
    monkeypatch.setattr(builtins, RUN, run, raising=False)
    names: dict[str, object] = {}
    exec(compile(marked(CODE, 5), "code.py", "exec", dont_inherit=True), names)
    assert names["say"](asked) == said and names["__doc__"] == "Of the module."
    assert {place - 5 for place, is_run in enumerate(run) if is_run} == DEFINED | lines


@pytest.mark.parametrize(
    "file", ["LungUNetSegLib/cli/app.py", "LungUNetSegLib/config.py", "LungUNetSeg/LungUNetSeg.py"]
)
def test_each_line_that_coverage_reports_on_has_a_mark(file: str) -> None:
    """Protects from lines that never count as run."""
    path: Path = ROOT / file
    assigned = (node for node in ast.walk(marked(path.read_bytes(), 0)) if isinstance(node, ast.Assign))
    subscripts = (node.targets[0] for node in assigned if isinstance(node.targets[0], ast.Subscript))
    marks = {each.slice.value for each in subscripts if isinstance(each.value, ast.Name) and each.value.id == RUN}
    assert set(Coverage(data_file=None).analysis2(str(path))[1]) <= marks
