"""Names of the library in documents: each can be imported."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

DOCUMENTS = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))

WHOLE = re.compile(r"`LungUNetSegLib((?:\.\w+)+)[`(]")
SHORT = re.compile(r"`((?:networks|losses|metrics)(?:\.\w+)+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_names_in_documents_can_be_imported(document: Path) -> None:
    """Protects a reader of paper.md, whose `networks.OriginalUNet` could not be imported."""
    text = document.read_text(encoding="utf-8")
    names = {name.removeprefix(".") for name in WHOLE.findall(text)} | set(SHORT.findall(text))
    for name in sorted(names):
        pkgutil.resolve_name(f"LungUNetSegLib.{name}")
