"""Regions as a label map: the voxels that were measured, in any direction, and files that Slicer opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib.cli import main
from LungUNetSegLib.io import read_labels
from LungUNetSegLib.measures import measure_lungs
from LungUNetSegLib.measures.region_map import DIVISIONS, region_map
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segments import BOTH_LUNGS, LUNGS
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import to_sitk


@pytest.mark.parametrize("division", DIVISIONS)
def test_what_is_drawn_is_what_was_measured(small_phantom: Phantom, division: str) -> None:
    """Protects a picture from showing other regions than the table: every part has the volume that was measured."""
    drawn, parts = region_map(small_phantom.labels, LUNGS, division)
    measured = measure_lungs(small_phantom.labels, small_phantom.ct).regions
    assert np.array_equal(drawn.array > 0, small_phantom.labels.array > 0)
    assert [part.label for part in parts] == list(range(1, 2 * len(DIVISIONS[division]) + 1))
    for part in parts:
        side, _, name = part.name.partition(" lung, ")
        density = measured[side.lower()][name.removesuffix(" half").replace(" ", "_")]
        volume_ml = np.count_nonzero(drawn.array == part.label) * drawn.geometry.voxel_volume_ml
        assert volume_ml == pytest.approx(density["volume_ml"] if density else 0)
    assert len({part.segment_id for part in parts}) == len({part.colour for part in parts}) == len(parts)


def test_flipped_labels_give_the_same_regions(small_phantom: Phantom) -> None:
    """Protects scans stored feet first: the apical third stays at the head."""
    expected, _ = region_map(small_phantom.labels, LUNGS, "thirds-by-height")
    flips = (True, False, True)
    flipped = Volume(
        small_phantom.labels.array[::-1, :, ::-1], small_phantom.labels.geometry.reordered((0, 1, 2), flips)
    )
    drawn, _ = region_map(flipped, LUNGS, "thirds-by-height")
    assert np.array_equal(drawn.array[::-1, :, ::-1], expected.array)
    heights = [np.argwhere(expected.array == label)[:, 0].mean() for label in (1, 2, 3)]
    assert heights == sorted(heights), "basal, middle, apical, from the feet on"


def test_lungs_that_are_one_label_or_absent(small_phantom: Phantom) -> None:
    """Protects models that know no sides, and scans without a left lung."""
    both = Volume(np.minimum(small_phantom.labels.array, 1), small_phantom.labels.geometry)
    drawn, parts = region_map(both, BOTH_LUNGS, "halves")
    assert [part.name for part in parts] == ["Lungs, ventral half", "Lungs, dorsal half"]
    assert set(np.unique(drawn.array)) == {0, 1, 2}
    drawn, parts = region_map(both, LUNGS, "halves")
    assert len(parts) == 4 and set(np.unique(drawn.array)) == {0, 1, 2}


def test_the_command_draws_them(small_phantom: Phantom, tiny_model: Path, tmp_path: Path) -> None:
    """Protects the file for Slicer: parts of both lungs, which read again are the lungs."""
    sitk.WriteImage(to_sitk(small_phantom.ct), str(tmp_path / "scan.nii.gz"))
    lungs, regions = tmp_path / "lungs.nrrd", tmp_path / "regions.seg.nrrd"
    command = ["segment", str(tmp_path / "scan.nii.gz"), "-o", str(lungs), "--model", str(tiny_model), "--raw"]
    assert main([*command, "--regions", str(regions), "--divide", "depths"]) == 0
    image = sitk.ReadImage(str(regions))
    names = {image.GetMetaData(f"Segment{index}_Name") for index in range(4)}
    assert names == {f"{side} lung, {part}" for side in ("Right", "Left") for part in ("core", "peel")}
    assert np.array_equal(read_labels(regions).array, read_labels(lungs).array)
