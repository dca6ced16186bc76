"""Corrected lungs become a case to train on from the panel, and own models are in its list."""

from __future__ import annotations

import json
from unittest.mock import patch

import numpy as np
import pytest

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import Volume


@pytest.fixture
def shown(app, panel, small_phantom):
    """Lungs of a CT, made by this module and corrected since, in the panel."""
    from LungUNetSegSlicer.panel.results import ResultsView
    from LungUNetSegSlicer.scene.kept_result import remember
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    node = add_volume_node(small_phantom.ct, "Chest / CT")
    segmentation = show_labels(small_phantom.labels, LUNGS, node)
    remember(segmentation, {
        "model": {"name": "lungs", "sha256": "0" * 64}, "volumes_ml": {}, "mean_hu": {}, "findings": [],
        "methods": "", "engine": "x", "elapsed_s": 1.0,
    })  # fmt: skip
    ResultsView(panel.ui).show(segmentation)
    return segmentation


def save(panel, folder) -> str:
    with patch("LungUNetSegSlicer.panel.results.ask_folder", return_value=folder):
        panel.click(panel.ui.trainingCaseButton)
    return panel.ui.resultsNoteLabel.text


def test_the_lungs_as_they_are_now_become_cases(panel, shown, small_phantom, tmp_path):
    """Protects what is learnt from: scan and corrected mask to the voxel, and a name for each."""
    assert save(panel, tmp_path) == f"Written: {tmp_path / 'Chest-CT-1'}"
    assert save(panel, tmp_path) == f"Written: {tmp_path / 'Chest-CT-2'}"
    first, second = find_cases(tmp_path)
    assert (first.case_id, second.case_id) == ("Chest-CT-1", "Chest-CT-2")
    pair = read_pair(first)
    assert np.array_equal(pair.labels.array, small_phantom.labels.array)
    assert np.array_equal(pair.ct.array, small_phantom.ct.array)
    origin = json.loads((tmp_path / "Chest-CT-1" / "origin.json").read_text(encoding="utf-8"))
    assert origin["scan"] == "Chest / CT" and origin["model"]["name"] == "lungs"


def test_what_cannot_be_learnt_from_is_told(panel, shown, small_phantom, tmp_path):
    import slicer

    from LungUNetSegSlicer.scene.lung_masks import ct_of
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    assert save(panel, None) == ""  # cancelled
    volume, (right, left) = ct_of(shown), LUNGS
    both = (small_phantom.labels.array > 0).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(both, shown, right.segment_id, volume)
    assert "marked as both lungs" in save(panel, tmp_path)
    show_labels(Volume(np.zeros_like(both), small_phantom.labels.geometry), LUNGS, volume, shown)
    assert "The mask is empty" in save(panel, tmp_path)
    shown.GetSegmentation().RemoveSegment(left.segment_id)
    assert "no segment Left lung" in save(panel, tmp_path)
    slicer.mrmlScene.RemoveNode(volume)
    assert "no longer in the scene" in save(panel, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_scan_with_other_voxels_is_told(panel, shown, small_phantom, tmp_path):
    """Protects what is learnt from another time point of a sequence than the one whose lungs were corrected."""
    import slicer

    from LungUNetSegLib.segmentation.network_mask import to_text
    from LungUNetSegSlicer.scene.kept_result import recall, remember
    from LungUNetSegSlicer.scene.lung_masks import ct_of

    mean_hu = float(small_phantom.ct.array[small_phantom.labels.array > 0].mean())
    remember(shown, {**recall(shown), "mean_hu": {"total": mean_hu}}, to_text(small_phantom.labels))
    assert save(panel, tmp_path).startswith("Written")
    slicer.util.updateVolumeFromArray(ct_of(shown), small_phantom.ct.array + np.int16(40))
    assert "not those that were segmented" in save(panel, tmp_path)


def test_own_models_are_in_the_list_and_never_chosen_by_themselves(app, tmp_path, monkeypatch):
    """Protects from results of a network that nobody chose."""
    from unittest.mock import MagicMock

    from LungUNetSegSlicer.panel.model_choice import ModelChoice

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "lungunetseg" / "models" / "mine").mkdir(parents=True)
    (tmp_path / "lungunetseg" / "models" / "mine" / "manifest.json").touch()
    ui = MagicMock()
    ui.modelComboBox.findData.side_effect = [-1, 2]
    choice = ModelChoice(ui, lambda value: None)
    choice.add_own()
    added = [call.args for call in ui.modelComboBox.addItem.call_args_list]
    assert added == [("lungs", "lungs"), ("From a file", ""), ("mine (own)", "mine")]
    assert not ui.modelComboBox.setCurrentIndex.called
