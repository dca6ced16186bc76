#!/bin/sh
# TorchMetrics 1.9.0's generalized_dice_score gives an image another score at another place in the batch. A class that
# an image's truth does not have gets the largest weight that the class has in the batch; the list of these is in the
# order of the classes, and the list of weights in the order of the images, so that the class can get another class's
# weight. Here: 16 pixels of class 1 found and 4 of class 2 too many. Second in the batch, the image has 2*16/256 /
# (32/256 + 4/100) = 0.758, with the weight 1/10**2 that the other image gives class 2; first, it has 0.889, with class
# 1's weight 1/16**2. Expected: 0.758 twice. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torchmetrics
from torchmetrics.functional.segmentation import generalized_dice_score


def labels(first: int, second: int) -> torch.Tensor:
    """Give an image of 10 x 10 pixels with so many pixels of class 1 and of class 2."""
    image = torch.zeros(100, dtype=torch.int64)
    image[:first], image[50 : 50 + second] = 1, 2
    return image.reshape(10, 10)


def scores(*pairs: tuple[torch.Tensor, torch.Tensor]) -> list[float]:
    """Give the score of each pair of a prediction and a truth, computed as one batch."""
    predictions, truths = (torch.stack(images) for images in zip(*pairs, strict=True))
    batch = generalized_dice_score(
        predictions, truths, num_classes=3, include_background=False, input_format="index", weight_type="square"
    )
    return [round(float(score), 3) for score in batch]


print(f"TorchMetrics {torchmetrics.__version__}, PyTorch {torch.__version__}")
image = labels(16, 4), labels(16, 0)
other = labels(20, 10), labels(20, 10)
first, second = scores(image, other)[0], scores(other, image)[1]
print(f"the image's score, first in the batch: {first}, second: {second}")
sys.exit(0 if (first, second) == (0.889, 0.758) else 1)
PYTHON
