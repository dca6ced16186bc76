"""Batches: which slices they hold, that the seed alone decides, and that processes share them exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.data.cache import CachedCase
from LungUNetSegLib.data.dataset import Batch, SeenViews, SliceDataset
from LungUNetSegLib.data.pathology import Kind, Lesion, PathologyConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.coarse import UNKNOWN


def make_case(name: str, slices: int, *, with_lung: int | None = None, slice_mm: float = 2.5) -> CachedCase:
    """A case whose slice s is s HU everywhere; its first `with_lung` slices have a right lung."""
    hu = np.broadcast_to(np.arange(slices, dtype=np.int16)[:, None, None], (slices, 32, 32)).copy()
    target = np.zeros((slices, 3, 32, 32), np.uint8)
    target[: slices if with_lung is None else with_lung, 0, 4:20, 4:14] = 255
    target[:, 2] = 255
    case = Case(case_id=name, patient=name.split("-")[0], image=Path("x"), mask=Path("y"))
    return CachedCase(case, name, hu, target, slice_mm)


def drawn(dataset: SliceDataset, epoch: int = 0) -> list[tuple[str, int]]:
    """Case ids and slices of an epoch, in order."""
    return [(dataset.cases[c].case.case_id, int(s)) for c, s in dataset.index[dataset._draw(epoch)]]


def same(ours: Batch, theirs: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(ours).values(), vars(theirs).values(), strict=True))


PLAIN = SamplingConfig(order="every", slab_probability=0.0)


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


CONTEXT = PreprocessConfig(spacing_mm=4.0, context_mm=7.0)


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


FLUID = Lesion(0, "effusion", 200.0, 1.0, (0.0, 1.0, 0.0), 0.0, 0.0, 3)
OPAQUE = Lesion(0, "opacity", 50.0, 1.0, (0.0, 1.0, 0.0), 0.0, 0.0, 3)
WHOLE = whole_view(20, (32, 32))
OFTEN = {"slab_probability": 0.0, "plain_probability": 0.0, "untold_probability": 0.0}


def test_slices_are_seen_in_views_that_show_them() -> None:
    """Of a view of slices 8 to 12 the neighbours beyond its ends are its last slices, as in a scan that ends there."""
    seen = [SeenViews((WHOLE, dataclasses.replace(WHOLE, slices=(8, 13))))]
    sampling = SamplingConfig(slices_per_epoch=2000, alone_probability=0.0, **OFTEN)
    (batch,) = SliceDataset([make_case("a", 20)], sampling, preprocess=CONTEXT, seen=seen).epoch(0, 2000)
    triples = set(map(tuple, batch.hu[:, :, 0, 0].tolist()))
    assert {(8, 8, 11), (8, 9, 12), (8, 10, 12), (9, 12, 12)} <= triples  # in the short view
    assert {(5, 8, 11), (6, 9, 12), (7, 10, 13), (9, 12, 15)} <= triples  # and in the whole scan
    assert not any(middle < 8 and upper == middle for _, middle, upper in triples)


def test_what_a_view_takes_from_the_lung_is_no_target() -> None:
    """The fluid of a view is seen in all slices, and the lung that it fills is gone."""
    seen = [SeenViews((WHOLE, dataclasses.replace(WHOLE, lesions=(FLUID,))))]
    sampling = SamplingConfig(slices_per_epoch=200, alone_probability=0.0, **OFTEN)
    (batch,) = SliceDataset([make_case("a", 20)], sampling, preprocess=CONTEXT, seen=seen).epoch(0, 200)
    is_fluid = batch.target[:, 0, 12, 9] < 0.5
    assert is_fluid.float().mean().item() == pytest.approx(0.5, abs=0.1)
    changed = (batch.hu[:, :, 12, 9] - batch.hu[:, :, 0, 0]).abs() > 1e-3
    assert (changed.all(dim=1) == is_fluid).all()


TOLD = PreprocessConfig(spacing_mm=4.0, size=(32, 32), context_mm=7.0, coarse_mm=8.0)


def with_disease(kind: Kind, preprocess: PreprocessConfig, *, narrows: bool = False) -> tuple[Batch, Tensor]:
    """400 slices, of which half are alone, of a lung of 41 cm2 with and without disease; and which of them are ill."""
    case = make_case("a", 20)
    case.target[:, 0, 4:20, 4:20] = 255
    if narrows:
        case.target[:10, 0, 4:20, 4:12] = 0
    lesion = dataclasses.replace(OPAQUE, kind=kind)
    seen = [SeenViews((WHOLE, dataclasses.replace(WHOLE, lesions=(lesion,))))]
    sampling = SamplingConfig(slices_per_epoch=400, alone_probability=0.5, **OFTEN)
    (batch,) = SliceDataset([case], sampling, preprocess=preprocess, seen=seen).epoch(0, 400)
    return batch, (batch.hu[:, 1, 12, 16] - batch.hu[:, 1, 0, 0]).abs() > 1e-3


def is_alone(batch: Batch) -> Tensor:
    return (batch.hu[:, :, 0, 0] == batch.hu[:, :1, 0, 0]).all(dim=1)


def test_solid_disease_is_not_shown_alone_to_a_network_that_is_told_of_the_scan() -> None:
    """In one slice a liver looks like an opaque lung; a network that could know better must not call it one."""
    batch, ill = with_disease("opacity", TOLD)
    alone = is_alone(batch)
    assert alone.any() and not ill[alone].any()
    assert ill[~alone].float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_a_network_that_is_not_told_sees_opaque_lungs_alone_and_no_disease_like_a_dome() -> None:
    """Otherwise it would learn that a lung's slice is never opaque, or that a disc of soft tissue is lung."""
    batch, ill = with_disease("opacity", CONTEXT)
    alone = is_alone(batch)
    assert ill[alone].float().mean().item() == pytest.approx(0.5, abs=0.1)
    batch, ill = with_disease("consolidation", CONTEXT)
    alone = is_alone(batch)
    assert alone.any() and not ill[alone].any()
    assert ill[~alone].any()


