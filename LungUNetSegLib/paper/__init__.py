"""The founding paper (J. Gao, "Unet-based Model for Lung Segment"): its functions, scores by slice and figures."""

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
