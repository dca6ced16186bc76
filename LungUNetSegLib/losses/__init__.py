"""Losses computed from logits: of overlapping structures (sigmoid), and of classes, one per pixel (softmax)."""

from LungUNetSegLib.losses.classes import (
    border_weights,
    class_map,
    count_classes,
    median_frequency_weights,
    weighted_cross_entropy,
)
from LungUNetSegLib.losses.structures import DiceOver, bce_dice_loss, binary_cross_entropy, soft_dice_loss

__all__ = [
    "DiceOver",
    "bce_dice_loss",
    "binary_cross_entropy",
    "border_weights",
    "class_map",
    "count_classes",
    "median_frequency_weights",
    "soft_dice_loss",
    "weighted_cross_entropy",
]
