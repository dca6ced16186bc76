"""Folds that are kept: the same probabilities to float16, and the cases that their own split names; crops by hand."""

from __future__ import annotations

from pathlib import Path

import held_out
import numpy as np
import pytest
import torch
from crops import CROPS, cut, rectangle, slices
from held_out import keep_fold, open_fold, unseen_cases
from tiny_models import WITH_VIEW, write_checkpoint

from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.engines.export import export
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that tested on one case."""
    folder = tmp_path_factory.mktemp("fold0")
    path = write_checkpoint(folder / "last.pt", WITH_VIEW)
    values = torch.load(path, weights_only=True)
    values["split"] = {"training": ["a"], "test": ["b"]}
    values["history"] = [{"epoch": 1.0, "val_dsc": 0.5}]
    torch.save(values, path)
    return folder


def test_a_kept_fold_is_the_training_s_network_in_half_the_bytes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both networks, to what float16 keeps of their weights."""
    original = export(run / "last.pt", tmp_path / "two", "two")
    with monkeypatch.context() as patch:  # an export takes seconds: this one is kept
        patch.setattr(held_out, "export", lambda path, *_: {run / "last.pt": original}[path])
        keep_fold(run, tmp_path / "kept", "abc")
    assert unseen_cases(run) == unseen_cases(tmp_path / "kept") == ["b"]
    kept = open_fold(tmp_path / "kept", tmp_path / "one")
    small, large = (
        sum(path.stat().st_size for path in (tmp_path / name).glob("*.safetensors")) for name in ("kept", "two")
    )
    assert small < 0.7 * large  # the headers of tiny networks weigh as much as their numbers
    rng = np.random.default_rng(0)
    for first, second in ((kept, original), (kept.coarse, original.coarse)):
        assert first is not None and second is not None
        shape = (1, *(16 if size < 0 else size for size in first.input_shape))
        image = rng.uniform(-1, 1, shape).astype(np.float32)
        found, expected = (open_engine(each, "torch", "cpu").probabilities(image) for each in (first, second))
        np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.fixture
def reference() -> Volume:
    """20 slices of 5 mm with pixels of 2 mm: a right lung in slices 4 to 13, rows 10 to 19 and columns 8 to 17."""
    array = np.zeros((20, 40, 50), np.uint8)
    array[4:14, 10:20, 8:18] = 1
    array[4:14, 10:20, 30:38] = 2
    return Volume(array, Geometry.axial((20, 40, 50), (5.0, 2.0, 2.0), (7.0, 8.0, 9.0)))


def test_a_rectangle_holds_one_lung_and_ten_millimetres_around_it(reference: Volume) -> None:
    assert rectangle(1)(reference) == (slice(0, 20), slice(5, 25), slice(3, 23))
    assert rectangle(2)(reference) == (slice(0, 20), slice(5, 25), slice(25, 43))


def test_slices_are_shares_of_the_lungs_height_within_the_scan(reference: Volume) -> None:
    """Ten slices of lung: the lower quarter and a slice below it, or all that lies below the middle."""
    assert slices(-0.1, 0.25)(reference)[0] == slice(3, 6)
    assert slices(-9.0, 0.5)(reference)[0] == slice(0, 9)
    assert slices(0.5, 9.0)(reference)[0] == slice(9, 20)


def test_a_crop_stays_where_it_was_in_the_patient(reference: Volume) -> None:
    part = cut(reference, rectangle(2)(reference))
    assert part.array.shape == (20, 20, 18)
    np.testing.assert_allclose(part.geometry.to_lps((0, 0, 0)), reference.geometry.to_lps((0, 5, 25)))
    assert np.count_nonzero(part.array == 2) == np.count_nonzero(reference.array == 2)


def test_every_whole_chest_gives_seven_crops() -> None:
    """Seven of seven chests are 49; the model card promises at least 40."""
    assert len(CROPS) == 7
