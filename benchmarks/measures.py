"""Time and memory of the density numbers of the largest scan, and what thicker slices do to them.

    python benchmarks/measures.py [SCAN MASK]

Prints wall and CPU time of measuring two lungs of 4.8 litres each in 300 x 512 x 512 voxels, and the memory above scan
and labels. With a scan and its lungs it also averages neighbouring slices into thicker ones, as a scanner's thicker
reconstruction does, and resamples the scan to slices of 1, 2 and 3 mm, and prints the numbers of each.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from peak_memory import own_peak_mb

from LungUNetSegLib.io import read_labels, read_scan
from LungUNetSegLib.measures import measure_lungs
from LungUNetSegLib.measures.aorta import descending_aorta
from LungUNetSegLib.measures.density_map import density_map
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import resample

SHAPE, SPACING_MM = (300, 512, 512), (1.0, 0.7, 0.7)
RADII_MM = (140.0, 110.0, 75.0)
REPEATS = 5
SHOWN = ("laa950_percent", "laa910_percent", "laa856_percent", "haa_percent", "perc15_hu", "mean_hu", "sd_hu", "mass_g")


def largest_lungs() -> tuple[Volume, Volume]:
    """Return labels and scan of two ellipsoids with a trachea between them, drawn slice by slice."""
    labels, hu = np.zeros(SHAPE, np.uint8), np.full(SHAPE, 40, np.int16)
    rng = np.random.default_rng(0)
    z, y, x = (step * (np.arange(size) - size / 2) for size, step in zip(SHAPE, SPACING_MM, strict=True))
    for number, height in enumerate(z):
        for label, middle in ((1, -85.0), (2, 85.0)):
            centred = (height, y[:, None], x[None, :] - middle)
            inside = sum((each / radius) ** 2 for each, radius in zip(centred, RADII_MM, strict=True)) <= 1
            labels[number][inside] = label
            hu[number][inside] = rng.normal(-850, 80, np.count_nonzero(inside)).clip(-1024)
        hu[number][y[:, None] ** 2 + x[None, :] ** 2 <= 64] = -1000
    geometry = Geometry.axial(SHAPE, SPACING_MM)
    return Volume(labels, geometry), Volume(hu, geometry)


def print_cost() -> None:
    """Print what measuring the largest lungs costs."""
    labels, scan = largest_lungs()
    before_mb = own_peak_mb()
    for _ in range(REPEATS):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        measures = measure_lungs(labels, scan)
        print(f"{time.perf_counter() - wall_s:.2f} s, {time.process_time() - cpu_s:.2f} s of CPU")
    above_mb = own_peak_mb() - before_mb
    for _ in range(REPEATS):
        cpu_s = time.process_time()
        descending_aorta(labels, scan)
        print(f"search for the aorta, as a part of it: {time.process_time() - cpu_s:.2f} s of CPU")
    for _ in range(REPEATS):
        cpu_s = time.process_time()
        density_map(labels, scan)
        print(f"map of local density: {time.process_time() - cpu_s:.2f} s of CPU")
    map_mb = own_peak_mb() - before_mb
    size = f"{measures.volumes_ml['total']:.0f} ml, {np.count_nonzero(labels.array)} voxels"
    print(f"{size}: {above_mb:.0f} MB, with the map {map_mb:.0f} MB")


def averaged(volume: Volume, slices: int) -> Volume:
    """Return a volume whose slices are the means of so many of the given one's."""
    count = len(volume.array) // slices
    parts = volume.array[: count * slices].reshape(count, slices, *volume.array.shape[1:])
    affine = np.array(volume.geometry.affine_lps)
    affine[:3, 3] += affine[:3, 0] * (slices - 1) / 2
    affine[:3, 0] *= slices
    array = np.rint(parts.mean(axis=1, dtype=np.float32)).astype(volume.array.dtype)
    return Volume(array, Geometry((count, *volume.array.shape[1:]), affine))


def resliced(volume: Volume, slice_mm: float) -> Geometry:
    """Return the grid of a volume with slices of another distance."""
    affine = np.array(volume.geometry.affine_lps)
    factor = slice_mm / volume.geometry.spacing_mm[0]
    affine[:3, 0] *= factor
    return Geometry((int((len(volume.array) - 1) / factor) + 1, *volume.array.shape[1:]), affine)


def print_row(name: str, labels: Volume, scan: Volume) -> None:
    """Print the numbers of a scan, of both lungs together."""
    density = measure_lungs(labels, scan).density["total"]
    print(f"| {name} | " + " | ".join(f"{(density or {})[key]:.2f}" for key in SHOWN) + " |")


def print_invariance(scan: Volume, labels: Volume) -> None:
    """Print the numbers of thicker and of resampled slices."""
    scan, labels = scan.canonical(), labels.canonical()
    own_mm = scan.geometry.spacing_mm[0]
    print("| slices | " + " | ".join(SHOWN) + " |")
    print_row(f"{own_mm:.3g} mm, as scanned", labels, scan)
    for slices in range(2, int(5.1 / own_mm) + 1):
        thick = averaged(scan, slices)
        print_row(f"{slices * own_mm:.3g} mm, mean", resample(labels, thick.geometry, "nearest"), thick)
    for slice_mm in (1.0, 2.0, 3.0):
        grid = resliced(scan, slice_mm)
        print_row(f"{slice_mm:g} mm, resampled", resample(labels, grid, "nearest"), resample(scan, grid, "linear"))


def main() -> None:
    """Print everything."""
    print_cost()
    if len(sys.argv) == 3:
        print_invariance(read_scan(Path(sys.argv[1])).volume, read_labels(Path(sys.argv[2])))


if __name__ == "__main__":
    main()
