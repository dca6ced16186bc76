"""Double clicks on buttons that start something at one click and cancel it at the next."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def double_click(panel, monkeypatch):
    """Click twice, as quickly as a user does, whatever the machine is doing."""
    from LungUNetSegSlicer.panel import clicks

    def click_twice(button) -> None:
        panel.click(button)
        with monkeypatch.context() as patched:
            patched.setattr(clicks, "DOUBLE_CLICK_S", 600.0)
            panel.click(button)

    return click_twice


def test_a_double_click_starts_a_run_and_another_one_cancels_it(
    panel, phantom_node, stub_child, double_click, wait_until
):
    """Protects users who double-click on buttons: the run was cancelled at once, or another one began after Cancel."""
    stub_child(hold="segment")
    button = panel.ui.applyButton
    double_click(button)
    assert panel.running and button.text == "Cancel"
    wait_until(lambda: panel.ui.progressBar.value)
    double_click(button)
    assert not panel.running and button.text == "Segment lungs"


@pytest.mark.parametrize("section", ["comparison", "dates"])
def test_a_double_click_starts_a_comparison(panel, phantom_node, section, double_click):
    """Protects the sections whose work runs in Slicer itself."""
    panel.run()
    first = panel.parameters.outputSegmentation
    panel.ui.outputSegmentationSelector.setCurrentNode(None)
    panel.run()
    second = panel.parameters.outputSegmentation
    selectors, button, part = {
        "comparison": (("predictionSelector", "referenceSelector"), panel.ui.compareButton, panel.widget.comparePanel),
        "dates": (("firstDateSelector", "secondDateSelector"), panel.ui.datesButton, panel.widget.datesPanel),
    }[section]
    for selector, node in zip(selectors, (first, second), strict=True):
        getattr(panel.ui, selector).setCurrentNode(node)
    double_click(button)
    assert part.running
    part.close()
