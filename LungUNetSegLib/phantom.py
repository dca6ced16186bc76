"""Makes a synthetic thorax from a seed: for tests, benchmarks, and the demo without a sample.

The body is drawn once on a coarse grid in the patient's frame and then sampled onto any geometry, so an oblique,
flipped or anisotropic scan shows the same patient. The heart, the stomach's gas and the lower left dome lie on the
patient's left, the liver on the right, so that swapped sides are detected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume
from LungUNetSegLib.volume.resample import resample

Point = tuple[float, float, float]

BODY_MM = (340.0, 330.0, 400.0)
"""Extent of the drawing along (z, y, x): the thorax, the table and surrounding air."""

DRAWING_STEP_MM = 2.5
EDGE_BLUR_MM = 1.8
"""Gaussian sigma of all edges, for a scanner's point spread and partial volumes."""

HEAD_NOISE_HU = 5.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic scan and its true labels.

    Attributes:
        ct: int16 HU.
        labels: uint8 on the same grid; 1 = right lung, 2 = left. Tumour and consolidation are lung, effusion is not.
    """

    ct: Volume
    labels: Volume


def phantom_geometry(
    shape: tuple[int, int, int] = (60, 128, 128),
    *,
    oblique_degrees: float = 0.0,
    axes: tuple[int, int, int] = (0, 1, 2),
    flips: tuple[bool, bool, bool] = (False, False, False),
) -> Geometry:
    """Return a grid that holds the phantom's thorax.

    Args:
        shape: (D, H, W) before reordering; the spacings follow, so that the grid covers the whole body.
        oblique_degrees: Rotation about the patient's left-right axis, then half as much about the vertical one.
        axes: Order in which the axes (slice, row, column) are stored.
        flips: Which of the stored axes run backwards.
    """
    spacing_mm = tuple(extent / size for extent, size in zip(BODY_MM, shape, strict=True))
    origin = tuple(-(size - 1) / 2 * step for size, step in zip(shape[::-1], spacing_mm[::-1], strict=True))
    straight = Geometry.axial(shape, (spacing_mm[0], spacing_mm[1], spacing_mm[2]), (origin[0], origin[1], origin[2]))
    turn = np.eye(4)
    tilt, yaw = np.radians(oblique_degrees), np.radians(oblique_degrees / 2)
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    about_z = [[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]]
    turn[:3, :3] = np.array(about_z) @ np.array(about_x)
    return Geometry(shape, turn @ straight.affine_lps).reordered(axes, flips)


def make_phantom(
    geometry: Geometry | None = None,
    *,
    rng: np.random.Generator | int = 0,
    tumour: bool = False,
    effusion: bool = False,
    consolidation: bool = False,
    noise_hu: float = 15.0,
) -> Phantom:
    """Return a synthetic chest CT with its lung labels.

    Args:
        geometry: Grid of the scan; `phantom_geometry()` if absent.
        rng: Generator or seed: shape of the body, vessels, position of lesions, noise.
        tumour: A mass of 30 to 50 mm in one lung, touching the chest wall.
        effusion: Fluid in the back of one pleural space; it is not lung.
        consolidation: The lower back of one lung is airless, with open bronchi.
        noise_hu: Standard deviation of the scanner's noise.
    """
    rng = np.random.default_rng(rng)
    body = _draw_thorax(rng, tumour, effusion, consolidation)
    return _scan(body, geometry or phantom_geometry(), rng, noise_hu)


def make_head(
    geometry: Geometry | None = None,
    *,
    rng: np.random.Generator | int = 0,
    holder: bool = False,
) -> Phantom:
    """Return a synthetic head CT: skull, brain, air in sinuses and mouth, no lung anywhere.

    With `holder` it lies in a shell of foam and carbon, which encloses some air as a chest wall would.
    """
    rng = np.random.default_rng(rng)
    drawing = _Drawing(rng)
    drawing.fill(drawing.ellipsoid((0, 0, 40), (78, 98, 110)), 45)
    drawing.fill(drawing.ellipsoid((0, 0, 40), (73, 93, 105)), 900)
    drawing.fill(drawing.ellipsoid((0, 0, 40), (66, 86, 98)), 35)
    drawing.fill(drawing.tube((0, 10, -180), (0, 20, 0), 55), 45)
    drawing.fill(drawing.tube((0, -5, -180), (0, -20, -40), 9), -1000)
    for x in (-25, 25):
        drawing.fill(drawing.ellipsoid((x, -65, 0), (14, 14, 18)), -1000)
    if holder:
        radius = np.sqrt(drawing.x**2 + (drawing.y - 10) ** 2) + np.zeros_like(drawing.z)
        lies_in_it = (drawing.y > -40) & (drawing.z > -60)
        drawing.fill((np.abs(radius - 125) < 4.5) & lies_in_it, -200)
        drawing.fill((np.abs(radius - 132) < 2.5) & lies_in_it, 100)
    return _scan(drawing.finished({}), geometry or phantom_geometry(), rng, HEAD_NOISE_HU)


@dataclass(frozen=True, eq=False)
class _Body:
    """A drawing with its edges blurred: int16 HU, and each lung's share of a voxel by its label, in 200ths, uint8."""

    hu: Volume
    shares: dict[int, Volume]


