"""Arms, metal and a mediastinum that moves: where they lie, and what they leave alone."""

from __future__ import annotations

import math

import numpy as np
import torch

from LungUNetSegLib.data.disturbances import METAL_HU, Arm, Metal, Shift

ARM = Arm(start_mm=5.0, stop_mm=20.0, row_mm=40.0, column_mm=80.0, slope=0.0, radius_mm=15.0)


def test_an_arm_lies_in_free_air_between_its_ends() -> None:
    """Bone of 700 HU at (39, 39) in the middle slice, fat within the skin; the lung and the first slice stay."""
    hu = torch.full((3, 40, 60), -1000.0)
    lung = torch.zeros(3, 40, 60)
    hu[:, :, 34:37] = -850.0
    lung[:, :, 34:37] = 1.0
    laid = ARM.lay_in(hu, lung, np.array([0.0, 10.0, 20.0]), pixel_mm=2.0)
    assert torch.equal(laid[0], hu[0])
    assert laid[1, 19, 39] == 700 and laid[2, 19, 39] == 700
    assert laid[1, 19, 46] == -90  # 13 mm beside the axis at column 80 mm
    assert laid[1, 19, 48] == -1000  # 17 mm beside it
    assert torch.equal(laid[:, :, 34:37], hu[:, :, 34:37])


def test_streaks_fade_with_distance_and_along_the_patient() -> None:
    """By exp(-1/2) one standard deviation along the patient, and to nothing three away."""
    metal = Metal((10.0, 60.0, 60.0), length_mm=10.0, radius_mm=5.0, amplitude_hu=300.0, seed=1)
    hu = torch.zeros(3, 60, 60)
    laid = metal.lay_in(hu, np.array([10.0, 20.0, 40.0]), pixel_mm=2.0)
    assert laid[0, 29, 29] == METAL_HU and laid[1, 29, 29] < METAL_HU
    row = slice(5, 20)
    near = laid[0, 29, row].abs() < 1024  # what was not clipped
    ratio = (laid[1, 29, row] / laid[0, 29, row])[near]
    assert torch.allclose(ratio, torch.tensor(math.exp(-0.5)), atol=1e-3)
    assert not laid[2].any()


def test_the_mediastinum_moves_and_the_chest_walls_stay() -> None:
    """Walls at 10 and 50 mm, the midline from 30 to 20 mm: columns of 1 mm, each holding its own place."""
    columns = torch.arange(60.0)[None] + 0.5
    moved = Shift((10.0, 30.0, 50.0), (10.0, 20.0, 50.0)).move(columns, 1.0)
    # Half a mm before 20 mm lies what was 1 mm before 30 mm; half a mm behind it, what was a third behind.
    assert torch.allclose(moved[0, 19:21], torch.tensor([29.0, 30 + 1 / 3]))
    assert torch.equal(moved[0, :9], columns[0, :9]) and torch.equal(moved[0, 51:], columns[0, 51:])
    assert (moved.diff() > 0).all()
