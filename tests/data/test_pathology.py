"""Synthetic pathology: what stays lung, what does not, that it replays, and that all slices show one disease."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from LungUNetSegLib.data.pathology import Kind, Lesion, PathologyConfig, lay_in, sample_lesion
from LungUNetSegLib.errors import ConfigError

PIXEL_MM, SLICE_MM = 2.0, 5.0


@pytest.fixture
def thorax() -> tuple[torch.Tensor, torch.Tensor]:
    """Four slices of two square lungs at -850 HU in a body at 40 HU; (4, 96, 128) and (4, 2, 96, 128)."""
    lungs = torch.zeros(4, 2, 96, 128)
    lungs[:, 0, 20:70, 20:55] = 1
    lungs[:, 1, 20:70, 75:110] = 1
    return torch.where(lungs.sum(1) > 0, -850.0, 40.0), lungs


def always(kind: str, share: float = 1.0) -> PathologyConfig:
    """A configuration that draws one kind alone."""
    return PathologyConfig(**{each: share * (each == kind) for each in get_args(Kind)})


def lesion(kind: Kind, **changes: object) -> Lesion:
    """Return a lesion of the right lung that takes what lies beyond row 45 (91 mm), or a ball around its middle."""
    values: dict = {"hu": 30.0, "density": 1.0, "direction": (0.0, 1.0, 0.0), "reach_mm": 91.0, "bronchi": 0.0}
    if kind == "mass":
        values |= {"direction": (7.5, 91.0, 75.0), "reach_mm": 20.0}
    return Lesion(channel=0, kind=kind, **values | {"seed": 3} | changes)


def laid(thorax: tuple[torch.Tensor, torch.Tensor], each: Lesion) -> tuple[torch.Tensor, torch.Tensor]:
    return lay_in(*thorax, each, np.arange(4), SLICE_MM, PIXEL_MM)


@pytest.mark.parametrize("kind", ["consolidation", "ground_glass", "opacity", "mass", "emphysema"])
def test_diseased_lung_stays_lung(kind: Kind, thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The label of the healthy lung is the label of the diseased one, and only that lung's pixels change."""
    ill, still = laid(thorax, lesion(kind))
    assert torch.equal(still, thorax[1])
    changed = ill != thorax[0]
    assert changed.sum() > 400
    assert not (changed & (thorax[1][:, 0] == 0)).any()


