"""The panel as a user meets it: what it shows, before, during and after a run."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from host import application
from PySide6.QtWidgets import QLabel, QTableWidget

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


def test_loading_the_module_imports_no_engine_and_installs_nothing():
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from host import application\n"
        "app = application.start()\n"
        "import subprocess, slicer\n"
        "subprocess.Popen = slicer.util.pip_install = None\n"
        "module = app.moduleManager().load(application.REPOSITORY / 'LungUNetSeg' / 'LungUNetSeg.py')\n"
        "print(sorted({'torch', 'onnxruntime', 'openvino', 'SimpleITK'} & set(sys.modules)))\n"
        "module.widgetRepresentation()\n"
        "print(sorted({'torch', 'onnxruntime', 'openvino'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=application.REPOSITORY, capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == ["[]", "[]"], run.stderr


def test_slicer_is_told_what_the_module_is(panel):
    module = panel.module
    assert (module.title, module.categories) == ("LungUNetSeg", ["Segmentation"])
    assert "needs no GPU" in module.helpText and "not a medical device" in module.helpText
    assert "docs/tutorial.md" in module.helpText
    assert "Armato" in module.acknowledgementText and "LIDC-IDRI-0001" in module.acknowledgementText
    assert not module.icon.isNull()


def test_without_a_ct_the_button_is_grey_and_says_why(app, panel):
    app.mrmlScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert (panel.ui.applyButton.text, panel.ui.applyButton.enabled) == ("Segment lungs", False)
    assert panel.ui.applyButton.toolTip == "Choose a CT first."
    assert panel.ui.applyButton.default


def test_the_first_ct_that_is_loaded_is_chosen(panel, phantom_node):
    assert panel.ui.inputVolumeSelector.currentNode() is phantom_node
    assert panel.ui.applyButton.enabled


def test_a_volume_that_another_module_hides_is_not_chosen(app, panel, small_phantom):
    """Protects from a result of a module's own intermediate volume, which no list of Slicer shows."""
    import slicer

    from LungUNetSegSlicer.scene.colour_maps import scans_of_scene

    hidden = slicer.vtkMRMLScalarVolumeNode()
    hidden.SetHideFromEditors(True)
    app.mrmlScene().AddNode(hidden)
    assert panel.parameters.inputVolume is None and scans_of_scene() == []


def test_a_run_from_the_click_to_the_results(app, panel, phantom_node):
    panel.run()
    segmentation = panel.ui.outputSegmentationSelector.currentNode()
    assert segmentation.GetName() == "Phantom lungs"
    assert segmentation.GetSegmentation().GetSegmentIDs() == ("RightLung", "LeftLung")
    assert panel.table() == [
        ["Right lung", "2512", "−812"],
        ["Left lung", "2104", "−802"],
        ["Both lungs", "4616", "−768"],
    ]
    assert re.fullmatch(r"Done in \d+ s with ONNX Runtime 1.20, CPU, float32\.", panel.ui.timeLabel.text)
    assert panel.ui.applyButton.text == "Segment lungs"
    assert not panel.ui.progressBar.visible and not panel.ui.warningsLabel.visible


def test_the_methods_sentence_is_copied(app, panel, phantom_node):
    panel.run()
    panel.click(panel.ui.copyMethodsButton)
    assert app.clipboard().text() == panel.ui.methodsLabel.text
    assert "LungUNetSeg 0.1.0" in app.clipboard().text()


def test_while_it_runs_slices_time_left_and_stage_are_shown_and_settings_are_locked(
    panel, phantom_node, wait_until, stub_child, monkeypatch
):
    from LungUNetSegSlicer.panel import progress_view

    monkeypatch.setattr(progress_view, "LEAST_SECONDS", 0.0)
    stub_child(hold="segment")
    panel.click(panel.ui.applyButton)
    assert (panel.ui.applyButton.text, panel.ui.applyButton.enabled) == ("Cancel", True)
    assert panel.ui.statusLabel.text == "Handing over the scan"
    wait_until(lambda: "31 of 60" in panel.ui.statusLabel.text)
    assert re.fullmatch(r"Segmenting: 31 of 60 slices, about \d+ s left", panel.ui.statusLabel.text)
    assert (panel.ui.progressBar.value, panel.ui.progressBar.maximum) == (31, 60)
    assert not panel.ui.inputVolumeSelector.enabled and not panel.ui.deviceComboBox.enabled
    panel.click(panel.ui.applyButton)
    assert panel.ui.inputVolumeSelector.enabled


def test_a_second_run_replaces_the_chosen_segmentation(app, panel, phantom_node):
    panel.run()
    first = panel.ui.outputSegmentationSelector.currentNode()
    panel.run()
    assert panel.ui.outputSegmentationSelector.currentNode() is first
    assert app.mrmlScene().GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


def test_choosing_another_ct_does_not_offer_to_replace_the_first_ones_lungs(panel, phantom_node, small_phantom):
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    panel.run()
    add_volume_node(small_phantom.ct, "Second")
    panel.choose(panel.ui.inputVolumeSelector, "Second")
    assert panel.ui.outputSegmentationSelector.currentNode() is None
    assert not panel.ui.resultsCollapsibleButton.visible


def test_going_back_to_a_ct_shows_its_lungs(app, panel, phantom_node, small_phantom):
    """Protects users with two scans: the first one's results were gone until they found its segmentation in a list."""
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    panel.run()
    lungs = panel.ui.outputSegmentationSelector.currentNode()
    second = add_volume_node(small_phantom.ct, "Second")
    panel.ui.inputVolumeSelector.setCurrentNode(second)
    assert not panel.ui.resultsCollapsibleButton.visible
    panel.ui.inputVolumeSelector.setCurrentNode(phantom_node)
    assert panel.ui.outputSegmentationSelector.currentNode() is lungs
    assert panel.ui.resultsCollapsibleButton.visible
    panel.ui.inputVolumeSelector.setCurrentNode(second)
    app.mrmlScene().RemoveNode(second)
    assert panel.ui.outputSegmentationSelector.currentNode() is lungs


