"""From a scan to what the network sees, and the way back.

Training and inference share this file, so that a network never sees in use what it did not see in training.
Slices are brought to one physical pixel size around the middle of the body; their number and thickness stay the
scan's own. `NetworkGrid` remembers how, and brings probabilities back onto the scan's grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.resample import interpolation_matrix, resample
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume, restore_axes, to_hu

OBLIQUE_DEGREES = 5.0
"""Beyond this tilt a scan is resampled along the body's axes first; below it the network takes slices as they are."""

SLICES_AT_ONCE = 16
"""Sampled and given to the network together: what bounds the memory, and the steps of the progress."""

BODY_HU = -300
"""Above this a voxel is body (or table) rather than air or lung; only the middle of the body is taken from it."""


@dataclass(frozen=True, kw_only=True)
class PreprocessConfig:
    """The network's grid and intensities.

    Attributes:
        spacing_mm: Pixel size of the network's slices, the same along rows and columns.
        size: (height, width) of the network's slices, in pixels.
        window_hu: HU values that become -1 and +1; what lies outside is clipped.
        context_mm: How far above and below each slice the two neighbours lie that the network sees with it; 0 for
            none.
        coarse_mm: Voxel size of the coarse view of the whole scan, a multiple of `spacing_mm`, whose right and left
            lung the network is shown beside the slices (coarse.py); 0 for none.
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
        """Slices that the network sees at once: the one to segment, between its neighbours if it has any."""
        return 3 if self.context_mm else 1

    @property
    def channels(self) -> int:
        """The network's input channels: the slices, then the coarse view's right and left lung if there is one."""
        return self.slices + (2 if self.coarse_mm else 0)

    @property
    def coarse_factor(self) -> int:
        """Side of the blocks of pixels that the coarse view joins."""
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
            raise ConfigError("coarse_mm needs context_mm: a network that sees slices alone has no view of the scan.")


@dataclass(frozen=True, eq=False)
class NetworkGrid:
    """Where the network's slices lie on a scan.

    Attributes:
        scan: The scan's own grid.
        aligned: The scan's grid with axes (head, back, left): the same voxels reordered, or, for an oblique scan,
            a new grid along the body's axes.
        config: Pixel size and size of the network's slices.
        start_mm: Position of the network's pixel (0, 0) from the aligned grid's, along (row, column).
    """

    scan: Geometry
    aligned: Geometry
    config: PreprocessConfig
    start_mm: tuple[float, float]

    @property
    def geometry(self) -> Geometry:
        """The network's slices as a grid in the patient: (D, h, w)."""
        shape = (self.aligned.shape[0], *self.config.size)
        affine = np.array(self.aligned.affine_lps)
        row, column = (self.start_mm[axis] / self.aligned.spacing_mm[axis + 1] for axis in (0, 1))
        affine[:3, 3] = self.aligned.to_lps((0, row, column))
        affine[:3, 1:3] = self.aligned.directions[:, 1:] * self.config.spacing_mm
        return Geometry(shape, affine)

    def sample(self, aligned: npt.NDArray[np.generic], fill: float) -> npt.NDArray[np.float32]:
        """Bring (D, H, W) values on the aligned grid to (D, h, w) on the network's; `fill` outside the scan."""
        rows, columns = self._matrices(back=False)
        result = np.empty((aligned.shape[0], *self.config.size), np.float32)
        for plane, sampled in zip(aligned, result, strict=True):
            # Outside the scan both matrices are zero, which here stands for `fill`.
            sampled[:] = rows @ (plane.astype(np.float32) - np.float32(fill)) @ columns.T
        result += np.float32(fill)
        return result

    def unsample(self, planes: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Bring (n, h, w) values on the network's grid back to (n, H, W) on the aligned one; 0 outside."""
        rows, columns = self._matrices(back=True)
        result = np.empty((planes.shape[0], *self.aligned.shape[1:]), np.float32)
        for plane, restored in zip(planes, result, strict=True):
            # Columns first: what scipy transposes in between is then the smaller of the two.
            restored[:] = rows @ (plane.astype(np.float32) @ columns.T)
        return result

    def to_scan(self, labels: npt.NDArray[np.uint8]) -> Volume:
        """Bring (D, H, W) labels on the aligned grid back to the scan's own grid."""
        if self.is_oblique:
            return resample(Volume(labels, self.aligned), self.scan, "nearest")
        return Volume(np.ascontiguousarray(restore_axes(labels, self.scan)), self.scan)

    @property
    def is_oblique(self) -> bool:
        """Whether the scan was resampled along the body's axes."""
        return self.scan.obliquity_degrees > OBLIQUE_DEGREES

    def _matrices(self, back: bool) -> tuple[sparse.csr_array, sparse.csr_array]:
        """The rows' and the columns' interpolation; sparse, as each sample has but a few neighbours (10x the speed)."""
        pair = []
        for axis in (0, 1):
            size, spacing_mm = self.aligned.shape[axis + 1], self.aligned.spacing_mm[axis + 1]
            net_size, net_mm, start_mm = self.config.size[axis], self.config.spacing_mm, self.start_mm[axis]
            if back:
                weights = interpolation_matrix(net_size, net_mm, size, spacing_mm, -start_mm)
            else:
                weights = interpolation_matrix(size, spacing_mm, net_size, net_mm, start_mm)
            pair.append(sparse.csr_array(weights))
        return pair[0], pair[1]


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """A scan as the network sees it.

    Attributes:
        volume: The scan itself, int16 HU.
        aligned: The same with axes (head, back, left).
        grid: The network's slices in it.
        hu: (D, h, w) int16; the slices on the network's grid, sampled as `batches` goes, or before where the whole
            scan is looked at first.
    """

    volume: Volume
    aligned: Volume
    grid: NetworkGrid
    hu: npt.NDArray[np.int16]

    def batches(self) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
        """Yield a few slices at a time, in order: which they are, and (n, slices, h, w) normalised HU."""
        depth, config = len(self.hu), self.grid.config
        seen = slices_seen(depth, self.aligned.geometry.spacing_mm[0], config)
        sampled = depth if config.coarse_mm else 0
        for chunk in chunks(depth):
            needed = max(sampled, int(seen[chunk].max()) + 1)
            self.hu[sampled:needed] = np.rint(self.grid.sample(self.aligned.array[sampled:needed], AIR_HU))
            sampled = needed
            yield chunk, normalise(self.hu[seen[chunk]], config)


def prepare(volume: Volume, config: PreprocessConfig) -> PreparedScan:
    """Bring a scan in HU, of any type, orientation and spacing, to the network's grid.

    Sampling waits for `batches`, unless the whole scan is looked at first.
    """
    volume = volume if volume.array.dtype == np.int16 else Volume(to_hu(volume.array), volume.geometry)
    aligned, grid = place_grid(volume, config)
    hu = np.empty((aligned.geometry.shape[0], *config.size), np.int16)
    if config.coarse_mm:
        for chunk in chunks(len(hu)):
            hu[chunk] = np.rint(grid.sample(aligned.array[chunk], AIR_HU))
    return PreparedScan(volume, aligned, grid, hu)


def chunks(depth: int) -> Iterator[slice]:
    """Yield the slices of a scan, `SLICES_AT_ONCE` at a time."""
    for start in range(0, depth, SLICES_AT_ONCE):
        yield slice(start, min(start + SLICES_AT_ONCE, depth))


def align(volume: Volume, fill: float) -> Volume:
    """Return `volume` with axes (head, back, left): reordered, or resampled when it is oblique."""
    if volume.geometry.obliquity_degrees <= OBLIQUE_DEGREES:
        return volume.canonical()
    return resample(volume, _along_body_axes(volume.geometry), "linear", fill)


def place_grid(volume: Volume, config: PreprocessConfig) -> tuple[Volume, NetworkGrid]:
    """Align a scan in HU and centre the network's grid on its body.

    Returns:
        The aligned scan (a view unless oblique), and the grid whose `sample` gives the network's slices.
    """
    aligned = align(volume, AIR_HU)
    middle = _body_middle(aligned)
    start_mm = tuple(middle[a] - (config.size[a] - 1) / 2 * config.spacing_mm for a in (0, 1))
    return aligned, NetworkGrid(volume.geometry, aligned.geometry, config, (start_mm[0], start_mm[1]))


def normalise(hu: npt.NDArray[np.generic], config: PreprocessConfig) -> npt.NDArray[np.float32]:
    """Map HU to [-1, 1] linearly over ``config.window_hu``, clipping what lies outside."""
    low, high = config.window_hu
    scaled = hu.astype(np.float32)
    scaled -= np.float32((low + high) / 2)
    scaled *= np.float32(2 / (high - low))
    return np.clip(scaled, -1, 1, out=scaled)


def slices_seen(depth: int, slice_mm: float, config: PreprocessConfig) -> npt.NDArray[np.int64]:
    """Return (depth, config.slices) numbers of the slices that the network sees for each slice of a scan.

    The order is towards the head. Beyond the scan's ends its last slice is repeated; slices that lie further apart
    than twice `context_mm`, and a single one, are seen alone, repeated in the neighbours' place.
    """
    return seen_with(np.arange(depth), depth, neighbour_step(slice_mm, config), config)


def seen_with(numbers: npt.NDArray[np.int64], depth: int, step: int, config: PreprocessConfig) -> npt.NDArray[np.int64]:
    """Return (n, config.slices) numbers of the slices seen for n slices, the neighbours `step` slices away."""
    offsets = (-step, 0, step) if config.slices == 3 else (0,)
    return np.add.outer(numbers, offsets).clip(0, depth - 1)


def neighbour_step(slice_mm: float, config: PreprocessConfig) -> int:
    """Return by how many slices the neighbours that the network sees are away."""
    return nearest_step(config.context_mm, slice_mm)


def nearest_step(distance_mm: float, slice_mm: float) -> int:
    """Return the number of slices nearest to a distance; a half rounds up."""
    return math.floor(distance_mm / slice_mm + 0.5 + 1e-4)  # whatever a file's float32 made of the spacing


def _body_middle(aligned: Volume) -> tuple[float, float]:
    """(row, column) distance in mm from voxel (0, 0) to the centre of mass of the body; the grid's if all is air."""
    spacing_mm = aligned.geometry.spacing_mm
    steps = tuple(max(1, round(6.0 / each)) for each in spacing_mm)
    body = aligned.array[:: steps[0], :: steps[1], :: steps[2]] > BODY_HU
    middle = []
    for axis in (1, 2):
        profile = body.sum(axis=tuple({0, 1, 2} - {axis}))
        positions_mm = np.arange(profile.size) * steps[axis] * spacing_mm[axis]
        if profile.sum():
            middle.append(float(np.average(positions_mm, weights=profile)))
        else:
            middle.append((aligned.geometry.shape[axis] - 1) * spacing_mm[axis] / 2)
    return middle[0], middle[1]


def _along_body_axes(geometry: Geometry) -> Geometry:
    """The smallest grid along (head, back, left) that holds every voxel of `geometry`, at its spacings."""
    axes, _ = geometry.canonical_axes()
    spacing_mm = np.array(geometry.spacing_mm)[list(axes)]
    corners = geometry.corners_lps()
    low, extent_mm = corners.min(axis=0), np.ptp(corners, axis=0)
    shape = tuple(int(np.ceil(size - 1e-6)) + 1 for size in extent_mm[::-1] / spacing_mm)
    return Geometry.axial((shape[0], shape[1], shape[2]), tuple(spacing_mm), tuple(low))