@pytest.mark.parametrize(("kind", "hu"), [("effusion", 10.0), ("pneumothorax", -1000.0)])
def test_fluid_and_free_air_are_taken_from_the_lung(
    kind: Kind, hu: float, thorax: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """What lies behind (row 66) is not lung any more; the front still is, and so is the other lung."""
    ill, left_over = laid(thorax, lesion(kind, hu=hu))
    assert left_over[:, 0, 66, 25:50].max() < 0.05
    assert left_over[:, 0, 24, 25:50].min() > 0.95
    assert ill[:, 66, 25:50].mean().item() == pytest.approx(hu, abs=40)
    assert torch.equal(left_over[:, 1], thorax[1][:, 1])


def test_nothing_of_a_removed_lung_is_lung(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """After a pneumonectomy the half of the chest holds fluid, which a network must not call lung."""
    ill, left_over = laid(thorax, lesion("pneumonectomy"))
    assert not left_over[:, 0].any()
    assert (ill[:, 20:70, 20:55] > -100).all()


def test_sampled_lesions_replay_and_follow_their_probabilities() -> None:
    """The same generator gives the same lesions; each kind comes as often as its probability says."""
    config = dataclasses.replace(always("mass", 0.5), effusion=0.25)
    where = np.argwhere(np.ones((4, 5, 6))) * 10.0
    first, second = (
        [sample_lesion(0, where, config, rng) for _ in range(1000)]
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert first == second
    kinds = [each.kind for each in first if each is not None]
    assert kinds.count("mass") / 1000 == pytest.approx(0.5, abs=0.05)
    assert kinds.count("effusion") / 1000 == pytest.approx(0.25, abs=0.05)
    assert set(kinds) == {"mass", "effusion"}


def test_a_lung_that_is_not_there_has_no_disease() -> None:
    """A neck has no lung to paint into."""
    assert sample_lesion(0, np.empty((0, 3)), always("opacity"), np.random.default_rng(0)) is None


def test_effusions_lie_behind_and_free_air_in_front() -> None:
    """As in a patient on the back: rows run to the back, and directions point to what is diseased."""
    where = np.argwhere(np.ones((9, 9, 9))) * 10.0
    for kind, sign in (("effusion", 1), ("pneumothorax", -1)):
        rng = np.random.default_rng(1)
        drawn = [sample_lesion(0, where, always(kind), rng) for _ in range(200)]
        assert np.mean([sign * each.direction[1] > 0.5 for each in drawn if each]) > 0.85


def test_a_lesion_takes_the_share_of_the_lung_that_was_drawn(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Beyond its reach along its direction, and nowhere else but for a ragged edge."""
    ill, _ = laid(thorax, lesion("effusion"))
    assert (ill[:, 52:68, 25:50] > -100).all()
    assert (ill[:, 22:38, 25:50] + 850).abs().max() < 1


def test_all_slices_show_one_disease(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A slice looks as the same slice among others does, but for its texture: the place is the patient's."""
    effusion = lesion("effusion", direction=(1.0, 0.0, 0.0), reach_mm=7.5)
    _, together = laid(thorax, effusion)
    for number in range(4):
        one = slice(number, number + 1)
        _, alone = lay_in(thorax[0][one], thorax[1][one], effusion, np.array([number]), SLICE_MM, PIXEL_MM)
        assert torch.equal(alone, together[one])
    assert together[0, 0].sum() > 0.9 * thorax[1][0, 0].sum()  # 7.5 mm before its beginning
    assert together[3, 0].sum() < 0.2 * thorax[1][3, 0].sum()  # 7.5 mm behind it


def test_large_pixels_show_the_disease_of_small_ones(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The coarse view and the slices are of one patient: blocks of 2 x 2 pixels agree with their mean."""
    consolidation = lesion("consolidation", seed=4)
    fine, _ = laid(thorax, consolidation)
    hu, lungs = (torch.nn.functional.avg_pool2d(each, 2) for each in thorax)
    rough, _ = lay_in(hu, lungs, consolidation, np.arange(4), SLICE_MM, 2 * PIXEL_MM)
    difference = (torch.nn.functional.avg_pool2d(fine, 2) - rough).abs()
    assert difference[:, 11:34, 11:27].mean() < 40


def test_arguments_stay_as_they_are(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A cached slice must not change under later epochs."""
    before = thorax[0].clone(), thorax[1].clone()
    laid(thorax, lesion("opacity"))
    laid(thorax, lesion("effusion"))
    assert torch.equal(thorax[0], before[0]) and torch.equal(thorax[1], before[1])


def test_bronchi_are_open_in_half_of_the_consolidated_lungs() -> None:
    """No mass and no fluid has any."""
    config = dataclasses.replace(always("consolidation", 0.5), effusion=0.25, mass=0.25)
    rng, where = np.random.default_rng(2), np.argwhere(np.ones((4, 5, 6))) * 10.0
    lesions = [each for each in (sample_lesion(0, where, config, rng) for _ in range(1000)) if each]
    bronchi = [each.bronchi for each in lesions if each.kind == "consolidation"]
    assert sum(each == 0 for each in bronchi) / len(bronchi) == pytest.approx(0.5, abs=0.06)
    assert max(each.bronchi for each in lesions if each.kind != "consolidation") == 0


def test_the_half_aerated_edge_of_a_lung_is_filled_in_some_lesions_and_left_in_others(
    thorax: tuple[torch.Tensor, torch.Tensor],
) -> None:
    """A dark line around every painted lung would teach to look for the line; muscle and the other lung stay."""
    image, lungs = thorax[0][:1], thorax[1][:1]
    image[0, 19, 20:55] = -400.0  # half air, half chest wall
    lungs[0, 1, 30:60, 55:60] = image[0, 30:60, 55:60].fill_(-850.0).ne(0)  # the other lung touches
    ill = [lay_in(image, lungs, lesion("opacity", seed=seed), np.zeros(1, int), 5.0, 2.0)[0][0] for seed in range(12)]
    filled = [float(each[19, 20:55].mean()) > -150 for each in ill]
    assert 0 < sum(filled) < len(ill)
    for each, is_filled in zip(ill, filled, strict=True):
        assert is_filled or torch.equal(each[19], image[0, 19])
        assert torch.equal(each[30:60, 55:], image[0, 30:60, 55:])
        assert (each[:19] == 40).all()


def test_texture_does_not_tell_painted_tissue_from_other(thorax: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Tissue may be smooth or mottled: its standard deviation spreads from below 5 to above 20 HU."""
    one = thorax[0][:1], thorax[1][:1]
    ill = [lay_in(*one, lesion("opacity", seed=seed), np.zeros(1, int), 5.0, 1.5)[0] for seed in range(40)]
    spread = [float(each[0, 30:60, 30:45].std()) for each in ill]
    assert min(spread) < 5 and max(spread) > 20


def test_probabilities_beyond_one_are_refused() -> None:
    """At most one lesion a lung."""
    with pytest.raises(ConfigError, match="at most 1"):
        PathologyConfig(mass=0.9, opacity=0.2)


def test_fluid_and_solid_tissue_have_hu_of_their_own() -> None:
    """Nothing else tells an effusion from consolidated lung of the same shape: an overlap teaches to miss the lung."""
    rng, lung_mm = np.random.default_rng(0), np.zeros((1, 3))

    def drawn(*kinds: str) -> list[float]:
        lesions = [sample_lesion(0, lung_mm, always(kind), rng) for kind in kinds for _ in range(100)]
        return [each.hu for each in lesions if each]

    fluid, solid = drawn("effusion", "pneumonectomy"), drawn("consolidation", "opacity", "mass")
    assert len(fluid) == 200 and len(solid) == 300
    assert max(fluid) < min(solid)