def _draw_thorax(rng: np.random.Generator, tumour: bool, effusion: bool, consolidation: bool) -> _Body:
    drawing = _Drawing(rng)
    drawing.draw_body()
    lungs = drawing.draw_lungs()
    if effusion:
        drawing.draw_effusion(lungs)
    drawing.draw_vessels(lungs)
    if tumour:
        drawing.draw_tumour(lungs)
    if consolidation:
        drawing.draw_consolidation(lungs)
    return drawing.finished(lungs)


def _scan(body: _Body, geometry: Geometry, rng: np.random.Generator, noise_hu: float) -> Phantom:
    """Sample a body onto `geometry` and add noise; edges of CT and labels coincide."""
    hu = resample(body.hu, geometry, "linear", AIR_HU).array
    labels = np.zeros(geometry.shape, np.uint8)
    for label, share in body.shares.items():
        labels[resample(share, geometry, "linear", 0).array >= 100] = label
    noisy = np.empty(geometry.shape, np.int16)
    for index, plane in enumerate(hu):
        noise = rng.standard_normal(plane.shape, np.float32) * np.float32(noise_hu)
        noisy[index] = np.clip(np.rint(plane + noise), AIR_HU, 3071)
    return Phantom(Volume(noisy, geometry), Volume(labels, geometry))


