"""The contact sheet shows every change of the augmentation, and lesions only where they were asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from phantom_cases import write_pair

from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.data.contact_sheet import _single_changes, extreme_parameters, save_contact_sheet
from LungUNetSegLib.data.dataset import SliceDataset
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig, identity_parameters
from LungUNetSegLib.errors import DataError, WriteError
from LungUNetSegLib.preprocessing import PreprocessConfig

FINE = PreprocessConfig(spacing_mm=2.0, size=(168, 196))
"""On a coarser grid the farthest blanket lies outside the slice."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> SliceDataset:
    folder = tmp_path_factory.mktemp("sheet")
    case = cache_case(write_pair(folder, "p"), FINE, folder)
    return SliceDataset([case], SamplingConfig(slices_per_epoch=20), AugmentConfig(), preprocess=FINE)


def test_no_change_is_forgotten() -> None:
    """A new kind of change must get its tile."""
    neutral = identity_parameters(1)
    shown = set()
    for parameters in extreme_parameters(AugmentConfig()).values():
        for field in dataclasses.fields(neutral):
            if not torch.equal(getattr(parameters, field.name), getattr(neutral, field.name)):
                shown.add(field.name)
    assert shown == {field.name for field in dataclasses.fields(neutral)} - {"seed"}


def test_every_tile_but_the_first_differs_from_the_slice(dataset: SliceDataset) -> None:
    first, *others = _single_changes(dataset, PathologyConfig())
    assert first[0] == "unchanged"
    assert all(not torch.equal(hu, first[1]) for _, hu, _ in others)
    assert len({title for title, _, _ in others}) == len(others)


def test_the_sheet_is_a_picture(dataset: SliceDataset, tmp_path: Path) -> None:
    save_contact_sheet(dataset, PathologyConfig(), tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(WriteError, match=r"sheet\.png"):
        save_contact_sheet(dataset, PathologyConfig(), tmp_path / "missing" / "sheet.png")


def test_slices_without_lung_show_nothing(dataset: SliceDataset) -> None:
    case = dataset.cases[0]
    empty = dataclasses.replace(case, target=case.target[:] * 0)
    with pytest.raises(DataError, match="No slice shows both lungs"):
        save_contact_sheet(SliceDataset([empty], SamplingConfig(), AugmentConfig()), None, Path("unused.png"))
