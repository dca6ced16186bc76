"""What slices show in a batch: views, disease, and what the coarse view says of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_cases import CONTEXT, FLUID, WHOLE, drawn, make_case
from torch import Tensor

from LungUNetSegLib.data.dataset import Batch, SeenViews, SliceDataset
from LungUNetSegLib.data.pathology import Kind, Lesion, PathologyConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.data.views import whole_view
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.preprocessing.coarse import UNKNOWN

OPAQUE = Lesion(0, "opacity", 50.0, 1.0, (0.0, 1.0, 0.0), 0.0, 0.0, 3)
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
