"""What the sections with long work share: widgets that stay hidden, and a button that starts and cancels."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

HIDDEN = {
    "batch": ("StatusLabel", "ProgressBar", "Table", "PageButton"),
    "dates": ("StatusLabel", "Table"),
    "finetune": ("StatusLabel", "ProgressBar"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_opening_a_section_shows_only_what_there_is_to_see(panel, name) -> None:
    """Protects against an empty table and a bar of no progress: Qt shows every widget of a section that opens."""
    section = getattr(panel.widget, f"{name}Panel")
    getattr(panel.ui, f"{name}CollapsibleButton").collapsed = False
    widgets = {kind: getattr(panel.ui, name + kind) for kind in HIDDEN[name]}
    assert not any(each.visible for each in widgets.values())
    section._say("Something.")
    assert widgets["StatusLabel"].visible and widgets["StatusLabel"].text == "Something."
    section._say("")
    assert not widgets["StatusLabel"].visible


@pytest.mark.parametrize("name", ["batch", "finetune"])
def test_a_run_is_cancelled_by_its_section(panel, name) -> None:
    """Protects Cancel and the end of Slicer: both must reach the child process, and only while there is one."""
    section = getattr(panel.widget, f"{name}Panel")
    section.close()
    assert not section.running
    calls = []
    section._run = SimpleNamespace(running=True, cancel=lambda: calls.append("cancel"))
    section.update()
    button = getattr(panel.ui, f"{name}Button")
    assert section.running and button.text == "Cancel" and button.enabled
    panel.click(button)
    section.close()
    assert calls == ["cancel", "cancel"]
    section._run = None
