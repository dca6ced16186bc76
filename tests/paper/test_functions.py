"""The paper's functions behave as the paper says, on the paper's layout."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from phantom_cases import few_slices
from torch import nn

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io import write_dicom_series
from LungUNetSegLib.paper import (
    UNet,
    custom_loss,
    dicom_to_numpy,
    evaluate_model,
    prepare_images_tensor,
    prepare_masks_tensor,
)
from LungUNetSegLib.phantom import make_phantom


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cases of 3 and 4 slices; masks hold both lungs as one, slices last, by rising z."""
    root = tmp_path_factory.mktemp("paper") / "Dataset"
    (root / "Segmentations").mkdir(parents=True)
    for number, slices in ((1, 3), (2, 4)):
        phantom = make_phantom(few_slices((slices, 64, 64)), rng=number)
        name = f"Case_{number:03d}"
        write_dicom_series(phantom.ct, root / "Images" / name)
        np.savez(root / "Segmentations" / f"{name}_seg.npz", masks=np.moveaxis(phantom.labels.array > 0, 0, -1))
    return root


def test_images_and_masks_lie_beside_each_other(dataset: Path) -> None:
    images, masks = prepare_images_tensor(dataset), prepare_masks_tensor(dataset)
    assert images.shape == masks.shape == (7, 1, 512, 512)
    assert images.dtype == masks.dtype == torch.float32
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    has_lung = masks.flatten(1).any(1)
    assert has_lung.any()
    for image, mask in zip(images[has_lung], masks[has_lung], strict=True):
        assert image[mask == 1].mean() < -0.5 < image[(mask == 0) & (image > -0.9)].mean()  # lung is dark


def test_the_tensor_holds_the_slices_of_dicom_to_numpy(dataset: Path) -> None:
    """Every eighth pixel of the 512 x 512 slice lies in the middle of one of the 64 x 64."""
    volume = dicom_to_numpy(dataset / "Images" / "Case_001")
    assert volume.shape == (64, 64, 3)
    images = prepare_images_tensor(dataset)
    for index in range(3):
        coarse = nn.functional.avg_pool2d(images[index], 8)[0]
        expected = torch.from_numpy(volume[:, :, index].astype(np.float32) / 1024).clamp(-1, 1)
        assert np.corrcoef(coarse.ravel(), expected.ravel())[0, 1] > 0.99


def test_a_dataset_with_half_a_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Images" / "Case_001").mkdir(parents=True)
    (tmp_path / "Segmentations").mkdir()
    with pytest.raises(DataError, match="Case_001"):
        prepare_images_tensor(tmp_path)


def test_custom_loss_by_hand() -> None:
    """One pixel right with probability 0.75: BCE = -ln 0.75, Dice = 1 - (2 * 0.75 + 1) / (1 + 0.75 + 1)."""
    logit, target = torch.full((1, 1, 1, 1), math.log(3.0)), torch.ones(1, 1, 1, 1)
    bce, dice = -math.log(0.75), 1 - 2.5 / 2.75
    assert custom_loss(logit, target).item() == pytest.approx(0.5 * bce + 0.5 * dice)
    assert custom_loss(logit, target, alpha=1.0).item() == pytest.approx(bce)


class Threshold(nn.Module):
    """Calls lung what lies above 0.5."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return (image - 0.5) * 100


def test_evaluate_model_by_hand() -> None:
    """First slice: one hit, one false alarm, one miss of four pixels. Second: nothing there, nothing found."""
    images = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    masks = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    model = Threshold()
    model.train()
    result = evaluate_model(model, images, masks)
    assert result.dsc[0] == pytest.approx(0.5)
    assert math.isnan(result.dsc[1])
    assert result.accuracy.tolist() == [0.5, 1.0]
    assert torch.equal(torch.stack(list(result.predictions)), images > 0.5)
    assert not model.training


def test_a_network_goes_through(dataset: Path) -> None:
    images, masks = prepare_images_tensor(dataset)[:1, :, ::8, ::8], prepare_masks_tensor(dataset)[:1, :, ::8, ::8]
    assert evaluate_model(UNet(1, 1), images, masks).accuracy.shape == (1,)
