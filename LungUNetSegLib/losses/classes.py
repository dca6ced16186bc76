"""Weighted cross-entropy over classes, background first.

Two kinds of weights: those of the U-Net of 2015 (Ronneberger, doi:10.1007/978-3-319-24574-4_28), which rise between
cells that nearly touch, here the two lungs; and SegNet's (Badrinarayanan 2017, doi:10.1109/TPAMI.2016.2644615), which
balance classes by their median frequency. Both formulas are from memory of the papers. The first paper does not say
how it balances its classes; the method here is a reconstruction.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

BORDER_WEIGHT = 10.0
"""Additional weight of a pixel where two cells touch (w0 in the paper)."""

BORDER_SIGMA_PIXELS = 5.0
"""Distance over which that weight decreases (sigma in the paper)."""


def weighted_cross_entropy(logits: Tensor, classes: Tensor, weights: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the sum of the weighted cross-entropies divided by the number of valid pixels, stable for large logits.

    Args:
        logits: (N, C, H, W), the background first.
        classes: (N, H, W) int64, see `class_map`.
        weights: (N, H, W) for each pixel, or (C,) for each class.
        valid: (N, 1, H, W), 1 where the class is known, 0 for ignored pixels.

    Returns:
        Scalar float32.
    """
    loss = F.cross_entropy(logits.float(), classes, reduction="none")
    loss = loss * (weights[classes] if weights.dim() == 1 else weights)
    if valid is None:
        return loss.mean()
    counted = valid[:, 0].float()
    return (loss * counted).sum() / counted.sum().clamp(min=1)


def class_map(target: Tensor) -> Tensor:
    """Return (N, H, W) int64 classes of (N, C, H, W) fractions of structures.

    0 is the background; a pixel belongs to the structure that fills most of it, if that is at least one half.
    """
    most, index = target.max(dim=1)
    return torch.where(most >= 0.5, index + 1, torch.zeros_like(index))


def border_weights(classes: Tensor, class_count: int, valid: Tensor | None = None) -> Tensor:
    """Return the weight of each pixel: w_c + w0 exp(-(d1 + d2)^2 / (2 sigma^2)).

    w0 is `BORDER_WEIGHT` and sigma `BORDER_SIGMA_PIXELS`. d1 and d2 are the distances in pixels to the nearest pixel of
    the nearest and of the second nearest structure; the second term only applies to the background, and is 0 in slices
    with fewer than two structures. w_c balances the classes of each slice: its pixels divided by (the number of classes
    times the pixels of class c).

    Args:
        classes: (N, H, W) int64, 0 the background.
        class_count: C, the background included.
        valid: (N, 1, H, W), 1 where the class is known; other pixels are not counted.

    Returns:
        (N, H, W) float32, on the device of `classes`.
    """
    counted = np.ones(classes.shape, bool) if valid is None else (valid[:, 0] > 0).cpu().numpy()
    result = np.empty(classes.shape, np.float32)
    for weights, labels, known in zip(result, classes.cpu().numpy(), counted, strict=True):
        pixels = np.bincount(labels[known], minlength=class_count)
        weights[:] = (pixels.sum() / (class_count * np.maximum(pixels, 1)))[labels]
        weights += BORDER_WEIGHT * _junction(labels, class_count)
    return torch.from_numpy(result).to(classes.device)


def count_classes(classes: Tensor, class_count: int, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Count the pixels that `median_frequency_weights` needs; the counts of several calls can be added.

    Args:
        classes: (N, H, W) int64.
        class_count: C, the background included.
        valid: (N, 1, H, W), 1 where the class is known.

    Returns:
        (C,) pixels of each class, and (C,) pixels of the slices in which it occurs.
    """
    pixels, of_slices = torch.zeros(class_count, dtype=torch.int64), torch.zeros(class_count, dtype=torch.int64)
    for labels, known in zip(classes, valid[:, 0] > 0, strict=True):
        here = torch.bincount(labels[known], minlength=class_count)
        pixels += here
        of_slices += torch.where(here > 0, here.sum(), 0)
    return pixels, of_slices


def median_frequency_weights(pixels: Tensor, of_slices: Tensor) -> Tensor:
    """Return the weight of each class: the median class frequency divided by its own; 0 for an absent class.

    A class's frequency is the share of its pixels in the slices in which it occurs.

    Args:
        pixels: (C,) pixels of each class.
        of_slices: (C,) pixels of the slices in which it occurs.

    Returns:
        (C,) float32.
    """
    present = pixels > 0
    frequency = pixels.double() / of_slices.double().clamp(min=1)
    if not present.any():
        return torch.zeros(len(pixels))
    median = np.median(frequency[present].numpy())
    return torch.where(present, median / frequency.clamp(min=1e-12), 0.0).float()


def _junction(labels: npt.NDArray[np.int64], class_count: int) -> npt.NDArray[np.float64]:
    """Return the second term of `border_weights`, for (H, W) labels and w0 = 1."""
    cells = [labels == label for label in range(1, class_count) if (labels == label).any()]
    if len(cells) < 2:
        return np.zeros(labels.shape)
    nearest = np.sort([distance_transform_edt(~cell) for cell in cells], axis=0)[:2]
    term: npt.NDArray[np.float64] = np.exp(-(nearest.sum(axis=0) ** 2) / (2 * BORDER_SIGMA_PIXELS**2))
    return np.where(labels == 0, term, 0.0)
