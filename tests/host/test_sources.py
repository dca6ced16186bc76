"""Each stand-in names the file of Slicer, CTK or PythonQt that it stands for, so that it can be compared with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

OWN = {"display.py"}
"""What stands for nothing of Slicer's: a display for the tests."""

FILES = [path for path in sorted(Path(__file__).parent.glob("*.py")) if not path.name.startswith("test_")]
SOURCE = re.compile(r"\b(?:Base|Libs|Modules|src)/[\w/]+(?:\.(?:h|cpp|cxx|py)\b|/)")


@pytest.mark.parametrize("path", [path for path in FILES if path.name not in OWN], ids=lambda path: path.name)
def test_a_stand_in_names_its_source(path):
    """Protects from a stand-in that nobody can check: each class of Slicer's or CTK's names its own file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    texts = [ast.get_docstring(each) or "" for each in (tree, *classes)]
    sources = [Path(source).stem for text in texts for source in SOURCE.findall(text)]
    assert sources, "the module or its classes name no source"
    foreign = {each.name for each in classes if each.name.startswith(("ctk", "qMRML", "qSlicer"))}
    assert foreign <= set(sources)
