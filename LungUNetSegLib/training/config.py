"""Defines the settings of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from LungUNetSegLib.config import check_at_least, check_shares
from LungUNetSegLib.data.pathology import PathologyConfig
from LungUNetSegLib.data.sampled_views import ViewConfig
from LungUNetSegLib.data.sampling import SamplingConfig
from LungUNetSegLib.data.transforms import AugmentConfig
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.losses import DiceOver
from LungUNetSegLib.networks import NetworkConfig, UNetConfig
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.training.coarse import CoarseConfig


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
        half_size_share: Share of the epochs, at the start of a training from random weights, whose slices have half the
            height and width: large pixels teach where lungs lie, at a fourth of the cost.
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

    @property
    def half_size_epochs(self) -> int:
        """Number of epochs with slices at half their size; weights that are no longer random need none."""
        return 0 if self.start_from else round(self.half_size_share * self.epochs)

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
