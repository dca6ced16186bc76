"""Synthetic pathology: what stays lung, what does not, and that it replays."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from LungUNetSegLib.data.pathology import (
    LEAST_MM2_FILLED,
    NARROWED,
    Kind,
    Lesion,
    PathologyConfig,
    apply_lesions,
    room_for_solid,
    sample_lesions,
)
from LungUNetSegLib.errors import ConfigError


@pytest.fixture
def thorax() -> tuple[torch.Tensor, torch.Tensor]:
    """Two square lungs at -850 HU in a body at 40 HU; (1, 1, 96, 128) and (1, 1, 2, 96, 128)."""
    target = torch.zeros(1, 1, 2, 96, 128)
    target[..., 0, 20:70, 20:55] = 1
    target[..., 1, 20:70, 75:110] = 1
    return torch.where(target.sum(2) > 0, -850.0, 40.0), target


def lesion(kind: Kind, **changes: float) -> Lesion:
    """Return a lesion of one kind in the right lung."""
    values: dict = {"hu": 30.0, "density": 1.0, "direction_deg": 90.0, "extent": 0.6, "bronchi": 0.0, "seed": 3}
    return Lesion(sample=0, channel=0, kind=kind, **values | changes)


@pytest.mark.parametrize("kind", ["consolidation", "ground_glass", "opacity", "mass", "emphysema"])
def test_diseased_lung_stays_lung(kind: Kind, thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The label of the healthy lung is the label of the diseased one, and only that lung's pixels change."""
    image, target = thorax
    ill, still = apply_lesions(image, target, [lesion(kind)])
    assert torch.equal(still, target)
    changed = ill[0, 0] != image[0, 0]
    assert changed.sum() > 100
    assert not (changed & (target[0, 0, 0] == 0)).any()


