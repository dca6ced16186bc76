"""Reproduces the founding paper (J. Gao, "Unet-based Model for Lung Segment"): functions, scores and figures."""

from LungUNetSegLib.paper.functions import (
    UNet,
    custom_loss,
    dicom_to_numpy,
    evaluate_model,
    prepare_images_tensor,
    prepare_masks_tensor,
)

__all__ = [
    "UNet",
    "custom_loss",
    "dicom_to_numpy",
    "evaluate_model",
    "prepare_images_tensor",
    "prepare_masks_tensor",
]
