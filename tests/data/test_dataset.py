"""Batches: which slices and neighbours they hold, that the seed alone decides, and that processes share them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from made_cases import CONTEXT, FLUID, PLAIN, drawn, make_case

from LungUNetSegLib.data.dataset import Batch, SeenViews, SliceDataset
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.errors import ConfigError, DataError


def same(ours: Batch, theirs: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(ours).values(), vars(theirs).values(), strict=True))


def test_every_slice_once_in_another_order_each_epoch() -> None:
    dataset = SliceDataset([make_case("a", 5), make_case("b", 4)], PLAIN)
    orders = [drawn(dataset, epoch) for epoch in range(3)]
    assert all(sorted(order) == sorted(orders[0]) and len(set(order)) == 9 for order in orders)
    assert orders[0] != orders[1]
    assert drawn(dataset, 1) == orders[1]


def test_the_last_incomplete_batch_is_left_out_and_validation_leaves_out_nothing() -> None:
    dataset = SliceDataset([make_case("a", 7)], PLAIN)
    assert [len(batch.hu) for batch in dataset.epoch(0, 3)] == [3, 3]
    values = torch.cat([batch.hu[:, 0, 0, 0] for batch in dataset.in_order(3)])
    assert values.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_balanced_draws_patients_alike_and_single_slices_by_their_share() -> None:
    cases = [make_case("long", 90), make_case("short-B", 5), make_case("short-L", 5)]
    cases += [make_case(f"s{number}", 1) for number in range(10)]
    sampling = SamplingConfig(slices_per_epoch=20_000, single_slice_share=0.4)
    names = [name for name, _ in drawn(SliceDataset(cases, sampling))]
    share = {name: names.count(name) / len(names) for name in set(names)}
    assert share["long"] == pytest.approx(0.3, abs=0.02)
    assert share["short-B"] + share["short-L"] == pytest.approx(0.3, abs=0.02)  # two scans, one patient
    assert sum(share[f"s{number}"] for number in range(10)) == pytest.approx(0.4, abs=0.02)
    assert share["s3"] == pytest.approx(0.04, abs=0.01)


def test_slices_without_lung_are_limited_but_not_raised() -> None:
    sampling = SamplingConfig(slices_per_epoch=20_000, no_lung_share=0.15)
    for with_lung, expected in ((20, 0.15), (95, 0.05)):
        slices = [s for _, s in drawn(SliceDataset([make_case("a", 100, with_lung=with_lung)], sampling))]
        assert np.mean([s >= with_lung for s in slices]) == pytest.approx(expected, abs=0.01)


def test_a_set_without_any_lung_can_still_be_drawn() -> None:
    assert len(drawn(SliceDataset([make_case("a", 3, with_lung=0)], SamplingConfig(slices_per_epoch=5)))) == 5


def test_slabs_average_neighbours_up_to_their_thickness() -> None:
    """10 mm slabs of 2.5 mm slices: up to 4 slices, each of its own number in HU, so halves and quarters appear."""
    sampling = SamplingConfig(order="every", slab_probability=1.0, slab_mm=10.0)
    dataset = SliceDataset([make_case("a", 40, with_lung=20)], sampling)
    (batch,) = dataset.epoch(0, 40)
    distance = (batch.hu[:, 0, 0, 0] - torch.from_numpy(dataset.index[dataset._draw(0), 1])).abs()
    assert 0.4 < distance.max() <= 2
    partly = batch.target[:, 0, 10, 10]
    assert ((partly > 0) & (partly < 1)).any()  # partial volume at the lung's end


def test_an_undecided_pixel_of_any_slice_of_a_slab_is_undecided() -> None:
    case = make_case("a", 4)
    case.target[2, 2, 7, 7] = 0
    dataset = SliceDataset([case], SamplingConfig(order="every", slab_probability=1.0, slab_mm=100.0))
    (batch,) = dataset.epoch(0, 4)
    full = batch.hu[:, 0, 0, 0] == 1.5
    assert full.any()
    assert (batch.valid[full, 0, 7, 7] == 0).all()


def test_neighbours_are_seen_from_the_feet_to_the_head() -> None:
    """Slice s is s HU everywhere, so what a batch holds names the slices: 7 mm are 3 slices of 2.5 mm."""
    dataset = SliceDataset([make_case("a", 8), make_case("b", 1)], PLAIN, preprocess=CONTEXT)
    (batch,) = dataset.in_order(9)
    assert batch.hu.shape == (9, 3, 32, 32)
    assert batch.hu[:, :, 0, 0].tolist() == [*([max(s - 3, 0), s, min(s + 3, 7)] for s in range(8)), [0, 0, 0]]


def test_the_target_is_the_middle_slice_s() -> None:
    dataset = SliceDataset([make_case("a", 8, with_lung=4)], PLAIN, preprocess=CONTEXT)
    (batch,) = dataset.in_order(8)
    assert batch.target.shape == (8, 2, 32, 32)
    assert batch.target[:, 0, 10, 10].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_some_slices_are_seen_alone() -> None:
    sampling = SamplingConfig(slices_per_epoch=2000, slab_probability=0.0, alone_probability=0.3)
    (batch,) = SliceDataset([make_case("a", 20)], sampling, preprocess=CONTEXT).epoch(0, 2000)
    alone = (batch.hu[:, 0] == batch.hu[:, 1]).all(dim=(1, 2)) & (batch.hu[:, 2] == batch.hu[:, 1]).all(dim=(1, 2))
    assert alone.float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_slabs_have_neighbours_as_in_a_scan_of_their_thickness() -> None:
    """Slabs of 1 to 4 slices of 2.5 mm: their neighbours are the next slab, but the third slice where it is one."""
    sampling = SamplingConfig(order="every", slab_probability=1.0, slab_mm=10.0, alone_probability=0.0)
    (batch,) = SliceDataset([make_case("a", 40)], sampling, preprocess=CONTEXT).epoch(0, 40)
    inner = (batch.hu[:, 1, 0, 0] > 6) & (batch.hu[:, 1, 0, 0] < 33)
    assert set((batch.hu[inner, 2, 0, 0] - batch.hu[inner, 1, 0, 0]).tolist()) == {2.0, 3.0, 4.0}


def test_a_slice_seen_alone_stays_three_equal_slices() -> None:
    """As in use; noise or disease of each copy's own would teach what no scan shows."""
    cases = [make_case("a", 3, slice_mm=50.0), make_case("b", 1)]
    augment = AugmentConfig(probability=1.0)
    views = [dataclasses.replace(whole_view(depth, (32, 32)), lesions=(FLUID,)) for depth in (3, 1)]
    sampling = SamplingConfig(slices_per_epoch=8)
    seen = [SeenViews((view,)) for view in views]
    (batch,) = SliceDataset(cases, sampling, augment, preprocess=CONTEXT, seen=seen).epoch(0, 8)
    assert (batch.hu.flatten(2).std(dim=2) > 1).all()
    assert torch.equal(batch.hu, batch.hu[:, 1:2].expand_as(batch.hu))


