"""The presets of a training, and how files and options change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import from_json, parse_json, to_json
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.networks import (
    DenseNetFpnConfig,
    DilatedUNetConfig,
    OriginalUNetConfig,
    UNetConfig,
    VggSegNetConfig,
)
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.training.coarse import CoarseConfig
from LungUNetSegLib.training.config import TrainingConfig

DEMO_SAMPLE = "LIDC-IDRI-0001"
"""The demo is scored on this case, so no shipped model may be trained on it."""

_OURS: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 2,
    "features_per_stage": (24, 48, 96, 160, 224),
    "stem_stride": 2,
    "dropout": 0.05,
}

LUNGS = TrainingConfig(
    preprocess=PreprocessConfig(context_mm=7.0),
    network=UNetConfig(**_OURS),
    sampling=SamplingConfig(
        slices_per_epoch=1200,
        single_slice_share=0.35,
        no_lung_share=0.25,
        alone_probability=0.15,
        own_disease_probability=0.6,
    ),
    augment=AugmentConfig(flip=0.0, noise_hu=80.0),
    pathology=PathologyConfig(consolidation=0.22, opacity=0.12, mass=0.12, effusion=0.1),
    views=ViewConfig(per_case=48),
    exclude=(DEMO_SAMPLE,),
    epochs=100,
    half_size_share=0.55,
    batch_size=8,
    learning_rate=2e-3,
    l2=0.01,
    gradient_clip=5.0,
    dice_over="slice",
    average_decay=0.998,
    precision="bfloat16",
    channels_last=True,
)
"""This project's preset: right and left lung on a 1.5 mm grid, with strong augmentation of few patients (ADR 0028)."""

COARSE_VIEW = replace(
    LUNGS,
    preprocess=replace(LUNGS.preprocess, coarse_mm=6.0),
    sampling=replace(LUNGS.sampling, own_disease_probability=0.0),
    network=UNetConfig(**(_OURS | {"in_channels": 5})),
    pathology=PathologyConfig(),
    views=ViewConfig(),
    coarse=CoarseConfig(),
    epochs=24,
    half_size_share=0.0,
)
"""The slice network of `lungs`, told by a coarse network what the whole scan shows (ADR 0015)."""

PAPER = TrainingConfig(
    preprocess=PreprocessConfig(spacing_mm=0.75, size=(512, 512), window_hu=(-1024.0, 1024.0)),
    network=UNetConfig(),
    sampling=SamplingConfig(order="every", slab_probability=0.0),
    exclude=(DEMO_SAMPLE,),
    epochs=10,
    batch_size=3,
    optimiser="adam",
    learning_rate=0.1,
    schedule="constant",
    warmup_epochs=0.0,
    precision="bfloat16",
    channels_last=True,
)
"""The paper's settings (sections 2.4 and 3.1), computed three times as fast; docs/paper.md lists the differences."""

UNET_2015 = TrainingConfig(
    network=OriginalUNetConfig(out_channels=2),
    sampling=SamplingConfig(order="every", slab_probability=0.0),
    augment=AugmentConfig(
        flip=0.0, scale=(1.0, 1.0), elastic_pixels=10.0, elastic_grid=3,
        noise_hu=0.0, kernel=(0.0, 0.0), resolution=1.0, field_of_view=1.0, cover_pixels=0.0,
    ),
    exclude=(DEMO_SAMPLE,),
    batch_size=1,
    optimiser="sgd",
    learning_rate=1e-3,
    schedule="constant",
    warmup_epochs=0.0,
    loss="border_cross_entropy",
)  # fmt: skip
"""The settings of the U-Net of 2015: SGD with a momentum of 0.99, one slice a step, shifts, rotations, elastic
deformation on a 3 x 3 grid and grey value changes, as remembered from the paper, which gives no learning rate; this one
is a guess (docs/training.md). The pixel size is that of `lungs`."""

DILATED_UNET = replace(LUNGS, network=DilatedUNetConfig(**_OURS))
"""The preset `lungs` with another middle of the network; nothing else differs."""

DENSENET_FPN = replace(
    LUNGS,
    preprocess=PreprocessConfig(size=(256, 256), window_hu=(-1024.0, 3071.0), context_mm=5.0),
    network=DenseNetFpnConfig(out_channels=2),
)
"""The settings of Wang 2020's lung segmentation: 256 x 256 pixels, three slices, no upper limit of the HU. Its training
is not public, and here as in `lungs`. There the image is halved in size, the neighbours are the next slices, however
near, and the first and last slice get no mask; here pixels have 1.5 mm, and neighbours are about 5 mm away."""

VGG_SEGNET = replace(
    LUNGS,
    preprocess=PreprocessConfig(spacing_mm=1.75, size=(224, 224)),
    network=VggSegNetConfig(out_channels=2),
    loss="balanced_cross_entropy",
)
"""The settings of Khan 2021's VGG-SegNet: 224 x 224 pixels, one slice, SegNet's loss. The rest is as in `lungs`."""

PRESETS = {
    "lungs": LUNGS,
    "coarse_view": COARSE_VIEW,
    "paper": PAPER,
    "unet_2015": UNET_2015,
    "dilated_unet": DILATED_UNET,
    "densenet_fpn": DENSENET_FPN,
    "vgg_segnet": VGG_SEGNET,
}


def read_config(start: str | TrainingConfig, file: Path | None, settings: Sequence[str]) -> TrainingConfig:
    """Return settings, changed by a JSON file and then by single ``key=value`` settings with dotted keys.

    Args:
        start: The name of a preset, or settings.
        file: JSON object with the settings that differ.
        settings: ``key=value`` each; the value is JSON, or else text.

    Raises:
        ConfigError: An unknown key, or a value that it cannot take.
    """
    values = to_json(PRESETS[start] if isinstance(start, str) else start)
    network = values["network"]["name"]
    if file is not None:
        try:
            changes = parse_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file} cannot be read as JSON: {error}.") from error
        if not isinstance(changes, dict):
            raise ConfigError(f"{file} must hold an object with settings.")
        _merge(values, changes)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"The setting {setting!r} has no value: expected KEY=VALUE.")
        try:
            value = parse_json(text)
        except ValueError:
            value = text
        for part in reversed(key.split(".")):
            value = {part: value}
        _merge(values, value)
    try:
        return from_json(TrainingConfig, values, str(file) if file else "settings")
    except ConfigError as error:
        name = values["network"].get("name") if isinstance(values["network"], dict) else None
        if name == network or not isinstance(name, str) or name not in PRESETS:
            raise
        raise ConfigError(
            f"{error} For the network {name!r} begin with the preset {name}, which has that network's settings."
        ) from error


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