def test_solid_disease_is_not_shown_where_the_lung_narrows_towards_the_feet() -> None:
    """There a liver begins. Of 20 slices of 2.5 mm the lower 10 have half the lung, too little for any disease; in the
    three above them a slice 7 mm below has half the area of one 7 mm above.
    """
    batch, ill = with_disease("opacity", CONTEXT, narrows=True)
    number = batch.hu[:, 1, 0, 0]
    assert not ill[number < 13].any()
    assert ill[number >= 13].any()


def ill_of(kind: Kind, *, slices: int = 20, own: float = 1.0) -> tuple[Batch, Tensor]:
    """400 slices of a lung of 41 cm2 with neighbours, whose own disease is of one kind; and which of them are ill."""
    case = make_case("a", slices)
    case.target[:, 0, 4:20, 4:20] = 255
    healthy = dict.fromkeys(vars(PathologyConfig()), 0.0)
    sampling = SamplingConfig(slices_per_epoch=400, alone_probability=0.0, own_disease_probability=own, **OFTEN)
    pathology = PathologyConfig(**{**healthy, kind: 1.0})
    (batch,) = SliceDataset([case], sampling, preprocess=CONTEXT, pathology=pathology).epoch(0, 400)
    return batch, ((batch.hu[:, 1] - batch.hu[:, 1, :1, :1]).abs() > 0.1).flatten(1).any(dim=1)


def test_a_slice_s_own_disease_lies_in_it() -> None:
    """A mass somewhere in the patient is in 30 % of the slices of its lung; one that is drawn for a slice in all."""
    batch, ill = ill_of("mass")
    numbers = batch.hu[:, 1, 0, 0].round()
    assert ill[(numbers >= 3) & (numbers < 17)].float().mean().item() > 0.97  # its HU may be those around it
    assert ill_of("mass", own=0.5)[1].float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_a_slice_s_own_fluid_is_no_target_and_differs_from_slice_to_slice() -> None:
    batch, ill = ill_of("effusion")
    assert ill.float().mean().item() > 0.97
    left = batch.target[:, 0].sum(dim=(1, 2))
    assert (left < 256).float().mean().item() > 0.97
    assert len(left.unique()) > 100


def test_the_fluid_after_a_pneumonectomy_belongs_to_a_moved_mediastinum() -> None:
    """A slice's own disease moves nothing, and such fluid would be an opaque lung that is said to be none."""
    assert not ill_of("pneumonectomy")[1].any()


def test_a_single_slice_keeps_its_views_disease() -> None:
    """All of its views' disease lies in it already."""
    assert not ill_of("effusion", slices=1)[1].any()


def told_dataset(**sampling: float) -> SliceDataset:
    """20 slices of 2.5 mm whose coarse view of 6 slices of 8 mm says 1/4 of the right lung and 3/4 of the left."""
    said = np.full((2, 6, 16, 16), 51, np.uint8)
    said[1] = 204
    config = SamplingConfig(slices_per_epoch=1000, slab_probability=0.0, **sampling)
    cases = [make_case("a", 20), make_case("b", 1)]
    seen = [SeenViews((WHOLE,), (said,)), SeenViews((whole_view(1, (32, 32)),))]
    return SliceDataset(cases, config, preprocess=TOLD, seen=seen)


def test_slices_are_told_what_the_coarse_view_says_of_them() -> None:
    (batch,) = told_dataset(alone_probability=0.0, untold_probability=0.0).in_order(21)
    assert batch.coarse.shape == (21, 2, 32, 32)
    for side, share in ((0, 0.2), (1, 0.8)):
        assert torch.allclose(batch.coarse[:20, side], torch.tensor(share))
    assert (batch.coarse[20] == UNKNOWN).all()  # a single slice


def test_some_slices_are_not_told_and_those_seen_alone_never() -> None:
    augment = AugmentConfig(probability=0.0, flip=0.0)
    dataset = told_dataset(alone_probability=0.3, untold_probability=0.5)
    dataset.augment = augment
    (batch,) = dataset.epoch(0, 1000)
    from_volume = torch.tensor([case == "a" for case, _ in drawn(dataset)])
    alone = (batch.hu[:, :, 0, 0] == batch.hu[:, :1, 0, 0]).all(dim=1)
    unknown = (batch.coarse == UNKNOWN).flatten(1).all(dim=1)
    assert unknown[alone].all() and unknown[~from_volume].all()
    assert unknown[~alone & from_volume].float().mean().item() == pytest.approx(0.5, abs=0.06)


def test_what_is_told_moves_with_the_slice() -> None:
    """A flip exchanges the sides of what is told too."""
    dataset = told_dataset(alone_probability=0.0, untold_probability=0.0)
    dataset.augment = AugmentConfig(probability=0.0, flip=1.0)
    (batch,) = dataset.epoch(0, 1000)
    coarse = batch.coarse[(batch.coarse != UNKNOWN).flatten(1).all(dim=1)]
    assert len(coarse) and torch.allclose(coarse[:, 0], torch.tensor(0.8))


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
