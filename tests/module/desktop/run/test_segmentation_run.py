"""A run in a child process: what comes into the scene, and what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from panel_helpers.runs import Run

pytestmark = pytest.mark.usefixtures("nothing_left", "stub_child")


def test_a_run_ends_with_segments_and_measures_in_the_scene(phantom_node, phantom, wait_until):
    import slicer

    run = Run(phantom_node)
    wait_until(run.ended)
    (end,) = run.ends
    assert end.state == "done", end.message
    segmentation = end.segmentation.GetSegmentation()
    assert [segmentation.GetNthSegment(index).GetName() for index in (0, 1)] == ["Right lung", "Left lung"]
    shown = slicer.util.arrayFromSegmentBinaryLabelmap(end.segmentation, "RightLung", phantom_node)
    hu = phantom.ct.array
    right_half = np.arange(hu.shape[2]) < hu.shape[2] // 2
    np.testing.assert_array_equal(shown > 0, (hu > -950) & (hu < -500) & right_half)
    assert end.result["volumes_ml"]["total"] == 4616.0
    assert run.stages == ["read", "segment", "write", "surface", "load"]
    assert run.progress.count(("segment", 60, 60)) == 1


def test_the_logic_runs_the_child_without_a_panel(app, phantom_node, wait_until):
    from host.application import REPOSITORY

    from LungUNetSegSlicer.run.settings import RunSettings

    app.moduleManager().load(REPOSITORY / "LungUNetSeg" / "LungUNetSeg.py")
    import LungUNetSeg

    stages, ends = [], []
    logic = LungUNetSeg.LungUNetSegLogic()
    settings = RunSettings(model="lungs", show3d=False)
    run = logic.startSegmentation(phantom_node, None, settings, lambda stage, *_: stages.append(stage), ends.append)
    wait_until(lambda: not run.running)
    assert [end.state for end in ends] == ["done"] and "segment" in stages
    assert ends[0].segmentation.GetName() == "Phantom lungs"
    app.moduleManager().unload("LungUNetSeg")


def test_surfaces_from_the_child_are_those_that_slicer_makes(phantom_node, wait_until):
    run = Run(phantom_node)
    wait_until(run.ended)
    node = run.ends[0].segmentation
    ours = node.GetClosedSurfaceInternalRepresentation("LeftLung")
    bounds, points = ours.GetBounds(), ours.GetNumberOfPoints()
    assert ours.GetPointData().GetNormals() is not None
    node.RemoveClosedSurfaceRepresentation()
    node.CreateClosedSurfaceRepresentation()
    slicers = node.GetClosedSurfaceInternalRepresentation("LeftLung")
    assert points == slicers.GetNumberOfPoints()
    np.testing.assert_allclose(bounds, slicers.GetBounds(), atol=0.01)


def test_without_3d_no_surface_is_made(phantom_node, wait_until):
    run = Run(phantom_node, show3d=False)
    wait_until(run.ended)
    assert run.stages == ["read", "segment", "write", "load"]
    assert run.ends[0].segmentation.GetClosedSurfaceInternalRepresentation("RightLung") is None


def test_both_lungs_can_be_one_segment(phantom_node, wait_until):
    from LungUNetSegSlicer.run.settings import Output

    run = Run(phantom_node, output=Output.BOTH_AS_ONE)
    wait_until(run.ended)
    segmentation = run.ends[0].segmentation.GetSegmentation()
    assert [segmentation.GetNumberOfSegments(), segmentation.GetNthSegment(0).GetName()] == [1, "Lungs"]


def test_the_lungs_of_a_given_segmentation_are_replaced(app, phantom_node, wait_until):
    target = app.mrmlScene().AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    target.GetSegmentation().AddEmptySegment("old", "Lungs")
    run = Run(phantom_node, target)
    wait_until(run.ended)
    assert run.ends[0].segmentation is target
    assert target.GetSegmentation().GetSegmentIDs() == ("RightLung", "LeftLung")
    assert target.GetName() == "mine"


def test_what_the_user_edits_meanwhile_is_kept_beside_the_new_lungs(app, phantom_node, phantom, wait_until):
    """Protects a correction that is painted while the run computes: the new lungs would be written over it."""
    import slicer

    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    target = show_labels(phantom.labels, LUNGS, phantom_node)
    run = Run(phantom_node, target)
    edited = np.zeros(phantom.labels.array.shape, np.uint8)
    edited[20, 30:40, 30:40] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited, target, "RightLung", phantom_node)
    wait_until(run.ended)
    (end,) = run.ends
    assert end.state == "done" and end.segmentation is not target
    assert end.message == "Phantom lungs was edited meanwhile: the new lungs are in Phantom lungs_1."
    kept = slicer.util.arrayFromSegmentBinaryLabelmap(target, "RightLung", phantom_node)
    np.testing.assert_array_equal(kept, edited)


def test_a_ct_that_moves_meanwhile_is_told(phantom_node, wait_until, scene_ids):
    """Protects from lungs beside their CT: a transform was hardened, or the volume cropped, while the run computed."""
    import vtk

    before = scene_ids()
    run = Run(phantom_node)
    wait_until(lambda: run.progress)
    moved = vtk.vtkTransform()
    moved.Translate(0, 0, 30)
    phantom_node.ApplyTransform(moved)
    wait_until(run.ended)
    (end,) = run.ends
    assert end.state == "failed" and scene_ids() == before
    assert end.message == "The CT Phantom was moved or changed meanwhile. Segment it again."


def test_what_would_be_moved_with_the_lungs_is_told_at_once(app, phantom_node, wait_until):
    """Protects a tumour in a segmentation that lies elsewhere than the CT; see `check_target`."""
    scene = app.mrmlScene()
    target = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    target.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
    target.SetAndObserveTransformNodeID(scene.AddNewNodeByClass("vtkMRMLLinearTransformNode").GetID())
    run = Run(phantom_node, target)
    wait_until(run.ended)
    (end,) = run.ends
    assert end.state == "failed" and end.message.startswith("The segmentation mine and the CT Phantom are under differ")
    assert not run.progress and target.GetTransformNodeID()


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_every_voxel_type_and_an_oblique_flipped_grid_reach_the_child_unchanged(app, oblique_phantom, tmp_path, dtype):
    import slicer

    from LungUNetSegLib.io.images.itk_files import read_values
    from LungUNetSegSlicer.run.scan_file import write_scan
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    node = add_volume_node(oblique_phantom.ct, "CT")
    array = np.maximum(oblique_phantom.ct.array, 0).astype(dtype)
    slicer.util.updateVolumeFromArray(node, array)
    list(write_scan(node, tmp_path / "scan.nrrd"))
    scan, _ = read_values(tmp_path / "scan.nrrd", "linear", 0)
    np.testing.assert_array_equal(scan.array, array)
    index = [(0, 0, 0), (3, 5, 7)]
    np.testing.assert_allclose(scan.geometry.to_lps(index), oblique_phantom.ct.geometry.to_lps(index), atol=1e-6)


def test_what_a_library_prints_in_the_child_is_no_progress(phantom_node, wait_until, stub_child):
    stub_child(end="print")
    run = Run(phantom_node)
    wait_until(run.ended)
    assert run.ends[0].state == "done"


def test_a_volume_without_voxels_is_refused_in_a_sentence(app, wait_until):
    node = app.mrmlScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    run = Run(node)
    wait_until(run.ended)
    assert run.ends[0].message == "The volume 'Empty' has no voxels. Load it again, or choose another one."


def test_a_temporary_folder_with_other_letters_works(app, phantom_node, wait_until, tmp_path, monkeypatch):
    folder = tmp_path / "Lunge ü 肺"
    folder.mkdir()
    monkeypatch.setattr(type(app), "temporaryPath", str(folder))
    monkeypatch.setenv("LC_ALL", "C")
    run = Run(phantom_node)
    wait_until(run.ended)
    assert run.ends[0].state == "done", run.ends[0].message
    assert not list(Path(folder).iterdir())


def test_a_transform_above_the_volume_is_remarked(app, phantom_node, wait_until):
    transform = app.mrmlScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Tilt")
    phantom_node.SetAndObserveTransformNodeID(transform.GetID())
    run = Run(phantom_node)
    wait_until(run.ended)
    assert [each["code"] for each in run.ends[0].result["findings"]] == ["under-transform"]
    assert run.ends[0].segmentation.GetTransformNodeID() == transform.GetID()