def test_results_come_back_with_their_segmentation_and_with_the_saved_scene(app, panel, phantom_node, tmp_path):
    panel.run()
    before = panel.table()
    segmentation = panel.ui.outputSegmentationSelector.currentNode()
    panel.ui.outputSegmentationSelector.setCurrentNode(None)
    assert not panel.ui.resultsCollapsibleButton.visible
    panel.ui.outputSegmentationSelector.setCurrentNode(segmentation)
    assert panel.table() == before
    scene = app.mrmlScene()
    scene.SetURL(str(tmp_path / "scene.mrml"))
    scene.Commit()
    scene.Clear(1)
    assert not panel.ui.resultsCollapsibleButton.visible
    scene.Connect()
    panel.widget.enter()
    assert panel.ui.outputSegmentationSelector.currentNode().GetName() == "Phantom lungs"
    assert panel.table() == before


def test_settings_reach_the_child(panel, phantom_node, window_model, app):
    from LungUNetSegSlicer.run.settings import Device, Engine, Output

    panel.click(panel.ui.advancedCollapsibleButton)
    panel.choose(panel.ui.outputComboBox, "Both lungs as one")
    panel.choose(panel.ui.deviceComboBox, "CPU")
    panel.choose(panel.ui.engineComboBox, "OpenVINO")
    panel.choose(panel.ui.modelComboBox, "From a file")
    panel.click(panel.ui.show3dCheckBox)
    assert panel.parameters.show3d
    panel.click(panel.ui.show3dCheckBox)
    assert not panel.ui.applyButton.enabled
    assert panel.ui.applyButton.toolTip == "Choose the file of a network first."
    panel.ui.modelPathLineEdit.setCurrentPath(str(window_model))
    parameters = panel.parameters
    assert (parameters.output, parameters.device, parameters.show3d) == (Output.BOTH_AS_ONE, Device.CPU, False)
    assert (parameters.model, parameters.engine) == (str(window_model), Engine.OPENVINO)
    panel.run()
    result = json.loads(parameters.outputSegmentation.GetAttribute("LungUNetSeg.Result"))
    options = {"--model": str(window_model), "--engine": "openvino", "--device": "cpu", "--labels": "binary"}
    assert result["arguments"] == [word for option in options.items() for word in option]


def test_an_engine_of_the_cpu_is_not_started_for_a_gpu_or_a_checkpoint(panel, phantom_node, tmp_path):
    from LungUNetSegSlicer.run.settings import Device, Engine

    panel.choose(panel.ui.engineComboBox, "ONNX Runtime")
    assert panel.ui.applyButton.enabled
    panel.choose(panel.ui.deviceComboBox, "GPU")
    assert not panel.ui.applyButton.enabled
    assert panel.ui.applyButton.toolTip.startswith("Choose PyTorch or Automatic as the engine")
    panel.parameters.engine = Engine.TORCH
    assert panel.ui.applyButton.enabled
    panel.parameters.engine, panel.parameters.device = Engine.OPENVINO, Device.CPU
    assert panel.ui.applyButton.enabled
    panel.parameters.model = str(tmp_path / "best.pt")
    assert not panel.ui.applyButton.enabled


def test_leaving_and_coming_back_keeps_the_settings(panel, phantom_node):
    from LungUNetSegSlicer.run.settings import Device

    panel.choose(panel.ui.deviceComboBox, "GPU")
    panel.module.widgetRepresentation().exit()
    panel.ui.deviceComboBox.setCurrentIndex(0)
    panel.module.widgetRepresentation().enter()
    assert panel.ui.deviceComboBox.currentText == "GPU"
    assert panel.parameters.device is Device.GPU


def test_a_run_goes_on_while_the_user_is_in_another_module(panel, phantom_node, wait_until):
    panel.click(panel.ui.applyButton)
    panel.module.widgetRepresentation().exit()
    wait_until(lambda: not panel.running)
    panel.module.widgetRepresentation().enter()
    assert panel.ui.outputSegmentationSelector.currentNode().GetName() == "Phantom lungs"
    assert panel.ui.resultsCollapsibleButton.visible


def test_every_setting_has_a_tooltip_a_label_and_a_key_of_its_own(panel):
    ui = panel.ui
    for name in (
        "inputVolumeSelector",
        "outputSegmentationSelector",
        "outputComboBox",
        "modelComboBox",
        "deviceComboBox",
        "engineComboBox",
    ):
        widget = getattr(ui, name)
        assert widget.toolTip, name
        label = next(each for each in panel.window.findChildren(QLabel) if each.buddy() is widget)
        assert "&" in label.text, name
    texts = [widget.text for widget in vars(ui).values() if isinstance(getattr(widget, "text", None), str)]
    keys = [match.group(1).lower() for text in texts for match in re.finditer("&([^& ])", text)]
    assert sorted(keys) == sorted(set(keys)), "two fields share a key"


def test_headers_of_tables_stay_as_they_are_when_a_row_is_chosen(panel):
    """Qt makes them bold, in columns that were measured before: "Slice" and "z (mm)" ran into each other."""
    tables = [each for each in vars(panel.ui).values() if isinstance(each, QTableWidget)]
    assert len(tables) == 7
    assert not any(each.horizontalHeader().highlightSections for each in tables)
