"""Disease painted into one lung of a scan, after which the reference is still true.

Effusion, pneumothorax and the fluid after a pneumonectomy take their part of the reference; all else remains lung.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from perturbations import Pair
from scipy import ndimage

from LungUNetSegLib.volume import Volume


@dataclass(frozen=True)
class Disease:
    """Synthetic disease in one lung of a volume.

    Attributes:
        label: 1 for the right lung, 2 for the left.
        hu: Mean of the diseased tissue.
        density: Share of the lung that it replaces.
        region: Given (D, H, W) positions in mm from the lung's middle and its half extents, where it lies.
        is_lung: Whether the diseased region still counts as lung.
    """

    label: int
    hu: float
    density: float
    region: Callable[[np.ndarray, np.ndarray], np.ndarray]
    is_lung: bool = True

    def __call__(self, scan: Volume, reference: Volume, generator: np.random.Generator) -> Pair:
        """Lay the disease into the scan."""
        scan, reference = scan.canonical(), reference.canonical()
        lung = reference.array == self.label
        if not lung.any():
            return scan, reference
        spacing = np.array(scan.geometry.spacing_mm)[:, None, None, None]
        where = np.argwhere(lung)
        low, high = where.min(0), where.max(0)
        box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        half = ((high - low) / 2)[:, None, None, None] * spacing
        offsets = np.indices(tuple(high - low + 1)) * spacing - half
        ill = self.region(offsets, half) & lung[box]
        fraction = ndimage.gaussian_filter(ill.astype(np.float32), 0.7 / spacing.ravel()) * lung[box] * self.density
        tissue = self.hu + 15 * generator.standard_normal(ill.shape, np.float32)
        array, labels = scan.array.copy(), reference.array.copy()
        array[box] = np.rint(array[box] * (1 - fraction) + tissue * fraction).astype(np.int16)
        if not self.is_lung:
            labels[box][ill] = 0
        return Volume(array, scan.geometry), Volume(labels, reference.geometry)


def ball(share: tuple[float, float, float], radius_mm: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A ball around the point at `share` of the lung's half extents (slice, row, column) from its middle."""

    def region(offsets: np.ndarray, half: np.ndarray) -> np.ndarray:
        return np.linalg.norm(offsets - half * np.reshape(share, (3, 1, 1, 1)), axis=0) <= radius_mm

    return region


def beyond(axis: int, share: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """All beyond `share` of the half extent along an axis: (1, 0.3) is the back of the lung; (0, 0.2) its apex."""
    sign = -1 if share < 0 else 1
    return lambda offsets, half: sign * (offsets[axis] - share * half[axis]) >= 0


def patches(offsets: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Patches of 3 to 5 cm all over the lung, about half of it."""
    waves = [np.sin(offsets[axis] / period) for axis, period in ((0, 11.0), (1, 9.0), (2, 8.0))]
    return np.asarray(waves[0] + waves[1] + waves[2] > 0)


def everywhere(offsets: np.ndarray, half: np.ndarray) -> np.ndarray:
    """The whole lung."""
    return np.ones(offsets.shape[1:], bool)


DISEASE: dict[str, Disease] = {
    "nodule of 2 cm, right": Disease(1, 40, 1.0, ball((0.2, 0.2, 0.2), 10)),
    "mass of 6 cm, left": Disease(2, 40, 1.0, ball((0.0, 0.2, 0.3), 30)),
    "mass of 6 cm on the chest wall, right": Disease(1, 40, 1.0, ball((0.1, 0.7, -0.6), 30)),
    "ground glass, patches, right": Disease(1, 0, 0.45, patches),
    "ground glass, whole left lung": Disease(2, 0, 0.5, everywhere),
    "lower third consolidated, right": Disease(1, 40, 1.0, beyond(0, -0.33)),
    "upper third consolidated, left": Disease(2, 40, 1.0, beyond(0, 0.33)),
    "back of the lung consolidated, left": Disease(2, 40, 1.0, beyond(1, 0.3)),
    "whole right lung opaque": Disease(1, 40, 1.0, everywhere),
    "effusion, right": Disease(1, 10, 1.0, beyond(1, 0.5), is_lung=False),
    "large effusion, left": Disease(2, 10, 1.0, beyond(1, 0.1), is_lung=False),
    "effusion that fills the chest, right": Disease(1, 10, 1.0, everywhere, is_lung=False),
    "fluid after pneumonectomy, left": Disease(2, 20, 1.0, everywhere, is_lung=False),
    "pneumothorax, left": Disease(2, -1000, 1.0, beyond(1, -0.6), is_lung=False),
}
