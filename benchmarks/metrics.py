"""How fast all scores of a large pair are computed, beside SimpleITK's filters on the full volume.

    python benchmarks/metrics.py

Prints medians over rounds that alternate between the two, each in a fresh process, with the memory that it took and
the ratio. Both give for each lung and both together: overlap, volumes, Hausdorff distance, 95th percentiles and mean
surface distance; ours also the surface DSC, the DSC of each slice and the checks of `compare`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from peak_memory import own_peak_mb
from scipy import ndimage

from LungUNetSegLib.evaluation.compare import compare
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import Volume
from LungUNetSegLib.volume.resample import resample

SHAPE = (300, 512, 512)
ROUNDS = 3
Scores = dict[str, float]


def make_pair(path: Path) -> None:
    """Save a reference and a prediction whose edge wanders some millimetres about it."""
    rng = np.random.default_rng(0)
    coarse = make_phantom(phantom_geometry((100, 128, 128)), rng=0).labels
    wander = ndimage.gaussian_filter(rng.standard_normal(coarse.array.shape), 3)
    soft = ndimage.gaussian_filter((coarse.array > 0).astype(float), 1.0) + 0.2 * wander / wander.std()
    side = ndimage.maximum_filter(coarse.array, 5)
    edge = ndimage.maximum_filter(coarse.array > 0, 3) & ~ndimage.minimum_filter(coarse.array > 0, 3)
    moved = np.where(edge, np.where(soft > 0.5, side, 0), coarse.array).astype(np.uint8)
    fine = phantom_geometry(SHAPE)
    prediction = resample(Volume(moved, coarse.geometry), fine, "nearest")
    reference = resample(coarse, fine, "nearest")
    np.savez(path, prediction=prediction.array, reference=reference.array)


def ours(prediction: Volume, reference: Volume) -> Scores:
    """All scores by this library."""
    return {region.name: region.hd95_mm for region in compare(prediction, reference).regions}


def simpleitk(prediction: Volume, reference: Volume) -> Scores:
    """The scores by SimpleITK's filters, put together as its documentation does, on the full volume."""
    hd95_mm = {}
    for name, low, high in (("Right lung", 1, 1), ("Left lung", 2, 2), ("Lungs", 1, 2)):
        images = []
        for volume in (prediction, reference):
            image = sitk.BinaryThreshold(sitk.GetImageFromArray(volume.array), low, high)
            image.SetSpacing(volume.geometry.spacing_mm[::-1])
            images.append(image)
        sitk.LabelOverlapMeasuresImageFilter().Execute(*images)
        sitk.HausdorffDistanceImageFilter().Execute(*images)
        directed = []
        for image, other in (images, images[::-1]):
            distance_mm = sitk.Abs(sitk.SignedMaurerDistanceMap(other, squaredDistance=False, useImageSpacing=True))
            on_surface = sitk.GetArrayFromImage(sitk.LabelContour(image)) > 0
            directed.append(sitk.GetArrayViewFromImage(distance_mm)[on_surface])
        hd95_mm[name] = max(float(np.percentile(each, 95)) for each in directed)
        np.concatenate(directed).mean()
    return hd95_mm


def measure(method: Callable[[Volume, Volume], Scores], path: Path) -> tuple[float, float, Scores]:
    """Return the seconds and MB that a method took on the saved pair, and what it found."""
    with np.load(path) as pair:
        prediction, reference = (Volume(pair[name], phantom_geometry(SHAPE)) for name in ("prediction", "reference"))
    started = time.perf_counter()
    scores = method(prediction, reference)
    seconds = time.perf_counter() - started
    return seconds, own_peak_mb(), scores


def main() -> None:
    """Measure in turns and print."""
    methods = {"LungUNetSegLib": ours, "SimpleITK, full volume": simpleitk}
    results: dict[str, list[tuple[float, float, Scores]]] = {name: [] for name in methods}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.npz"
        make_pair(path)
        for _ in range(ROUNDS):
            for name, method in methods.items():
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
                    results[name].append(fresh.submit(measure, method, path).result())
    print(f"All scores of a pair of {' x '.join(map(str, SHAPE))}, median of {ROUNDS} rounds")
    for name, runs in results.items():
        seconds, megabytes = (statistics.median(run[place] for run in runs) for place in (0, 1))
        found = ", ".join(f"{region} {value:.2f}" for region, value in runs[0][2].items())
        print(f"{name:24} {seconds:6.2f} s  {megabytes:6.0f} MB in all  HD95 in mm: {found}")
    medians = [statistics.median(run[0] for run in results[name]) for name in methods]
    print(f"ratio {medians[1] / medians[0]:.1f}")


if __name__ == "__main__":
    main()
