"""A CT that was moved with its lungs after the run: its transform was hardened, or it alone was moved."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("nothing_left")

HEIGHT_MM = -20.0
"""Of a doubtful slice, as the run told it."""


@pytest.fixture
def nodes(app, small_phantom):
    """A CT and its lungs, as a run leaves them."""
    from LungUNetSegLib.segmentation.network_mask import to_text
    from LungUNetSegLib.segments import LUNGS
    from LungUNetSegSlicer.scene.kept_result import remember
    from LungUNetSegSlicer.scene.segmentation_node import show_labels
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    ct = add_volume_node(small_phantom.ct, "Small")
    lungs = show_labels(small_phantom.labels, LUNGS, ct)
    mean_hu = float(small_phantom.ct.array[small_phantom.labels.array > 0].mean())
    result = {"volumes_ml": {"right": 2500.0, "left": 2000.0}, "findings": [], "methods": "Segmented."}
    result["mean_hu"] = {"total": mean_hu}
    remember(lungs, result, to_text(small_phantom.labels))
    return ct, lungs


def harden(nodes, scale=1.0):
    """Put nodes under a transform, and harden it."""
    import slicer
    from vtk import vtkTransform

    moved = vtkTransform()
    moved.Translate(33.3, -12.0, -47.1)
    moved.RotateZ(10)
    moved.Scale(scale, scale, scale)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    transform.SetMatrixTransformToParent(moved.GetMatrix())
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
        assert node.HardenTransform()


def measure(lungs):
    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.panel.repair import measure_again_steps

    return finish(measure_again_steps(lungs))


def cut(nodes):
    """Cut three slices of the right lung away; return their volume in ml."""
    import slicer

    ct, lungs = nodes
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(lungs, "RightLung", ct).copy()
    lowest = int(np.flatnonzero(mask.any(axis=(1, 2)))[0])
    voxels = np.count_nonzero(mask[lowest : lowest + 3])
    mask[lowest : lowest + 3] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, lungs, "RightLung", ct)
    return voxels * float(np.prod(ct.GetSpacing())) / 1000


def test_lungs_that_moved_with_their_ct_are_measured_and_are_the_network_s(nodes):
    """Protects who hardens a transform: one was told to segment again, and asked about corrections that nobody made."""
    from LungUNetSegSlicer.scene.corrected import has_others_work

    harden(nodes)
    assert measure(nodes[1])["correction"] is None and not has_others_work(nodes[1])


def test_what_was_corrected_is_known_wherever_the_ct_lies(nodes):
    removed_ml = cut(nodes)
    harden(nodes)
    assert measure(nodes[1])["correction"]["right"]["removed_ml"] == pytest.approx(removed_ml)


def test_the_network_s_mask_comes_back_at_a_scribble(nodes, small_phantom):
    import slicer

    from LungUNetSegLib.segments import RIGHT_LUNG
    from LungUNetSegSlicer.background import finish
    from LungUNetSegSlicer.panel.repair import _restore, repair_steps
    from LungUNetSegSlicer.scene.segment_editor import set_up_editor

    ct, lungs = nodes
    removed_ml = cut(nodes)
    harden(nodes)
    set_up_editor(lungs, ct, scribble=True)
    marks = (small_phantom.labels.array == RIGHT_LUNG).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(marks, lungs, "LungUNetSegScribbles", ct)
    assert finish(repair_steps(lungs, _restore)) == pytest.approx(removed_ml)


def test_a_doubtful_slice_is_found_where_it_lies_now(nodes):
    """Protects the list of doubtful slices: a click showed the height of the run, where another slice lies now."""
    from LungUNetSegSlicer.panel.doubtful import position_ras

    doubtful = {"height_mm": HEIGHT_MM, "lung": "right"}
    before = position_ras(nodes[1], doubtful)
    harden(nodes)
    x, y, z = position_ras(nodes[1], doubtful)
    assert (before[2], z) == pytest.approx((HEIGHT_MM, HEIGHT_MM - 47.1))
    assert np.hypot(x - before[0], y - before[1]) > 20, "the place moved along"


@pytest.mark.parametrize("which", [slice(0, 1), slice(1, 2)])
def test_a_ct_or_lungs_that_moved_alone_are_told(nodes, which):
    """Protects from numbers of other places."""
    from LungUNetSegLib.errors import GeometryError

    harden(nodes[which])
    with pytest.raises(GeometryError, match="moved without its segmentation"):
        measure(nodes[1])


def test_lungs_that_were_stretched_are_told(nodes):
    """Protects from the run's volumes: the lungs are larger now."""
    from LungUNetSegLib.errors import GeometryError

    harden(nodes, scale=1.1)
    with pytest.raises(GeometryError, match="Segment it again"):
        measure(nodes[1])


def test_a_damaged_mask_is_told(nodes):
    from LungUNetSegLib.errors import DataError
    from LungUNetSegSlicer.scene.corrected import has_others_work
    from LungUNetSegSlicer.scene.kept_result import NETWORK_MASK_ATTRIBUTE

    nodes[1].SetAttribute(NETWORK_MASK_ATTRIBUTE, "{}")
    with pytest.raises(DataError, match="is damaged"):
        measure(nodes[1])
    assert has_others_work(nodes[1])
