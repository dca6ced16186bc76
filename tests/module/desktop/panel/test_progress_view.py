"""The bar and the words of a run, and that an error does not outlive what it was about."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.mark.parametrize("stage", ["read", "write", "load", "surface"])
def test_no_time_left_is_told_where_the_total_is_unknown(panel, monkeypatch, stage):
    """It said "about 1 s left" while reading, however long that took."""
    from LungUNetSegSlicer.panel import progress_view

    monkeypatch.setattr(progress_view, "LEAST_SECONDS", -1.0)
    view = progress_view.ProgressView(panel.ui)
    view.start()
    for done in (0, 1, 2):
        view.update(stage, done, 3)
        assert "left" not in panel.ui.statusLabel.text
        assert panel.ui.progressBar.maximum == 0
    view.update("segment", 1, 3)
    assert "left" in panel.ui.statusLabel.text


def test_an_error_is_gone_when_a_setting_is_changed(panel, phantom_node, stub_child):
    stub_child(end="fail")
    panel.run()
    assert panel.ui.statusLabel.visible
    panel.choose(panel.ui.deviceComboBox, "CPU")
    assert not panel.ui.statusLabel.visible


def test_an_error_that_comes_while_the_user_is_elsewhere_is_there_on_return(
    panel, phantom_node, stub_child, wait_until
):
    """Protects from a run that ends in silence: neither a result nor a reason was shown."""
    stub_child(end="fail")
    panel.click(panel.ui.applyButton)
    panel.module.widgetRepresentation().exit()
    wait_until(lambda: not panel.running)
    panel.module.widgetRepresentation().enter()
    assert panel.ui.statusLabel.visible and "this is no chest CT" in panel.ui.statusLabel.text
    assert panel.ui.logCollapsibleButton.visible
    panel.module.widgetRepresentation().exit()
    panel.module.widgetRepresentation().enter()
    assert not panel.ui.statusLabel.visible and not panel.ui.logCollapsibleButton.visible


def test_an_error_is_gone_when_another_ct_is_chosen_or_the_user_comes_back(
    panel, phantom_node, small_phantom, stub_child
):
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    stub_child(end="fail")
    panel.run()
    add_volume_node(small_phantom.ct, "Second")
    assert panel.ui.statusLabel.visible
    panel.choose(panel.ui.inputVolumeSelector, "Second")
    assert not panel.ui.statusLabel.visible
    panel.run()
    assert panel.ui.statusLabel.visible
    panel.module.widgetRepresentation().exit()
    panel.module.widgetRepresentation().enter()
    assert not panel.ui.statusLabel.visible
