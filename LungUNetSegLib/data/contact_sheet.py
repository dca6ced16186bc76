"""Draws a picture of the augmentation: each change at its extreme, each synthetic disease, and random samples."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch
from torch import Tensor

from LungUNetSegLib.data.dataset import Batch, SliceDataset, middle
from LungUNetSegLib.data.pathology import Kind, PathologyConfig, lay_in, sample_lesion
from LungUNetSegLib.data.transforms import (
    ELASTIC_GRID,
    AugmentConfig,
    AugmentParameters,
    apply_parameters,
    identity_parameters,
)
from LungUNetSegLib.errors import DataError, WriteError
from LungUNetSegLib.segments import LUNGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 6
RANDOM_TILES = 12
LESION_SEED = 1
WINDOW_HU = (-1000.0, 400.0)

Tile = tuple[str, Tensor, Tensor]
"""Title, (h, w) HU, (3, h, w) target."""


def save_contact_sheet(dataset: SliceDataset, pathology: PathologyConfig | None, path: Path) -> None:
    """Write the contact sheet as an image; lungs are outlined in their segments' colours, undecided pixels in white.

    Args:
        dataset: The data with the augmentation and the views to show.
        pathology: Settings of the synthetic disease, if any.
        path: Ends in .png or another format that matplotlib writes.

    Raises:
        DataError: No slice with both lungs to show changes on.
        WriteError: The file cannot be written.
    """
    from matplotlib.figure import Figure  # of the `train` extra, and slow to import

    tiles = [*_single_changes(dataset, pathology), *_random_draws(dataset)]
    rows = math.ceil(len(tiles) / COLUMNS)
    figure = Figure(figsize=(3 * COLUMNS, 2.6 * rows), layout="constrained")
    for axes, tile in zip(figure.subplots(rows, COLUMNS, squeeze=False).flat, tiles, strict=False):
        _draw(axes, *tile)
    for axes in figure.axes:
        axes.set_axis_off()
    try:
        figure.savefig(path, dpi=80)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}.") from error


def extreme_parameters(config: AugmentConfig) -> dict[str, AugmentParameters]:
    """Return each change by itself, for one slice, at the extreme that `config` allows."""
    bend = torch.randn(1, 2, ELASTIC_GRID, ELASTIC_GRID, generator=torch.Generator().manual_seed(0))
    extremes: dict[str, dict[str, object]] = {
        "unchanged": {},
        "flip": {"flip": True},
        "rotation": {"rotation": math.radians(config.rotation_degrees)},
        "smallest scale": {"scale": config.scale[0]},
        "largest scale": {"scale": config.scale[1]},
        "shift": {"shift": [config.shift, config.shift]},
        "elastic": {"elastic": bend[0] * config.elastic_pixels},
        "noise": {"noise_hu": config.noise_hu},
        "coarse noise": {"noise_hu": config.noise_hu, "noise_smooth": True},
        "blur": {"blur": config.kernel[0]},
        "sharp kernel": {"sharpen": config.kernel[1]},
        "low gamma": {"gamma": 1 / config.gamma},
        "high gamma": {"gamma": config.gamma},
        "lower HU": {"shift_hu": -config.shift_hu},
        "higher HU": {"shift_hu": config.shift_hu},
        "resolution": {"resolution": config.resolution},
        "field of view": {"field_of_view": config.field_of_view},
        "cover": {"cover": config.cover_pixels},
    }
    neutral = identity_parameters(1)
    return {
        name: dataclasses.replace(neutral, **{key: torch.as_tensor(value)[None] for key, value in changes.items()})
        for name, changes in extremes.items()
    }


def _single_changes(dataset: SliceDataset, pathology: PathologyConfig | None) -> Iterator[Tile]:
    hu, target = _typical_slice(dataset)
    if dataset.augment is not None:
        for name, parameters in extreme_parameters(dataset.augment).items():
            changed_hu, changed_target = apply_parameters(hu, target, parameters)
            yield name, changed_hu[0, 0], changed_target[0]
    if pathology is not None:
        pixel_mm, here = dataset.preprocess.spacing_mm, np.zeros(1, np.int64)
        lung_mm = np.argwhere(target[0, 1:2].numpy() > 0.5) * np.array((0.0, pixel_mm, pixel_mm))
        for kind in get_args(Kind):
            always = PathologyConfig(**{each: float(each == kind) for each in get_args(Kind)})
            lesion = sample_lesion(1, lung_mm, always, np.random.default_rng(LESION_SEED))
            assert lesion is not None
            sick_hu, lungs = lay_in(hu[0], target[:, :2], lesion, here, 1.0, pixel_mm)
            yield kind.replace("_", " "), sick_hu[0], torch.cat((lungs[0], target[0, 2:]))


def _random_draws(dataset: SliceDataset) -> Iterator[Tile]:
    count = min(RANDOM_TILES, len(dataset))
    batch = next(dataset.epoch(0, count))
    for number in range(count):
        yield f"sample {number + 1}", middle(batch.hu)[number], _target(batch)[number]


def _typical_slice(dataset: SliceDataset) -> tuple[Tensor, Tensor]:
    """Return (1, 1, h, w) HU and (1, 3, h, w) target of a slice with large areas of both lungs."""
    best, most = None, 0.0
    for batch in dataset.in_order(1):
        amount = float(batch.target.sum(dim=(2, 3)).min())
        if amount > most:
            best, most = batch, amount
    if best is None:
        raise DataError("No slice shows both lungs, so the augmentation cannot be shown.")
    return middle(best.hu)[:, None], _target(best)


def _target(batch: Batch) -> Tensor:
    return torch.cat((batch.target, batch.valid), dim=1)


def _draw(axes: Axes, title: str, hu: Tensor, target: Tensor) -> None:
    axes.imshow(hu.numpy(), cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1])
    axes.set_title(title, fontsize=9)
    outlines = [*zip(target[:2], (segment.colour for segment in LUNGS), strict=True), (target[2], (1.0, 1.0, 1.0))]
    for plane, colour in outlines:
        if plane.min() < 0.5 < plane.max():  # matplotlib warns of empty outlines
            axes.contour(plane.numpy(), [0.5], colors=[colour], linewidths=0.9)
