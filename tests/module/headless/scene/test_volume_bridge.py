"""Between volume nodes and `Volume`: every orientation, every voxel type, and what is no CT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.phantom import phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegSlicer.scene.volume_bridge import add_volume_node, box_ras, ijk_to_ras, volume_from_node


def numbered(geometry: Geometry) -> Volume:
    """Return a volume whose voxels all differ."""
    return Volume(np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape), geometry)


def sheared() -> Geometry:
    """Return the grid of a scan with a tilted gantry: slices that shift along the rows."""
    affine = np.array(Geometry.axial((3, 4, 5), (2.0, 1.0, 0.5), (10, 20, 30)).affine_lps)
    affine[1, 0] = 0.7
    return Geometry((3, 4, 5), affine)


GEOMETRIES = {
    "axial": Geometry.axial((3, 4, 5), (2.5, 0.7, 0.8), (-100, -120, 40)),
    "flipped": phantom_geometry((4, 6, 5), flips=(True, True, False)),
    "coronal": phantom_geometry((4, 6, 5), axes=(1, 0, 2)),
    "sagittal, left-handed": phantom_geometry((4, 6, 5), axes=(2, 0, 1), flips=(True, False, False)),
    "oblique": phantom_geometry((4, 6, 5), oblique_degrees=20, flips=(True, False, True)),
    "sheared": sheared(),
}


@pytest.fixture(params=GEOMETRIES.values(), ids=GEOMETRIES)
def geometry(request: pytest.FixtureRequest) -> Geometry:
    """One of many orientations."""
    return request.param


def node_of(scene: Any, array: np.ndarray, node_class: str = "vtkMRMLScalarVolumeNode") -> Any:
    """Return a node in the scene that holds `array` as it is."""
    node = scene.AddNewNodeByClass(node_class, "CT")
    slicer.util.updateVolumeFromArray(node, array)
    return node


def test_a_volume_survives_the_way_into_the_scene_and_back(scene: Any, geometry: Geometry) -> None:
    volume = numbered(geometry)
    back, findings = volume_from_node(add_volume_node(volume, "CT"))
    assert back.array.dtype == np.int16
    np.testing.assert_array_equal(back.array, volume.array)
    assert back.geometry.matches(geometry, 1e-6)
    assert findings == ()


def test_the_box_around_a_volume_is_in_ras(scene: Any) -> None:
    """From voxel edge to voxel edge; an empty node has a box of no size."""
    geometry = Geometry.axial((3, 4, 5), (2.0, 1.0, 0.5), (10, 20, 30))
    middle, size_mm = box_ras(add_volume_node(numbered(geometry), "CT"))
    np.testing.assert_allclose(middle, (-11, -21.5, 32))
    np.testing.assert_allclose(size_mm, (2.5, 4, 6))
    assert box_ras(scene.AddNewNodeByClass("vtkMRMLSegmentationNode"))[1].max() < 0


def test_each_voxel_lies_where_slicer_says(scene: Any, geometry: Geometry) -> None:
    """(k, j, i) through the library and (i, j, k) through Slicer meet at one point: x and y change sign, z stays."""
    node = add_volume_node(numbered(geometry), "CT")
    k, j, i = 1, 3, 2
    ras = ijk_to_ras(node) @ (i, j, k, 1)
    np.testing.assert_allclose(ras[:3] * (-1, -1, 1), geometry.to_lps((k, j, i)), atol=1e-6)


def test_hand_computed_matrix(scene: Any) -> None:
    """Slices 2 mm to the head, rows 3 mm to the back, columns 4 mm to the left, from (10, 20, 30) LPS."""
    node = add_volume_node(numbered(Geometry.axial((2, 2, 2), (2, 3, 4), (10, 20, 30))), "CT")
    expected = [[-4, 0, 0, -10], [0, -3, 0, -20], [0, 0, 2, 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(ijk_to_ras(node), expected)


def test_the_copy_is_independent_of_the_scene(scene: Any) -> None:
    """Protects a running segmentation from edits of the volume, and the volume from the segmentation."""
    node = node_of(scene, np.zeros((2, 3, 4), np.int16))
    volume, _ = volume_from_node(node)
    slicer.util.arrayFromVolume(node)[:] = 5
    assert volume.array.max() == 0


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_voxel_type_becomes_int16_hu(scene: Any, dtype: str) -> None:
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    volume, _ = volume_from_node(node_of(scene, array))
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, array)


def test_padding_and_too_large_values_are_clipped(scene: Any) -> None:
    array = np.array([-3024, -1024, 70000, 40], np.int32).reshape(1, 1, 4)
    volume, _ = volume_from_node(node_of(scene, array))
    assert volume.array.ravel().tolist() == [-1024, -1024, 32767, 40]


def test_nan_is_air_and_is_said(scene: Any) -> None:
    array = np.array([np.nan, 40.6, np.inf, -np.inf], np.float32).reshape(1, 2, 2)
    volume, findings = volume_from_node(node_of(scene, array))
    assert volume.array.ravel().tolist() == [-1024, 41, 32767, -1024]
    assert [each.code for each in findings] == ["nan-voxels"]
    assert findings[0].message.startswith("1 voxels")


def test_a_parent_transform_is_said_and_not_applied(scene: Any) -> None:
    node = add_volume_node(numbered(GEOMETRIES["axial"]), "CT")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registration")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag((2.0, 2.0, 2.0, 1.0))))
    node.SetAndObserveTransformNodeID(transform.GetID())
    volume, findings = volume_from_node(node)
    assert volume.geometry.matches(GEOMETRIES["axial"])
    assert [each.code for each in findings] == ["under-transform"]
    assert "'Registration'" in findings[0].message


def test_what_is_no_ct_is_refused_with_its_name(scene: Any) -> None:
    volume = np.zeros((2, 3, 4), np.int16)
    refused = {
        "No CT is selected": None,
        "'CT' is a label map": node_of(scene, volume, "vtkMRMLLabelMapVolumeNode"),
        "'CT' has no voxels": scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT"),
        "'CT' has 3 values": node_of(scene, np.zeros((2, 3, 4, 3), np.uint8), "vtkMRMLVectorVolumeNode"),
        "No CT is selected. ": scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "S"),
    }
    for message, node in refused.items():
        with pytest.raises(ReadError, match=message):
            volume_from_node(node)
