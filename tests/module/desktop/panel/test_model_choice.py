"""A network from a file: what can be chosen, and what is said of a path that is none."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


@pytest.fixture
def type_path(panel, phantom_node):
    """Choose "From a file" and type a path letter by letter, as a user does; return the panel's button."""

    def type_path(text):
        from PySide6.QtTest import QTest

        panel.click(panel.ui.advancedCollapsibleButton)
        panel.choose(panel.ui.modelComboBox, "From a file")
        edit = panel.ui.modelPathLineEdit.comboBox().lineEdit()
        edit.clear()
        QTest.keyClicks(edit, text)
        return panel.ui.applyButton

    return type_path


@pytest.mark.parametrize("name", ["manifest.json", "best.pt", "last.pth"])
def test_each_kind_of_network_can_be_chosen(panel, type_path, tmp_path, name):
    """CTK makes a validator of the name filters, which let no manifest pass."""
    (tmp_path / name).touch()
    assert type_path(str(tmp_path / name)).enabled
    assert panel.parameters.model == str(tmp_path / name)


def test_after_a_text_that_is_no_network_the_earlier_path_is_not_used(panel, type_path, tmp_path):
    """CTK tells of no path then; the panel would show one network and run another."""
    (tmp_path / "manifest.json").touch()
    (tmp_path / "notes.txt").touch()
    assert type_path(str(tmp_path / "manifest.json")).enabled
    button = type_path(str(tmp_path / "notes.txt"))
    assert not button.enabled
    assert button.toolTip == "notes.txt is not a network: choose a manifest (.json) or a checkpoint (.pt)."
    assert panel.parameters.model != str(tmp_path / "manifest.json")


def test_a_path_that_does_not_exist_is_said_so(type_path, tmp_path):
    button = type_path(str(tmp_path / "absent.pt"))
    assert not button.enabled
    assert button.toolTip == f"There is no file {tmp_path / 'absent.pt'}. Choose the file of a network."


def test_a_file_that_is_gone_at_the_click_is_told_in_the_panel(panel, type_path, tmp_path):
    (tmp_path / "best.pt").touch()
    button = type_path(str(tmp_path / "best.pt"))
    (tmp_path / "best.pt").unlink()
    panel.click(button)
    assert not panel.running
    assert panel.ui.statusLabel.text.startswith("There is no file")


def test_a_folder_that_a_script_chose_does_not_stay_when_the_user_types_another_text(
    panel, type_path, window_model, tmp_path
):
    """CTK's validator refuses both, and tells of no change from one to the other."""
    panel.parameters.model = str(window_model.parent)
    assert panel.ui.applyButton.enabled and panel.ui.modelPathLineEdit.currentPath == str(window_model.parent)
    panel.ui.modelPathLineEdit.setCurrentPath(str(tmp_path / "absent"))
    assert panel.parameters.model == str(tmp_path / "absent")
    assert not panel.ui.applyButton.enabled


def test_no_file_yet(panel, type_path):
    assert type_path("").toolTip == "Choose the file of a network first."
