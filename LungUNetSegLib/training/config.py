"""Defines the settings of a training, and the presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from LungUNetSegLib.config import check_at_least, check_shares, from_json, parse_json, to_json
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.losses import DiceOver
from LungUNetSegLib.networks import (
    DenseNetFpnConfig,
    DilatedUNetConfig,
    NetworkConfig,
    OriginalUNetConfig,
    UNetConfig,
    VggSegNetConfig,
)
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.training.coarse import CoarseConfig

DEMO_SAMPLE = "LIDC-IDRI-0001"
"""The demo is scored on this case, so no shipped model may be trained on it."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """All settings of a training, which together with its data determine its weights.

    Attributes:
        preprocess: The network's grid and window.
        network: The architecture and its settings; one structure for both lungs, or two for right and left.
        sampling: Which slices an epoch contains.
        augment: How slices are augmented; None for no augmentation.
        pathology: Which synthetic disease is added to the views; None for none.
        views: Which parts of the scans are shown, and with which disturbances.
        coarse: How the coarse network is trained first; None for no coarse view.
        exclude: Cases and patients to leave out.
        start_from: A checkpoint or a model with the initial weights: its path, or a model's name; "" for random ones.
        pull_to_start: Strength that pulls each weight back to its initial value: a step takes this times the learning
            rate of the difference away (Li 2018, arXiv:1802.01483), so that what it knew is kept; 0 for none.
        epochs: Number of epochs.
        half_size_share: Share of the epochs, at the start, whose slices have half the height and width: large pixels
            teach where lungs lie, at a fourth of the cost.
        batch_size: Slices in one step of the optimiser, over all processes together.
        optimiser: Adam (with L2 in the loss's gradient), AdamW (decoupled; Loshchilov 2019, arXiv:1711.05101) or SGD.
        momentum: SGD's momentum.
        learning_rate: The largest learning rate of the schedule.
        schedule: Learning rate schedule: "cosine" falls to zero at the end, "constant" stays.
        warmup_epochs: Number of epochs at the start over which the learning rate rises linearly.
        l1: Weight of the sum of all convolution weights' absolute values in the loss.
        l2: Weight decay of all convolution weights.
        gradient_clip: Largest norm of the gradient; 0 for no limit.
        loss: "bce_dice" is binary cross-entropy and soft Dice of each structure. For networks with one class per
            pixel, "border_cross_entropy" is the cross-entropy with the U-Net's weights, which rise between the lungs,
            and "balanced_cross_entropy" the one with classes balanced by their median frequency.
        alpha: Share of the binary cross-entropy in "bce_dice"; the rest is soft Dice.
        dice_over: Whether the soft Dice is computed over the whole batch or each slice.
        average_decay: Decay per step of the exponential moving average of the weights; 0 for no average. If there is
            an average, it is validated and used.
        patience: The training stops after this many epochs without better validation; 0 for never.
        precision: Number format of the convolutions; float32 on devices that lack the others.
        channels_last: Whether images and weights are stored with their channels last.
        seed: Seed of the initial weights, the order of slices, the augmentation and the dropout.
    """

    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    network: NetworkConfig = field(default_factory=UNetConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augment: AugmentConfig | None = None
    pathology: PathologyConfig | None = None
    views: ViewConfig = field(default_factory=lambda: ViewConfig(per_case=0))
    coarse: CoarseConfig | None = None
    exclude: tuple[str, ...] = ()
    start_from: str = ""
    pull_to_start: float = 0.0
    epochs: int = 10
    half_size_share: float = 0.0
    batch_size: int = 8
    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    momentum: float = 0.99
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    gradient_clip: float = 0.0
    loss: Literal["bce_dice", "border_cross_entropy", "balanced_cross_entropy"] = "bce_dice"
    alpha: float = 0.5
    dice_over: DiceOver = "batch"
    average_decay: float = 0.0
    patience: int = 0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_at_least(self, epochs=1, batch_size=1, patience=0, seed=0)
        check_at_least(self, warmup_epochs=0, l1=0, l2=0, gradient_clip=0, pull_to_start=0)
        if self.pull_to_start and not self.start_from:
            raise ConfigError("pull_to_start needs initial weights to pull to: give start_from.")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}.")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum must lie in [0, 1), got {self.momentum}.")
        if self.loss != "bce_dice" and not self.network.classes:
            raise ConfigError(
                f"loss={self.loss} is for networks that give each pixel one class, and {self.network.name!r} gives "
                "each structure its own probability: use bce_dice."
            )
        check_shares(self, "alpha", "half_size_share")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay must lie in [0, 1), got {self.average_decay}.")
        if self.network.in_channels != self.preprocess.channels or self.network.out_channels not in (1, 2):
            raise ConfigError(
                f"Training gives the network {self.preprocess.channels} channel(s) (3 with context_mm, 1 without, "
                "2 more with coarse_mm) and wants 1 (both lungs) or 2 (right, left), "
                f"got {self.network.in_channels} and {self.network.out_channels}."
            )
        if bool(self.preprocess.coarse_mm) != (self.coarse is not None):
            raise ConfigError("preprocess.coarse_mm and coarse belong together: give both or neither.")
        if self.coarse is not None and self.sampling.own_disease_probability:
            raise ConfigError(
                "A coarse view does not show a slice's own disease: sampling.own_disease_probability must be 0."
            )


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
    epochs=24,
    batch_size=8,
    learning_rate=2e-3,
    l2=0.01,
    gradient_clip=5.0,
    dice_over="slice",
    average_decay=0.998,
    precision="bfloat16",
    channels_last=True,
)
"""This project's preset: right and left lung on a 1.5 mm grid, with strong augmentation of few patients."""

COARSE_VIEW = replace(
    LUNGS,
    preprocess=replace(LUNGS.preprocess, coarse_mm=6.0),
    sampling=replace(LUNGS.sampling, own_disease_probability=0.0),
    network=UNetConfig(**(_OURS | {"in_channels": 5})),
    pathology=PathologyConfig(),
    views=ViewConfig(),
    coarse=CoarseConfig(),
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
