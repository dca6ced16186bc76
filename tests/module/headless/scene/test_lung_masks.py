"""Which segments are lungs whatever was done to them, on the CT's voxels; corrections written back."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Geometry, Volume

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture(scope="module")
def thorax():
    """A small synthetic thorax."""
    return make_phantom(phantom_geometry((20, 48, 64)), rng=1)


@pytest.fixture
def ct(scene, thorax):
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    return add_volume_node(thorax.ct, "Chest")


@pytest.fixture
def lungs(ct, thorax):
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    return show_labels(thorax.labels, LUNGS, ct, show3d=True)


def read(segmentation):
    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps

    return finish(lung_mask_steps(segmentation, ct_of(segmentation)))


def test_lungs_come_back_to_the_voxel(lungs, thorax):
    masks = read(lungs)
    np.testing.assert_array_equal(masks.labels.array, thorax.labels.array)
    assert masks.labels.geometry.matches(thorax.ct.geometry, 1e-3) and masks.kind == "lr" and not masks.findings


def test_both_as_one(ct, thorax):
    from LungUNetSegSlicer.scene.segmentation_node import show_labels

    one = Volume((thorax.labels.array > 0).astype(np.uint8), thorax.labels.geometry)
    masks = read(show_labels(one, BOTH_LUNGS, ct))
    assert masks.kind == "binary"
    np.testing.assert_array_equal(masks.labels.array, one.array)


def test_a_lung_is_known_by_its_terminology_name_or_id(lungs, thorax):
    """Protects who renames a segment, or gives it another terminology."""
    content = lungs.GetSegmentation()
    content.GetSegment("RightLung").SetName("Ours")
    content.GetSegment("LeftLung").SetName("Ours, too")
    content.GetSegment("LeftLung").SetTerminology("")
    np.testing.assert_array_equal(read(lungs).labels.array, thorax.labels.array)


def test_parts_of_a_lung_that_was_split_are_that_lung(lungs, thorax):
    """Protects "Islands": the new segment has a number behind the lung's name, and no terminology."""
    import slicer

    mask = slicer.util.arrayFromSegmentBinaryLabelmap(lungs, "RightLung", _ct(lungs))
    upper = mask.copy()
    upper[:10] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask - upper, lungs, "RightLung", _ct(lungs))
    new = lungs.GetSegmentation().AddEmptySegment("", "Right lung_2")
    slicer.util.updateSegmentBinaryLabelmapFromArray(upper, lungs, new, _ct(lungs))
    np.testing.assert_array_equal(read(lungs).labels.array, thorax.labels.array)


def test_a_deleted_lung_is_empty_and_no_lung_at_all_is_told(lungs, thorax):
    lungs.GetSegmentation().RemoveSegment("LeftLung")
    np.testing.assert_array_equal(read(lungs).labels.array, thorax.labels.array == 1)
    lungs.GetSegmentation().RemoveAllSegments()
    with pytest.raises(DataError, match="no segment that is a lung"):
        read(lungs)


def test_a_lung_that_is_removed_while_it_is_read_is_still_read(lungs, thorax):
    """Protects from an error of Python's in the panel; the lungs are those of the moment of the click."""
    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.scene.lung_masks import ct_of, lung_mask_steps

    steps = lung_mask_steps(lungs, ct_of(lungs))
    next(steps)
    lungs.GetSegmentation().RemoveSegment("LeftLung")
    np.testing.assert_array_equal(finish(steps).labels.array, thorax.labels.array)


def test_overlapping_lungs_are_told(lungs, thorax):
    import slicer

    both = (thorax.labels.array > 0).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(both, lungs, "LeftLung", _ct(lungs))
    slicer.util.updateSegmentBinaryLabelmapFromArray(both, lungs, "RightLung", _ct(lungs))
    masks = read(lungs)
    (finding,) = masks.findings
    ml = (thorax.labels.array > 0).sum() * thorax.labels.geometry.voxel_volume_ml
    assert finding.code == "lungs-overlap" and f"{ml:.1f} ml" in finding.message


def test_another_grid_is_resampled_and_told(lungs, ct, thorax):
    """Protects who chose a finer geometry in Segment Editor: every voxel of the CT has its own value again."""
    from LungUNetSegSlicer.scene.segmentation_node import add_labels

    grid = thorax.labels.geometry
    affine = grid.affine_lps @ np.diag((0.5, 0.5, 0.5, 1.0))
    affine[:3, 3] = grid.to_lps((-0.25, -0.25, -0.25))
    fine = np.repeat(np.repeat(np.repeat(thorax.labels.array, 2, 0), 2, 1), 2, 2)
    lungs.GetSegmentation().RemoveAllSegments()
    add_labels(Volume(fine, Geometry(fine.shape, affine)), LUNGS, lungs)
    masks = read(lungs)
    assert [each.code for each in masks.findings] == ["mask-resampled"]
    np.testing.assert_array_equal(masks.labels.array, thorax.labels.array)


def test_without_its_ct_or_under_another_transform_it_is_told(lungs, ct, scene):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(DataError, match="different transforms"):
        read(lungs)
    scene.RemoveNode(ct)
    with pytest.raises(DataError, match="no longer in the scene"):
        read(lungs)


def test_a_correction_written_back_is_read_again(lungs, thorax):
    """Protects the voxels, the names that the user gave, and from surfaces of the old voxels."""
    from LungUNetSegSlicer.scene.lung_masks import LungMasks, write_lung_masks
    from LungUNetSegSlicer.scene.segmentation_node import CLOSED_SURFACE

    lungs.GetSegmentation().GetSegment("RightLung").SetName("Mine, right lung")
    lungs.GetSegmentation().RemoveSegment("LeftLung")
    array = thorax.labels.array.copy()
    array[:8] = 0
    array[9, 3:6, 3:6] = 1
    write_lung_masks(lungs, LungMasks(labels=Volume(array, thorax.labels.geometry), kind="lr", findings=()))
    np.testing.assert_array_equal(read(lungs).labels.array, array)
    content = lungs.GetSegmentation()
    assert content.GetSegment("RightLung").GetName() == "Mine, right lung"
    assert content.GetSegmentIDs() == ("RightLung", "LeftLung")
    assert not content.ContainsRepresentation(CLOSED_SURFACE)


def _ct(segmentation):
    from LungUNetSegSlicer.scene.lung_masks import ct_of

    return ct_of(segmentation)


def test_the_middle_of_each_lung(lungs, thorax):
    """Protects from the middle of both lungs, whose label map they share."""
    from LungUNetSegSlicer.scene.lung_masks import middle_ras

    for segment in LUNGS:
        index = np.argwhere(thorax.labels.array == segment.label)
        middle = thorax.labels.geometry.to_lps((index.min(axis=0) + index.max(axis=0)) / 2) * (-1, -1, 1)
        assert middle_ras(lungs, [segment.segment_id]) == pytest.approx(tuple(middle))
    lungs.GetSegmentation().AddEmptySegment("empty", "empty")
    assert middle_ras(lungs, ["empty"]) is None and middle_ras(lungs, []) is None
