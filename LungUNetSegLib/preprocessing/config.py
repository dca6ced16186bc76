"""Defines the settings of the network's grid and input."""

from __future__ import annotations

from dataclasses import dataclass

from LungUNetSegLib.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """The network's grid and intensities.

    Attributes:
        spacing_mm: Pixel size of the network's slices, the same along rows and columns.
        size: (height, width) of the network's slices, in pixels.
        window_hu: HU values that become -1 and +1; values outside are clipped.
        context_mm: Distance above and below each slice of the two neighbours that the network sees with it; 0 for
            none.
        coarse_mm: Voxel size of the coarse view of the whole scan, a multiple of `spacing_mm`; its probabilities of
            right and left lung are additional input channels (coarse.py). 0 for none.
    """

    spacing_mm: float = 1.5
    size: tuple[int, int] = (224, 288)
    window_hu: tuple[float, float] = (-1000.0, 400.0)
    context_mm: float = 0.0
    coarse_mm: float = 0.0

    def __post_init__(self) -> None:
        if not 0.1 <= self.spacing_mm <= 10:
            raise ConfigError(f"spacing_mm must lie between 0.1 and 10, got {self.spacing_mm}.")
        if min(self.size) < 16:
            raise ConfigError(f"size must be at least 16 x 16, got {self.size}.")
        if self.window_hu[0] >= self.window_hu[1]:
            raise ConfigError(f"window_hu must rise, got {self.window_hu}.")
        if not 0 <= self.context_mm <= 100:
            raise ConfigError(f"context_mm must lie between 0 and 100, got {self.context_mm}.")
        if self.coarse_mm:
            self._check_coarse()

    @property
    def slices(self) -> int:
        """Number of slices that the network sees at once: the one to segment, and its neighbours if it uses them."""
        return 3 if self.context_mm else 1

    @property
    def channels(self) -> int:
        """Number of input channels: the slices, and right and left lung of the coarse view if there is one."""
        return self.slices + (2 if self.coarse_mm else 0)

    @property
    def coarse_factor(self) -> int:
        """Side of the pixel blocks that the coarse view averages."""
        return round(self.coarse_mm / self.spacing_mm)

    @property
    def coarse_size(self) -> tuple[int, int]:
        """(rows, columns) of the coarse view."""
        return self.size[0] // self.coarse_factor, self.size[1] // self.coarse_factor

    def _check_coarse(self) -> None:
        factor = self.coarse_factor
        if factor < 1 or abs(factor * self.spacing_mm - self.coarse_mm) > 1e-6 or any(s % factor for s in self.size):
            raise ConfigError(
                f"coarse_mm must be a multiple of spacing_mm ({self.spacing_mm}) that divides size {self.size}, got "
                f"{self.coarse_mm}."
            )
        if not self.context_mm:
            raise ConfigError("coarse_mm needs context_mm: a network that sees single slices has no coarse view.")