@pytest.fixture
def augmented() -> Callable[[int], SliceDataset]:
    cases = [make_case("a", 12), make_case("b", 1)]
    sampling = SamplingConfig(slices_per_epoch=16, slab_probability=0.5)
    views = (whole_view(12, (32, 32)), dataclasses.replace(whole_view(12, (32, 32)), lesions=(FLUID,)))
    seen = [SeenViews(views), SeenViews((whole_view(1, (32, 32)),))]
    augment = AugmentConfig(probability=0.7)
    return lambda seed: SliceDataset(cases, sampling, augment, seed, preprocess=CONTEXT, seen=seen)


def test_seed_and_epoch_decide_everything(augmented: Callable[[int], SliceDataset]) -> None:
    first = list(augmented(1).epoch(2, 4))
    assert all(map(same, first, augmented(1).epoch(2, 4)))
    assert not any(map(same, first, augmented(1).epoch(3, 4)))
    assert not any(map(same, first, augmented(2).epoch(2, 4)))


def test_processes_share_the_batches_of_one(augmented: Callable[[int], SliceDataset]) -> None:
    dataset = augmented(0)
    parts = [[dataset.batch(0, step, 8, rank, 2) for step in range(dataset.steps(8))] for rank in (0, 1)]
    for whole, first, second in zip(dataset.epoch(0, 8), *parts, strict=True):
        torch.testing.assert_close(torch.cat((first.hu, second.hu)), whole.hu)
        torch.testing.assert_close(torch.cat((first.target, second.target)), whole.target)


def test_the_digest_names_the_data() -> None:
    a, b = make_case("a", 1), make_case("b", 1)
    assert SliceDataset([a, b], PLAIN).digest == SliceDataset([a, b], PLAIN).digest
    assert SliceDataset([a], PLAIN).digest != SliceDataset([a, b], PLAIN).digest


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(DataError, match="no slice to train on"):
        SliceDataset([], PLAIN)


@pytest.mark.parametrize(("setting", "value"), [("single_slice_share", 2.0), ("slices_per_epoch", 0)])
def test_settings_out_of_range_are_named(setting: str, value: float) -> None:
    with pytest.raises(ConfigError, match=setting):
        SamplingConfig(**{setting: value})


def test_a_batch_at_half_its_size_by_hand() -> None:
    """Means of 2 x 2 pixels; one unknown pixel of the four makes the large one unknown. Without a coarse view, too."""
    hu = torch.tensor([[0.0, 4, 1, 1], [8, 4, 1, 1]])[None, None]
    lungs = torch.tensor([[[1.0, 1, 0, 0], [1, 0, 0, 0]], [[0, 0, 1, 1], [0, 0, 1, 1]]])[None]
    known = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 1]])[None, None]
    coarse = torch.full((1, 2, 2, 4), 0.25)
    half = Batch(hu=hu, target=lungs, valid=known, coarse=coarse).halved()
    assert half.hu.tolist() == [[[[4, 1]]]]
    assert half.target.tolist() == [[[[0.75, 0]], [[0, 1]]]]
    assert half.valid.tolist() == [[[[1, 0]]]]
    assert half.coarse.tolist() == [[[[0.25, 0.25]]] * 2]
    assert Batch(hu=hu, target=lungs, valid=known, coarse=coarse[:, :0]).halved().coarse.shape == (1, 0, 1, 2)
