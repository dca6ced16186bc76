"""Fine-tuning from the panel: from a folder of cases to an own model in the list, cancelled, and refused."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from phantom_cases import write_pair

pytestmark = pytest.mark.usefixtures("nothing_left")
pytest.importorskip("onnxscript")


@pytest.fixture
def section(panel, monkeypatch, tmp_path, window_model):
    """The section, open, with its model; own models go to a folder of the test. Call it to choose cases and a name."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    panel.parameters.model = str(window_model)
    panel.ui.finetuneCollapsibleButton.collapsed = False

    def choose(folder, name):
        with patch("LungUNetSegSlicer.panel.finetune_panel.ask_folder", return_value=folder):
            panel.click(panel.ui.finetuneFolderButton)
        panel.ui.finetuneNameLineEdit.setText(name)
        return panel.ui.finetuneButton

    return choose


def test_what_is_missing_is_said_on_the_button(panel, section, tmp_path):
    button = panel.ui.finetuneButton
    assert not button.enabled and button.toolTip == "Choose the folder of your cases first."
    assert "Give the new model a name first." in section(tmp_path, "").toolTip
    assert "There is already a model 'lungs'" in section(tmp_path, "lungs").toolTip
    assert section(tmp_path, "mine").enabled


def test_too_few_patients_are_said_in_the_panel(panel, section, tmp_path, wait_until):
    """Protects the way of a refusal from the child process to the user."""
    for seed in range(2):
        write_pair(tmp_path / "cases", f"p{seed}", slices=4, seed=seed)
    panel.click(section(tmp_path / "cases", "mine"))
    assert panel.widget.finetunePanel.running
    wait_until(lambda: not panel.widget.finetunePanel.running)
    assert "at least 3 patients" in panel.ui.finetuneStatusLabel.text
    assert "has only p0, p1" in panel.ui.finetuneStatusLabel.text


def test_a_fine_tuning_can_be_cancelled(panel, section, tmp_path):
    for seed in range(3):
        write_pair(tmp_path / "cases", f"p{seed}", slices=4, seed=seed)
    button = section(tmp_path / "cases", "mine")
    panel.click(button)
    assert button.text == "Cancel"
    panel.click(button)
    assert not panel.widget.finetunePanel.running
    assert panel.ui.finetuneStatusLabel.text.startswith("Cancelled.") and button.text == "Fine-tune on my cases"


def test_a_new_model_is_listed_with_its_scores(panel, section, tmp_path):
    """Protects the end: the table of before and after, and a list that has the model without choosing it."""
    from types import SimpleNamespace

    from LungUNetSegSlicer.run.child_process import ChildEnd

    button = section(tmp_path, "mine")
    ends = []
    run = SimpleNamespace(running=True, cancel=lambda: None)
    with patch.object(panel.widget.logic, "startFinetuning", side_effect=lambda *given: ends.append(given) or run):
        panel.click(button)
    ((settings, progress, end),) = ends
    assert settings.arguments()[-1] == "--resume" and settings.name == "mine" and settings.data == tmp_path
    progress("train", 3, 60)
    assert panel.ui.finetuneStatusLabel.text == "Training" and panel.ui.finetuneProgressBar.value == 3
    scores = {"held out": {"lungs": [{"case": "p1", "lung": "Right lung", "dsc": [0.9, 0.95]}]}}
    before, run.running = panel.parameters.model, False
    folder = tmp_path / "home" / "lungunetseg" / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "manifest.json").touch()
    model = SimpleNamespace(manifest=SimpleNamespace(scores=scores))
    with patch("LungUNetSegSlicer.panel.finetune_panel.load_model", return_value=model):
        end(ChildEnd("done"))
    assert "p1, Right lung: 0.9000 → 0.9500" in panel.ui.finetuneStatusLabel.text
    assert panel.ui.modelComboBox.findData("mine") >= 0 and panel.parameters.model == before
