"""What the kinds are made of and held against: a small thorax with its masks, and how readings are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.masks.read import read_mask
from LungUNetSegLib.phantom import Phantom, make_phantom
from LungUNetSegLib.volume import Geometry, Volume

SHARE = 0.002
"""By so much a right mask's Dice coefficient may lie under 1, and a right volume off the clean one's."""

PLACE_MM = 0.05
MEAN_HU = 0.5

STEP_MM = 10.0
SHAPE = (13, 24, 28)


@dataclass(frozen=True)
class Trial:
    """What came of a reading.

    Attributes:
        codes: Of the findings.
        fault: What differs from the clean result; empty if nothing does, or nothing was compared.
    """

    codes: tuple[str, ...] = ()
    fault: str = ""


@cache
def thorax(seed: int = 1, low_mm: float = -60.0, slices: int = 13, pixels: int = 1) -> Phantom:
    """Return 13 slices of 10 mm around the heart; few pixels, so that hundreds of scans are quickly written.

    Args:
        seed: Whose thorax it is.
        low_mm: Height of the lowest slice.
        slices: How many.
        pixels: By how much its pixels are finer than 12 mm.
    """
    shape, pixel_mm = (slices, SHAPE[1] * pixels, SHAPE[2] * pixels), 12.0 / pixels
    phantom = make_phantom(Geometry.axial(shape, (STEP_MM, pixel_mm, pixel_mm), (-165.0, -141.0, low_mm)), rng=seed)
    for volume in (phantom.ct, phantom.labels):
        volume.array.setflags(write=False)
    return phantom


class Bench:
    """A folder to make an input in, and what it is compared with.

    Args:
        folder: Empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def ct(self) -> Volume:
        """The clean scan, int16 HU."""
        return thorax().ct

    @property
    def labels(self) -> Volume:
        """The clean reference on a finer grid: 1 right, 2 left lung."""
        return thorax(pixels=2).labels

    @property
    def fine(self) -> Volume:
        """The clean scan that the reference belongs to."""
        return thorax(pixels=2).ct

    def scan(self, source: Any, expected: Volume | None = None, mean_hu: float = MEAN_HU, **how: Any) -> Trial:
        """Read a scan and compare it."""
        found = read_scan(source, **how)
        return Trial(codes_of(found.findings), "" if expected is None else scan_fault(found.volume, expected, mean_hu))

    def mask(
        self, path: Path, expected: Volume | None = None, *, reference: Geometry | None = None, **how: Any
    ) -> Trial:
        """Read a mask and compare it; on its own grid where no reference is given."""
        found = read_mask(path, reference, **how)
        return Trial(codes_of(found.findings), "" if expected is None else mask_fault(found.labels, expected))

    def holds(self, fact: bool, fault: str, codes: Iterable[str] = ()) -> Trial:
        """Say whether what must be true is."""
        return Trial(tuple(codes), "" if fact else fault)

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


def scan_fault(found: Volume, expected: Volume, mean_hu: float = MEAN_HU) -> str:
    """Return what of a scan differs in values, place or sides, "" if nothing."""
    found, expected = found.canonical(), expected.canonical()
    if found.array.shape != expected.array.shape:
        return f"its shape is {found.array.shape} instead of {expected.array.shape}"
    off_mm = float(np.abs(found.geometry.corners_lps() - expected.geometry.corners_lps()).max())
    if off_mm > PLACE_MM:
        return f"it lies {off_mm:.2f} mm off, of spacing {found.geometry.spacing_mm}"
    off_hu = float(np.abs(found.array.astype(float) - expected.array).mean())
    return f"its values are {off_hu:.1f} HU off on average" if off_hu > mean_hu else ""


def mask_fault(found: Volume, expected: Volume) -> str:
    """Return what of a mask differs, side by side, "" if no more than `SHARE`."""
    faults = []
    for side, name in ((1, "right"), (2, "left")):
        volumes = [np.count_nonzero(v.array == side) * v.geometry.voxel_volume_ml for v in (found, expected)]
        if abs(volumes[0] - volumes[1]) > SHARE * max(volumes[1], 1):
            faults.append(f"the {name} lung has {volumes[0]:.0f} ml instead of {volumes[1]:.0f}")
        if found.geometry.matches(expected.geometry, PLACE_MM):
            both = np.count_nonzero((found.array == side) & (expected.array == side))
            count = sum(np.count_nonzero(v.array == side) for v in (found, expected))
            if count and 2 * both / count < 1 - SHARE:
                faults.append(f"the {name} lung's DSC is {2 * both / count:.3f}")
        else:
            places = [_centre(v, side) for v in (found, expected)]
            if all(place is not None for place in places) and np.abs(places[0] - places[1]).max() > 1.0:
                faults.append(f"the {name} lung lies {np.abs(places[0] - places[1]).max():.1f} mm off")
    return ", ".join(faults)


def _centre(volume: Volume, side: int) -> Any:
    voxels = np.argwhere(volume.array == side)
    return volume.geometry.to_lps(voxels).mean(axis=0) if len(voxels) else None


def codes_of(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.code for finding in findings))


Change = Callable[[Any], object]