class _Drawing:
    """A coarse drawing in HU, in which later structures overwrite earlier ones; points are (x, y, z) LPS mm."""

    def __init__(self, rng: np.random.Generator) -> None:
        shape = tuple(round(extent / DRAWING_STEP_MM) for extent in BODY_MM)
        low = tuple(-extent / 2 for extent in BODY_MM[::-1])
        step = (DRAWING_STEP_MM,) * 3
        self.rng = rng
        self.geometry = Geometry.axial((shape[0], shape[1], shape[2]), step, (low[0], low[1], low[2]))
        self.hu = np.full(self.geometry.shape, -1000, np.float32)
        z, y, x = (low[2 - axis] + DRAWING_STEP_MM * np.arange(shape[axis], dtype=np.float32) for axis in range(3))
        self.z, self.y, self.x = z[:, None, None], y[None, :, None], x[None, None, :]
        self.girth = rng.uniform(0.95, 1.05)

    def fill(self, mask: Mask, hu: float) -> None:
        """Draw one structure."""
        self.hu[mask] = hu

    def finished(self, lungs: dict[int, Mask]) -> _Body:
        """Return what was drawn, all edges smoothed."""
        shares = {label: np.rint(200 * self._blur(mask.astype(np.float32))) for label, mask in lungs.items()}
        return _Body(
            hu=Volume(np.rint(self._blur(self.hu)).astype(np.int16), self.geometry),
            shares={label: Volume(share.astype(np.uint8), self.geometry) for label, share in shares.items()},
        )

    def _blur(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        smooth: npt.NDArray[np.float32] = ndimage.gaussian_filter(values, EDGE_BLUR_MM / DRAWING_STEP_MM, truncate=3.0)
        return smooth

    def ellipsoid(self, centre: Point, radii: Point) -> Mask:
        """Return the voxels within an ellipsoid along the body's axes."""
        box, grids = self._near(np.subtract(centre, radii), np.add(centre, radii))
        terms = (((grid - c) / r) ** 2 for grid, c, r in zip(grids, centre, radii, strict=True))
        inside = np.zeros(self.hu.shape, bool)
        inside[box] = sum(terms) <= 1
        return inside

    def tube(self, start: Point, end: Point, radius: float) -> Mask:
        """Return the voxels within `radius` mm of the line from `start` to `end`."""
        box, grids = self._near(np.minimum(start, end) - radius, np.maximum(start, end) + radius)
        along = np.subtract(end, start).astype(np.float32)
        points = [grid - np.float32(first) for grid, first in zip(grids, start, strict=True)]
        share = np.clip(sum(p * a for p, a in zip(points, along, strict=True)) / np.dot(along, along), 0, 1)
        inside = np.zeros(self.hu.shape, bool)
        inside[box] = sum((p - share * a) ** 2 for p, a in zip(points, along, strict=True)) <= radius**2
        return inside

    def _near(self, low: npt.ArrayLike, high: npt.ArrayLike) -> tuple[tuple[slice, ...], list[npt.NDArray[np.float32]]]:
        """Return the part of the drawing between two corners (x, y, z), and its open grids x, y, z, for speed."""
        box, grids = [], []
        for axis, grid in enumerate((self.x, self.y, self.z)):
            start, stop = np.searchsorted(grid.ravel(), (np.array(low)[axis], np.array(high)[axis]))
            box.append(slice(start, stop))
            grids.append(np.take(grid, np.arange(start, stop), axis=2 - axis))
        return tuple(box[::-1]), grids

    def draw_body(self) -> None:
        """Draw skin, fat, muscle, bones and the table; the chest is filled with mediastinal tissue."""
        wide, deep = 172 * self.girth, 118 * self.girth
        across = (self.x / wide) ** 2 + (self.y / deep) ** 2
        shell = np.sqrt(across)
        always = np.ones_like(self.z, bool)
        table = (self.y > 128) & (self.y < 140) & (np.abs(self.x) < 190)
        self.fill(table & always, -650)
        self.fill((shell <= 1) & always, -95)
        self.fill((shell <= 0.92) & always, 50)
        slope = 0.35 * (self.y + 90)  # ribs descend from the spine to the front
        for level in range(-150, 150, 26):
            height = np.abs(self.z - level - slope)
            self.fill((np.abs(shell - 0.86) < 0.025) & (height < 5), 420)
        self.fill(self.tube((0, 82, -200), (0, 82, 200), 17), 230)
        self.fill(self.tube((0, 100, -200), (0, 100, 200), 8), 30)
        self.fill(self.tube((0, -96, -40), (0, -92, 90), 8), 300)

    def draw_lungs(self) -> dict[int, Mask]:
        """Carve both lungs around heart, great vessels and airways, above liver and stomach."""
        size = self.rng.uniform(0.94, 1.06, 2)
        right = self.ellipsoid((-78, 0, 0), (62 * size[0], 86, 135))
        left = self.ellipsoid((78, 4, 0), (58 * size[1], 82, 130))
        right &= self.z > self._dome(-75, self.rng.uniform(-62, -50))
        left &= self.z > self._dome(75, self.rng.uniform(-78, -66))
        beat = self.rng.uniform(0.95, 1.05)
        heart = self.ellipsoid((32, -28, -38), (62 * beat, 50 * beat, 58 * beat))
        middle = self.tube((0, -5, -150), (0, 10, 150), 26) | self.tube((18, 48, -160), (18, 48, 60), 14)
        ribs = self.hu > 150
        lungs = {RIGHT_LUNG: right & ~heart & ~middle & ~ribs, LEFT_LUNG: left & ~heart & ~middle & ~ribs}
        for mask in lungs.values():
            base = self.rng.uniform(-880, -820)
            self.hu[mask] = base
            # Gravity: the back of a supine patient's lung is denser.
            self.hu += np.where(mask, 0.6 * (self.y + 80), 0).astype(np.float32)
        self.fill(heart, 60)
        self.fill(self.tube((18, 48, -170), (18, 48, 60), 11), 140)
        self.fill(self.ellipsoid((80, -20, -125), (38, 35, 22)), -980)
        for end in ((-38, 18, 5), (40, 18, 0)):
            bronchus = self.tube((0, 14, 35), (end[0], end[1], end[2]), 6)
            lungs[RIGHT_LUNG] &= ~bronchus
            lungs[LEFT_LUNG] &= ~bronchus
            self.fill(bronchus, -1000)
        self.fill(self.tube((0, 14, 35), (0, 0, 200), 9), -1000)
        return lungs

    def draw_vessels(self, lungs: dict[int, Mask]) -> None:
        """Draw vessels that fan out from each hilum; they belong to the lung."""
        for label, hilum in ((RIGHT_LUNG, (-40.0, 18.0, -5.0)), (LEFT_LUNG, (42.0, 20.0, -5.0))):
            inside = np.argwhere(lungs[label])
            for _ in range(24):
                tip = self.geometry.to_lps(inside[self.rng.integers(len(inside))])
                vessel = self.tube(hilum, (tip[0], tip[1], tip[2]), self.rng.uniform(1.6, 3.2))
                self.fill(vessel & lungs[label], 40)

    def draw_tumour(self, lungs: dict[int, Mask]) -> None:
        """Draw a mass at the outer wall of one lung; all of it is lung."""
        label, side = self._side()
        centre = (side * 112 * self.girth, self.rng.uniform(-20, 30), self.rng.uniform(0, 50))
        radius = self.rng.uniform(15, 25)
        self.fill(self.ellipsoid(centre, (radius, radius, radius)) & lungs[label], 45)

    def draw_effusion(self, lungs: dict[int, Mask]) -> None:
        """Fill the back of one pleural space with fluid, which replaces lung."""
        label, _ = self._side()
        fluid = lungs[label] & (self.y > self.rng.uniform(30, 45)) & (self.z < self.rng.uniform(10, 60))
        self.fill(fluid, 12)
        lungs[label] &= ~fluid

    def draw_consolidation(self, lungs: dict[int, Mask]) -> None:
        """Fill the lower back of one lung, leaving open bronchi in it."""
        label, side = self._side()
        airless = lungs[label] & self.ellipsoid((side * 85, 55, -40), (50, 45, 45))
        self.fill(airless, 35)
        for depth in (35, 50):
            self.fill(self.tube((side * 50, depth, -20), (side * 100, depth + 12, -45), 2.5) & airless, -900)

    def _side(self) -> tuple[int, int]:
        """Return the label of a random lung, and the sign of its x."""
        return (RIGHT_LUNG, -1) if self.rng.random() < 0.5 else (LEFT_LUNG, 1)

    def _dome(self, x: float, top: float) -> npt.NDArray[np.floating]:
        """Return the height of one half of the diaphragm over (y, x)."""
        return top - ((self.x - x) ** 2 + (self.y - 5) ** 2) / 140
