"""Provides the functions of "Unet-based Model for Lung Segment" (J. Gao) under the paper's names.

They are for notebooks that follow the paper, and call this library's own functions. The paper's data are in
``Dataset/Images/Case_XXX`` (DICOM) and ``Dataset/Segmentations/Case_XXX_seg.npz``; its trained parameters, which
`lungunetseg train --preset paper` also leaves, are in ``trained_model.pt``:
``UNet(1, 1).load_state_dict(torch.load("trained_model.pt", weights_only=True))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from LungUNetSegLib.cases.labelled import find_cases
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.io.masks.npz import slice_step
from LungUNetSegLib.losses import bce_dice_loss
from LungUNetSegLib.paper.slices import SliceScores, evaluate_slices
from LungUNetSegLib.preprocessing import normalise
from LungUNetSegLib.training.presets import PAPER
from LungUNetSegLib.volume import Volume

SIZE = (512, 512)


def prepare_images_tensor(dataset: str | PathLike[str]) -> Tensor:
    """Return all slices of all cases as the network's input (section 2.3.2).

    Args:
        dataset: Folder with `Images` and `Segmentations`, or any other layout that `find_cases` knows.

    Returns:
        (N, 1, 512, 512) float32; -1024 to 1024 HU as -1 to 1, cases by name, slices by rising z. Slices of another
        size are resampled.

    Raises:
        LungUNetSegError: A case that cannot be used.
    """
    slices = []
    for pair in _pairs(dataset):
        hu = torch.from_numpy(normalise(_by_rising_z(pair.ct), PAPER.preprocess))[:, None]
        slices.append(hu if hu.shape[-2:] == SIZE else F.interpolate(hu, SIZE, mode="bilinear", antialias=True))
    return torch.cat(slices)


def prepare_masks_tensor(dataset: str | PathLike[str]) -> Tensor:
    """Return the masks of the slices of `prepare_images_tensor`, in their order (section 2.3.2).

    Args:
        dataset: As there. Masks are `.npz`, NIfTI or whatever `read_labels` takes; both lungs are one.

    Returns:
        (N, 1, 512, 512) float32, 0 or 1.
    """
    slices = []
    for pair in _pairs(dataset):
        lungs = torch.from_numpy((_by_rising_z(pair.labels) > 0).astype(np.float32))[:, None]
        slices.append(lungs if lungs.shape[-2:] == SIZE else F.interpolate(lungs, SIZE, mode="nearest-exact"))
    return torch.cat(slices)


def custom_loss(prediction: Tensor, target: Tensor, alpha: float = 0.5) -> Tensor:
    """Return L_custom = alpha * L_BCE + (1 - alpha) * L_Dice (section 2.4.2), from logits and masks of one shape."""
    return bce_dice_loss(prediction, target, alpha)


def evaluate_model(model: nn.Module, images: Tensor, masks: Tensor, threshold: float = 0.5) -> SliceScores:
    """Predict and score each slice (section 2.5).

    Args:
        model: Gives logits.
        images: (N, 1, H, W), of `prepare_images_tensor`.
        masks: (N, 1, H, W), of `prepare_masks_tensor`.
        threshold: Probability above which a pixel is lung.

    Returns:
        `dsc` and `accuracy` of each slice, with the images, references and predictions. The DSC is NaN if neither mask
        has a pixel; the paper uses 0 for such slices, which are half of its DSCs.
    """
    model.eval()
    with torch.inference_mode():
        predictions = torch.cat([torch.sigmoid(model(image[None])) > threshold for image in images])
    return evaluate_slices([*images], [*(masks > 0.5)], [*predictions])


def _pairs(dataset: str | PathLike[str]) -> Iterator[LabelledScan]:
    for case in find_cases(Path(dataset)):
        yield read_pair(case)


def _by_rising_z(volume: Volume) -> npt.NDArray[Any]:
    """Return (D, H, W) in the slice order of `dicom_to_numpy`."""
    return volume.array[:: slice_step(volume.geometry)]