@pytest.mark.parametrize(("kind", "hu"), [("effusion", 10.0), ("pneumothorax", -1000.0)])
def test_fluid_and_free_air_are_taken_from_the_lung(
    kind: Kind, hu: float, thorax: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Effusion lies at the back (row 69) and is not lung; the front still is."""
    image, target = thorax
    ill, left_over = apply_lesions(image, target, [lesion(kind, hu=hu, extent=0.4)])
    assert left_over[0, 0, 0, 66, 25:50].max() < 0.05
    assert left_over[0, 0, 0, 24, 25:50].min() > 0.95
    assert ill[0, 0, 66, 25:50].mean().item() == pytest.approx(hu, abs=40)
    assert torch.equal(left_over[0, 0, 1], target[0, 0, 1])


def test_sampled_lesions_replay_and_follow_their_probabilities() -> None:
    """The same seed gives the same lesions; each kind comes as often as its probability says."""
    config = PathologyConfig(mass=0.5, effusion=0.25, consolidation=0, ground_glass=0, opacity=0, emphysema=0,
                             pneumothorax=0)  # fmt: skip
    first, second = (sample_lesions(500, config, torch.Generator().manual_seed(5)) for _ in range(2))
    assert first == second
    assert sum(each.kind == "mass" for each in first) / 1000 == pytest.approx(0.5, abs=0.05)
    assert sum(each.kind == "effusion" for each in first) / 1000 == pytest.approx(0.25, abs=0.05)
    assert {each.kind for each in first} == {"mass", "effusion"}


@pytest.mark.parametrize(("kind", "begins_below_healthy_lung"), [("consolidation", False), ("effusion", True)])
def test_nothing_begins_as_the_dome_of_an_organ_does(kind: Kind, begins_below_healthy_lung: bool) -> None:
    """Solid tissue that goes on towards the feet but not towards the head would teach that the liver is lung."""
    always = PathologyConfig(**{each: float(each == kind) for each in get_args(Kind)})
    lesions = sample_lesions(400, always, torch.Generator().manual_seed(1))
    seen = {each.goes_on for each in lesions}
    assert seen >= {(True, True), (False, True), (False, False)}
    assert ((True, False) in seen) is begins_below_healthy_lung


def test_arguments_stay_as_they_are_and_tiny_lungs_are_left_alone(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A cached slice must not change under later epochs; 49 pixels are too few to hold a lesion."""
    image, target = thorax
    before = image.clone(), target.clone()
    apply_lesions(image, target, [lesion("opacity"), lesion("effusion")])
    assert torch.equal(image, before[0]) and torch.equal(target, before[1])
    tiny = torch.zeros_like(target)
    tiny[0, 0, 0, :7, :7] = 1
    assert torch.equal(apply_lesions(image, tiny, [lesion("opacity")])[0], image)


def test_solid_tissue_has_no_room_where_organs_begin() -> None:
    """Painted there it would teach that shoulder, liver and stomach are lung. Slices from the feet to the head."""
    right = [0, 2000, 2500, 2900, 2900, 2260, 2240]  # the diaphragm rises into the lower four; the tip is above
    left = [4000] * 7
    room = room_for_solid(np.array([right, left], float).T, slice_mm=5.0)
    assert room[:, 0].tolist() == [False, False, False, False, True, True, False]
    assert room[:, 1].all()
    assert LEAST_MM2_FILLED == 2250 and NARROWED == 0.9  # what the numbers above were chosen for


@pytest.mark.parametrize(("slices", "slice_mm"), [(1, 5.0), (9, 20.0), (2, 2.5)], ids=["one", "far apart", "two thin"])
def test_without_neighbours_nothing_tells_where_organs_begin(slices: int, slice_mm: float) -> None:
    assert not room_for_solid(np.full((slices, 2), 4000.0), slice_mm).any()


def test_bronchi_are_open_in_half_of_the_consolidated_lungs() -> None:
    """No mass and no fluid has any."""
    config = PathologyConfig(consolidation=0.5, effusion=0.25, mass=0.25, ground_glass=0, opacity=0, emphysema=0,
                             pneumothorax=0)  # fmt: skip
    lesions = sample_lesions(500, config, torch.Generator().manual_seed(2))
    bronchi = [each.bronchi for each in lesions if each.kind == "consolidation"]
    assert sum(each == 0 for each in bronchi) / len(bronchi) == pytest.approx(0.5, abs=0.06)
    assert max(each.bronchi for each in lesions if each.kind != "consolidation") == 0


def test_the_half_aerated_edge_of_a_lung_is_filled_in_some_slices_and_left_in_others(
    thorax: tuple[torch.Tensor, torch.Tensor],
) -> None:
    """A dark line around every painted lung would teach to look for the line; muscle and the other lung stay."""
    image, target = thorax
    image[0, 0, 19, 20:55] = -400.0  # half air, half chest wall
    target[0, 0, 1, 30:60, 55:60] = image[0, 0, 30:60, 55:60].fill_(-850.0).ne(0)  # the other lung touches
    ill = [apply_lesions(image, target, [lesion("opacity", seed=seed)])[0][0, 0] for seed in range(12)]
    filled = [float(each[19, 20:55].mean()) > -150 for each in ill]
    assert 0 < sum(filled) < len(ill)
    for each, is_filled in zip(ill, filled, strict=True):
        assert is_filled or torch.equal(each[19], image[0, 0, 19])
        assert torch.equal(each[30:60, 55:], image[0, 0, 30:60, 55:])
        assert (each[:19] == 40).all()


def test_texture_does_not_tell_painted_tissue_from_other() -> None:
    """Tissue may be smooth or mottled: its standard deviation spreads from below 5 to above 20 HU."""
    target = torch.zeros(1, 1, 2, 96, 128)
    target[..., 0, 20:70, 20:55] = 1
    image = torch.full((1, 1, 96, 128), -850.0)
    ill = [apply_lesions(image, target, [lesion("mass", extent=2.0, seed=seed)])[0] for seed in range(40)]
    spread = [float(each[0, 0, 30:60, 30:45].std()) for each in ill]
    assert min(spread) < 5 and max(spread) > 20


def test_a_lesion_goes_on_into_neighbouring_slices_within_their_own_lung() -> None:
    """Towards the feet it goes on where there still is lung, towards the head it ends; only lung changes."""
    target = torch.zeros(1, 3, 2, 96, 128)
    target[0, :, 0, 20:70, 20:55] = 1
    target[0, 0, 0, 45:] = 0
    image = torch.where(target.sum(2) > 0, -850.0, 40.0)
    ill, still = apply_lesions(
        image, target, [dataclasses.replace(lesion("ground_glass", extent=2.0), goes_on=(True, False))]
    )
    assert torch.equal(still, target)
    assert (ill[0, 0, 20:45, 20:55] > -300).float().mean() > 0.9
    assert torch.equal(ill[0, 0, 45:], image[0, 0, 45:])
    assert (ill[0, 1, 20:70, 20:55] > -300).float().mean() > 0.9
    assert torch.equal(ill[0, 2], image[0, 2])


def test_probabilities_beyond_one_are_refused() -> None:
    """At most one lesion a lung."""
    with pytest.raises(ConfigError, match="at most 1"):
        PathologyConfig(mass=0.9, opacity=0.2)
