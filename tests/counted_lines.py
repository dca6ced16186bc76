"""Counts which of our lines the tests run: each statement marks its line when it is reached.

Being watched by `coverage` itself costs Python before 3.12 half of the time again, in other packages' code too; marks
cost next to nothing. Where the variable COUNT_LINES is set, modules that are imported from then on have them, and
`save` leaves what was counted for ``coverage combine``.
"""

from __future__ import annotations

import ast
import builtins
import os
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).resolve().parents[1]
SOURCES = tuple(f"{ROOT / name}{os.sep}" for name in ("LungUNetSegLib", "LungUNetSeg"))
RUN = "__lines_run__"
"""All modules' marks, among Python's own names: a byte for each line."""

_first: dict[str, int] = {}
"""The place of each file's line 0 among the marks."""


def marked(source: str | bytes, first: int) -> ast.Module:
    """Return the source with a mark for each line of a statement: ``__lines_run__[first + line] = 1``."""
    tree = ast.parse(source)
    for node in list(ast.walk(tree)):
        for name in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, name, None), list):
                setattr(node, name, list(_with_marks(block, first)))
        if isinstance(node, ast.ExceptHandler):
            node.body.insert(0, _mark(first + node.lineno))
        elif isinstance(node, ast.match_case):
            node.body.insert(0, _mark(first + node.pattern.lineno))
    return ast.fix_missing_locations(tree)


def _with_marks(block: list[ast.stmt], first: int) -> Iterator[ast.stmt]:
    for number, statement in enumerate(block):
        mark = _mark(first + statement.lineno)
        if not number and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield statement  # a docstring must stay the first, and nobody counts it
        elif isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            yield from (statement, mark)
        else:
            yield from (_mark(first + each.lineno) for each in getattr(statement, "decorator_list", ()))
            yield from (mark, statement)


def _mark(place: int) -> ast.stmt:
    target = ast.Subscript(ast.Name(RUN, ast.Load()), ast.Constant(place), ast.Store())
    return ast.Assign([target], ast.Constant(1))


def count() -> None:
    """Mark the lines of what is imported from now on."""
    lines = builtins.__dict__.setdefault(RUN, bytearray())
    get_code = SourceFileLoader.get_code

    def get_marked_code(loader: SourceFileLoader, name: str) -> CodeType | None:
        path = loader.get_filename(name)
        if not path.startswith(SOURCES):
            return get_code(loader, name)
        source = loader.get_data(path)
        if path not in _first:
            _first[path] = len(lines)
            lines.extend(bytes(source.count(b"\n") + 2))
        return compile(marked(source, _first[path]), path, "exec", dont_inherit=True)

    SourceFileLoader.get_code = get_marked_code


def save() -> None:
    """Write what was counted in this process, and the names of all files, to a file beside others' of this run."""
    if RUN not in builtins.__dict__:
        return
    from coverage import CoverageData

    data = CoverageData(str(ROOT / ".coverage"), suffix=True)
    lines, ends = builtins.__dict__[RUN], [*list(_first.values())[1:], None]
    for (path, first), end in zip(_first.items(), ends, strict=True):
        data.add_lines({path: [number for number, is_run in enumerate(lines[first:end]) if is_run]})
    modules = (path for source in SOURCES for path in Path(source).rglob("*.py"))
    data.touch_files(str(path) for path in modules if f"{path.parent}{os.sep}" in SOURCES or _is_package(path.parent))
    data.write()


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()


if "COUNT_LINES" in os.environ:
    count()
