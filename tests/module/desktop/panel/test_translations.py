"""The panel speaks the user's language: each text goes through `tr`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

MODULE = Path(__file__).resolve().parents[4] / "LungUNetSeg"

ELSEWHERE = {
    # Where there is no application: on a server, in a browser, in the child process.
    "server", "web", "run/asyncio_loop.py", "run/segmentation_child.py", "run/batch_child.py", "run/guard.py",
    "scene/surfaces.py",
    # What is wrong with a scan or with two label maps is told in English, as the library and its reports tell it.
    "scene/volume_bridge.py", "run/scan_file.py", "compare",
}  # fmt: skip

NAMES = {"LungUNetSeg contributors"}
WORDS = re.compile(r"[A-Za-z]{2,},? [a-z]{2,}")


def untranslated(path: Path) -> Iterator[str]:
    """Return a file's texts of several words that are neither docstrings, nor log messages, nor given to `tr`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    fine = set()
    for node in ast.walk(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or (
            isinstance(node, ast.Call) and re.match(r"_$|translate$|logging\.", ast.unparse(node.func))
        ):
            fine |= {id(each) for each in ast.walk(node)}
    texts = {id(node): node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for key, text in texts.items():
        # What has line breaks is part of a file.
        if key not in fine and isinstance(text, str) and WORDS.search(text) and "\n" not in text and text not in NAMES:
            yield text


def spoken_files() -> list[Path]:
    """Return the module's files whose texts the user of the panel reads."""
    silent = [MODULE / "LungUNetSegSlicer" / name for name in ELSEWHERE]
    assert all(path.exists() for path in silent)
    return [path for path in sorted(MODULE.rglob("*.py")) if not {path, *path.parents} & set(silent)]


@pytest.mark.parametrize("path", spoken_files(), ids=lambda path: path.name)
def test_every_sentence_goes_through_tr(path):
    assert list(untranslated(path)) == []


def test_names_of_classes_in_the_ui_are_not_offered_to_translators():
    """A translated node type would empty the list."""
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "LungUNetSeg.ui").getroot()
    lists = [each for each in root.iter("stringlist") if str(each.findtext("string")).startswith("vtkMRML")]
    assert len(lists) == 6
    assert {each.get("notr") for each in lists} == {"true"}


@pytest.mark.usefixtures("nothing_left", "stub_child")
def test_texts_are_translated(app, phantom_node, wait_until, monkeypatch):
    from host.scripted_module import Translations
    from panel_helpers.panel import Panel

    texts = {
        ("panel.segment_panel", "Segment lungs"): "Lungen segmentieren",
        ("run.settings", "Automatic"): "Automatisch",
        ("panel.texts", "Right lung"): "Rechte Lunge",
    }
    monkeypatch.setattr(Translations, "texts", texts)
    panel = Panel(app, wait_until)
    try:
        assert panel.ui.applyButton.text == "Lungen segmentieren"
        assert panel.ui.deviceComboBox.currentText == "Automatisch"
        panel.run()
        assert panel.table()[0][0] == "Rechte Lunge"
    finally:
        panel.close()
