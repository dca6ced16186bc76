"""Views: what of a scan is seen, where it comes to lie, and which disease a view can bear."""

from __future__ import annotations

import dataclasses
import math
from typing import get_args

import numpy as np
import pytest
import torch

from LungUNetSegLib.data.overview import Overview
from LungUNetSegLib.data.pathology import Kind, PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig, sample_view
from LungUNetSegLib.data.views import View, show, whole_view
from LungUNetSegLib.errors import ConfigError

SIZE = (56, 72)
NOTHING = ViewConfig(per_case=1, shorter=0, narrower=0, rounded=0, arms=0, metal=0)


@pytest.fixture
def chest() -> Overview:
    """40 slices of 6 mm, pixels of 6 mm: lungs of 30 slices and 20 x 14 pixels each, 1.8 litres, in a body."""
    hu, lungs = torch.full((40, *SIZE), -1000.0), torch.zeros(40, 2, *SIZE)
    hu[:, 10:46, 12:60] = 40.0
    lungs[5:35, 0, 18:38, 16:30] = 1
    lungs[5:35, 1, 18:38, 42:56] = 1
    hu[lungs.sum(1) > 0] = -850.0
    return Overview(hu, lungs, slice_mm=6.0, pixel_mm=6.0, factor=4)


def seen(view: View, scan: Overview) -> tuple[torch.Tensor, torch.Tensor]:
    part = slice(*view.slices)
    return show(view, scan.hu[part], scan.lungs[part], np.arange(*view.slices), 6.0, 6.0, 4)


def test_nothing_drawn_is_the_scan_itself(chest: Overview) -> None:
    view = sample_view(chest, NOTHING, None, np.random.default_rng(0))
    assert view == whole_view(40, (224, 288))
    assert all(torch.equal(a, b) for a, b in zip(seen(view, chest), (chest.hu, chest.lungs), strict=True))


def test_views_replay(chest: Overview) -> None:
    drawn = [sample_view(chest, ViewConfig(), PathologyConfig(), np.random.default_rng(3)) for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_shorter_views_begin_and_end_anywhere(chest: Overview) -> None:
    """From two slices to nearly all, within the scan; some hold no lung, some only a base or an apex."""
    rng = np.random.default_rng(0)
    views = [sample_view(chest, dataclasses.replace(NOTHING, shorter=1.0), None, rng) for _ in range(300)]
    lengths = [stop - start for (start, stop) in (view.slices for view in views)]
    assert min(lengths) <= 4 and max(lengths) >= 35
    assert all(0 <= view.slices[0] < view.slices[1] <= 40 for view in views)
    lung = [float(chest.lungs[slice(*view.slices)].sum()) > 0 for view in views]
    assert 0 < lung.count(False) < 100


def test_what_is_cropped_is_air_and_no_lung_and_lies_in_the_middle_as_a_scan_would(chest: Overview) -> None:
    """A rectangle of one lung alone: rows 18 to 38 and columns 16 to 30 of 6 mm, in pixels of 1.5 mm."""
    view = View((5, 35), (72, 152), (64, 120), move=(20, 44))
    hu, lungs = seen(view, chest)
    assert (hu[:, 23:43, 27:41] == -850).all() and lungs[:, 0, 23:43, 27:41].all()
    assert float(lungs[:, 0].sum()) == 30 * 20 * 14 and not lungs[:, 1].any()
    outside = torch.ones(SIZE, dtype=torch.bool)
    outside[23:43, 27:41] = False
    assert (hu[:, outside] == -1024).all()


def test_narrower_views_keep_their_body_in_the_middle(chest: Overview) -> None:
    """As `place_grid` puts a scan: the centre of mass of what is denser than -300 HU, to a pixel."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        view = sample_view(chest, dataclasses.replace(NOTHING, narrower=1.0), None, rng)
        hu, _ = seen(view, chest)
        body = torch.nonzero(hu > -300).double()
        if len(body):
            assert float(body[:, 1].mean()) == pytest.approx(27.5, abs=0.6)
            assert float(body[:, 2].mean()) == pytest.approx(35.5, abs=0.6)


def test_a_round_field_of_view_leaves_what_lies_within_it(chest: Overview) -> None:
    """60 mm around the middle are ten pixels."""
    view = dataclasses.replace(whole_view(40, (224, 288)), radius_mm=60.0)
    hu, lungs = seen(view, chest)
    assert hu[20, 28, 36] == 40 and hu[20, 28, 27] == -850
    assert hu[20, 28, 25] == -1024 and not lungs[20, :, 28, 25].any()


@pytest.mark.parametrize(
    ("slices", "columns", "supported"),
    [((0, 40), (0, 288), True), ((0, 33), (0, 288), True), ((0, 25), (0, 288), False), ((0, 40), (0, 90), False)],
    ids=["whole", "nine tenths", "two thirds", "half of the lung's width"],
)
def test_solid_disease_needs_a_view_that_shows_what_it_belongs_to(
    chest: Overview, slices: tuple[int, int], columns: tuple[int, int], supported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A liver at the end of a scan looks like an opaque base of a lung; seen with the rest it does not."""
    opaque = PathologyConfig(**{each: float(each == "opacity") for each in get_args(Kind)})
    monkeypatch.setattr("LungUNetSegLib.data.sampled_views._shorter", lambda *_: slices)
    monkeypatch.setattr(
        "LungUNetSegLib.data.sampled_views._rectangle", lambda *_: ((0, 56), (columns[0] // 4, columns[1] // 4))
    )
    config = dataclasses.replace(NOTHING, shorter=1.0, narrower=1.0)
    view = sample_view(chest, config, opaque, np.random.default_rng(0))
    assert any(lesion.channel == 0 for lesion in view.lesions) is supported


def test_fluid_needs_no_support(chest: Overview) -> None:
    """What is no lung may lie anywhere: a network must learn to leave it."""
    fluid = PathologyConfig(**{each: float(each == "effusion") for each in get_args(Kind)})
    config = dataclasses.replace(NOTHING, shorter=1.0)
    rng = np.random.default_rng(0)
    assert all(len(sample_view(chest, config, fluid, rng).lesions) == 2 for _ in range(20))


def test_after_a_pneumonectomy_the_mediastinum_moves_to_the_empty_side(chest: Overview) -> None:
    gone = PathologyConfig(**{each: float(each == "pneumonectomy") for each in get_args(Kind)})
    view = sample_view(chest, NOTHING, gone, np.random.default_rng(0))
    assert view.shift is not None and view.shift.after_mm[1] < view.shift.before_mm[1]  # right is the first empty one
    assert not seen(view, chest)[1].any()


def test_arms_lie_outside_the_body_and_metal_within(chest: Overview) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        view = sample_view(chest, dataclasses.replace(NOTHING, arms=1.0, metal=1.0), None, rng)
        assert view.metal is not None
        z, y, x = view.metal.place_mm
        assert chest.hu[round(z / 6), int(y / 6), int(x / 6)] == 40
        bare = dataclasses.replace(view, metal=None)
        assert torch.equal(seen(bare, chest)[0][chest.hu > -900], chest.hu[chest.hu > -900])


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(ConfigError, match="narrower must lie between 0 and 1"):
        ViewConfig(narrower=1.5)
    assert math.isinf(whole_view(3, (8, 8)).radius_mm)
