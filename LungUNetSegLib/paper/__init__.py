"""Reproduces the founding paper (J. Gao, "Unet-based Model for Lung Segment"): functions, scores and figures."""

from LungUNetSegLib.io import dicom_to_numpy
from LungUNetSegLib.networks import UNet
from LungUNetSegLib.paper.functions import custom_loss, evaluate_model, prepare_images_tensor, prepare_masks_tensor

__all__ = [
    "UNet",
    "custom_loss",
    "dicom_to_numpy",
    "evaluate_model",
    "prepare_images_tensor",
    "prepare_masks_tensor",
]
