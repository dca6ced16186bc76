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


def test_a_child_that_cannot_be_started_at_once_leaves_nothing_running(
    panel, phantom_node, monkeypatch, tmp_path
) -> None:
    """Protects Windows, where Qt says so before `start` returns: the bar stayed, and the scene went into a file."""
    from LungUNetSegSlicer.run.child_process import failed_to_start
    from LungUNetSegSlicer.run.worker import Worker

    monkeypatch.setattr(Worker, "start", lambda worker, *_: worker._end(failed_to_start("no such file")))
    section = panel.widget.batchPanel
    monkeypatch.setattr(section, "_output", tmp_path)
    panel.ui.batchSourceComboBox.setCurrentIndex(1)
    panel.click(panel.ui.batchButton)
    assert "cannot be started: no such file" in panel.ui.batchStatusLabel.text
    assert not panel.ui.batchProgressBar.visible and panel.ui.batchButton.text == "Segment all"
    assert not section.running and section._run._steps is None and not section._timer.active


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
