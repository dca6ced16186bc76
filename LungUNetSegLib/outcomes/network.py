"""COVID-19Net: a 3D DenseNet on both lungs (Wang 2020, doi:10.1183/13993003.00775-2020).

Layout, sizes and number of weights are verified against that work's public code (Keras); its weights are not included,
and its training is not public. Only the layers are reproduced; what the network predicts depends on its training data.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1.001e-5
"""Added to the variance in batch normalisation, as in the paper's code."""

FEATURES = 64
"""Number of features before the last layer; the paper combines them with age, sex and comorbidities."""


class Covid19Net(nn.Module):
    """A 3D DenseNet with one logit for both lungs; designed for 48 x 240 x 360 voxels, it accepts other sizes too."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_SameConv(1, 16, stride=(1, 2, 2)), *_normalised(16), _SameConv(16, 16))
        self.block1 = nn.Sequential(*_units(16, 2, 16), _transition(48, 16), _SamePool((2, 2, 2)))
        self.block2 = nn.Sequential(*_units(16, 3, 24), _transition(88, 24), _SamePool((2, 2, 2)))
        self.block3 = nn.Sequential(*_units(24, 4, 32), _SamePool((2, 2, 2)), *_normalised(152))
        self.block4 = nn.Sequential(*_units(152, 2, 32), _SamePool((1, 2, 2)), _transition(216, FEATURES))
        self.head = nn.Linear(FEATURES, 1)

    def features(self, lungs: Tensor) -> Tensor:
        """Map (N, 1, D, H, W), each at mean 0 and deviation 1, to (N, 64)."""
        values = self.stem(lungs)
        for block in (self.block1, self.block2, self.block3, self.block4):
            values = block(values)
        result: Tensor = values.mean(dim=(2, 3, 4))
        return result

    def forward(self, lungs: Tensor) -> Tensor:
        """Map (N, 1, D, H, W) to (N,) logits of the outcome."""
        logits: Tensor = self.head(self.features(lungs))
        return logits[:, 0]


class _SameConv(nn.Conv3d):
    """A 3x3x3 convolution without bias, padded as Keras's "same": at an even side and stride 2 after, not before."""

    def __init__(self, in_channels: int, out_channels: int, stride: tuple[int, int, int] = (1, 1, 1)) -> None:
        super().__init__(in_channels, out_channels, 3, stride=stride, bias=False)

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(_padded(values, (3, 3, 3), self.stride, 0.0))


class _SamePool(nn.Module):
    """Max-pooling without overlap; an odd side keeps its last voxel, as with Keras's "same"."""

    def __init__(self, size: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, values: Tensor) -> Tensor:
        return F.max_pool3d(_padded(values, self.size, self.size, float("-inf")), self.size)


class _DenseUnit(nn.Module):
    """Two convolutions, whose result is concatenated to their input."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        first, second = _SameConv(in_channels, growth), _SameConv(growth, growth)
        self.layers = nn.Sequential(*_normalised(in_channels), first, *_normalised(growth), second)

    def forward(self, values: Tensor) -> Tensor:
        return torch.cat((values, self.layers(values)), dim=1)


def _normalised(channels: int) -> list[nn.Module]:
    return [nn.BatchNorm3d(channels, EPSILON), nn.ReLU()]


def _units(in_channels: int, count: int, growth: int) -> list[nn.Module]:
    return [_DenseUnit(in_channels + number * growth, growth) for number in range(count)]


def _transition(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(*_normalised(in_channels), nn.Conv3d(in_channels, out_channels, 1, bias=False))


def _padded(values: Tensor, kernel: tuple[int, int, int], stride: tuple[int, ...], fill: float) -> Tensor:
    """Pad so that each output side is its size over the stride, rounded up; an odd pixel is added at the end."""
    padding: list[int] = []
    for size, side, step in zip(reversed(values.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max(0, (-(-size // step) - 1) * step + side - size)
        padding += [total // 2, total - total // 2]
    return F.pad(values, padding, value=fill) if any(padding) else values
