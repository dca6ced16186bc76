"""The stand-ins for CTK's widgets behave as their C++ sources do where the module met the difference."""

from __future__ import annotations

import re

import pytest
from host import application, ctk_widgets


@pytest.fixture(scope="module", autouse=True)
def app():
    """The application, with an empty scene."""
    return application.start()


@pytest.mark.parametrize(
    ("filters", "accepted", "refused"),
    [
        (["manifest.json *.pt", "*"], ["/a/b.pt"], ["/a/manifest.json", "/a/b"]),
        (["Networks (*.json *.pt *.pth)"], ["/a/manifest.json", "b.pt", "b.pth"], ["/a/b.onnx", "", "json"]),
        (["*"], ["/a/b"], [""]),
        ([], ["/a/b"], [""]),
    ],
)
def test_a_path_is_valid_by_the_endings_of_the_name_filters_alone(filters, accepted, refused):
    """Hand-derived from CTK's ctkUtils.cpp: extensionToRegExp takes ``*.ext`` and nothing else."""
    pattern = re.compile(ctk_widgets.name_filters_to_pattern(filters))
    assert all(pattern.fullmatch(path) for path in accepted)
    assert not any(pattern.fullmatch(path) for path in refused)


def test_a_refused_text_is_shown_but_not_told_as_a_path():
    edit = ctk_widgets.ctkPathLineEdit()
    edit.nameFilters = ["Networks (*.json)"]
    paths, valid = [], []
    edit.connect("currentPathChanged(QString)", paths.append)
    edit.connect("validInputChanged(bool)", valid.append)
    for text in ("/a.json", "/b.txt", "/c.txt", "/d.json"):
        edit.setCurrentPath(text)
        assert edit.currentPath == text
    assert paths == ["/a.json", "/d.json"]
    assert valid == [True, False, True]


def test_a_hidden_widget_stays_hidden_when_its_section_opens():
    """And what is shown or hidden while the section is closed is so when it opens."""
    import qt

    section = ctk_widgets.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(section)
    shown, hidden = qt.QLabel("a", section), qt.QLabel("b", section)
    for each in (shown, hidden):
        layout.addWidget(each)
    hidden.visible = False
    section.show()
    section.collapsed = True
    assert not shown.visible
    section.collapsed = False
    assert (shown.visible, hidden.visible) == (True, False)
    section.collapsed = True
    shown.visible, hidden.visible = False, True
    assert not hidden.visible
    section.collapsed = False
    assert (shown.visible, hidden.visible) == (False, True)
    section.close()


def test_what_comes_into_a_closed_section_is_seen_when_it_opens():
    """The `.ui` closes a section before it has children."""
    import qt

    section = ctk_widgets.ctkCollapsibleButton()
    section.collapsed = True
    label = qt.QLabel("a", section)
    section.show()
    assert not label.visible
    section.collapsed = False
    assert label.visible
    section.close()
