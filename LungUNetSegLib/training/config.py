"""What decides a training, and its presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from LungUNetSegLib.config import from_json, parse_json, to_json
from LungUNetSegLib.data.dataset import SamplingConfig
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.losses import DiceOver
from LungUNetSegLib.networks import NetworkConfig, UNetConfig
from LungUNetSegLib.preprocessing import PreprocessConfig

DEMO_SAMPLE = "LIDC-IDRI-0001"
"""The demo is scored on it, so no shipped model may have seen it."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides a training's weights, besides its data.

    Attributes:
        preprocess: The network's grid and window.
        network: Which architecture, and its settings; one structure for both lungs, or two for right and left.
        sampling: Which slices make an epoch.
        augment: How slices are changed; None for not at all.
        pathology: What disease is laid in; None for none.
        exclude: Cases and patients that are left out.
        start_from: Path of a checkpoint whose weights are the first ones; "" for random ones.
        epochs: How many times the training goes through an epoch's slices.
        batch_size: Slices in one step of the optimiser, over all processes together.
        optimiser: Adam (with L2 in the loss's gradient) or AdamW (decoupled; Loshchilov 2019, arXiv:1711.05101).
        learning_rate: The largest learning rate of the schedule.
        schedule: How the learning rate runs: "cosine" falls to zero at the end, "constant" stays.
        warmup_epochs: Epochs at the start over which the learning rate rises linearly.
        l1: Weight of the sum of all convolution weights' absolute values in the loss.
        l2: Weight decay of all convolution weights.
        gradient_clip: Largest norm of the gradient; 0 for no limit.
        alpha: Share of the binary cross-entropy in the loss; the rest is soft Dice.
        dice_over: What the soft Dice is taken over, the whole batch or each slice.
        average_decay: Decay per step of the exponential moving average of the weights; 0 for no average. Where there
            is an average, it is what is validated and used.
        patience: The training stops after this many epochs without better validation; 0 for never.
        precision: Numbers that the convolutions compute with; float32 on a device that lacks the others.
        channels_last: Whether images and weights lie in memory with their channels last.
        seed: Decides the first weights, the order of slices, the augmentation and the dropout.
    """

    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    network: NetworkConfig = field(default_factory=UNetConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    augment: AugmentConfig | None = None
    pathology: PathologyConfig | None = None
    exclude: tuple[str, ...] = ()
    start_from: str = ""
    epochs: int = 10
    batch_size: int = 8
    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    gradient_clip: float = 0.0
    alpha: float = 0.5
    dice_over: DiceOver = "batch"
    average_decay: float = 0.0
    patience: int = 0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}.")
        for name in ("warmup_epochs", "l1", "l2", "gradient_clip", "patience", "seed"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate must be above 0, got {self.learning_rate}.")
        if not 0 <= self.alpha <= 1:
            raise ConfigError(f"alpha must lie between 0 and 1, got {self.alpha}.")
        if not 0 <= self.average_decay < 1:
            raise ConfigError(f"average_decay must lie in [0, 1), got {self.average_decay}.")
        if self.network.in_channels != self.preprocess.channels or self.network.out_channels not in (1, 2):
            raise ConfigError(
                f"Training gives the network {self.preprocess.channels} channel(s) (3 with context_mm, 1 without) and "
                "wants 1 (both lungs) or 2 (right, left), "
                f"got {self.network.in_channels} and {self.network.out_channels}."
            )


LUNGS = TrainingConfig(
    preprocess=PreprocessConfig(context_mm=7.0),
    network=UNetConfig(
        in_channels=3, out_channels=2, features_per_stage=(24, 48, 96, 160, 224), stem_stride=2, dropout=0.05
    ),
    sampling=SamplingConfig(slices_per_epoch=1200),
    augment=AugmentConfig(),
    pathology=PathologyConfig(),
    exclude=(DEMO_SAMPLE,),
    epochs=20,
    batch_size=8,
    learning_rate=2e-3,
    l2=0.01,
    gradient_clip=5.0,
    dice_over="slice",
    average_decay=0.998,
    precision="bfloat16",
    channels_last=True,
)
"""Ours: right and left lung on a 1.5 mm grid, from few patients made many."""

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
"""The paper's settings (sections 2.4 and 3.1), computed three times as fast; docs/paper.md says where they differ."""

PRESETS = {"lungs": LUNGS, "paper": PAPER}


def read_config(start: str | TrainingConfig, file: Path | None, settings: Sequence[str]) -> TrainingConfig:
    """Return settings, changed by a JSON file and then by single ones ``key=value`` with dotted keys.

    Args:
        start: The name of a preset, or the settings themselves.
        file: An object with the settings that differ.
        settings: Each ``key=value``; the value is JSON, or else text.

    Raises:
        ConfigError: An unknown key, or a value that it cannot take.
    """
    values = to_json(PRESETS[start] if isinstance(start, str) else start)
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
            raise ConfigError(f"--set {setting}: expected KEY=VALUE.")
        try:
            value = parse_json(text)
        except ValueError:
            value = text
        for part in reversed(key.split(".")):
            value = {part: value}
        _merge(values, value)
    return from_json(TrainingConfig, values, str(file) if file else "settings")


def _merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
