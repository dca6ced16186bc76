"""What other programs give for the same pairs of masks: the table of docs/metrics.md.

    python -m venv other && other/bin/pip install -r benchmarks/other_metrics.txt
    PYTHONPATH=. other/bin/python benchmarks/other_metrics.py

In an environment of its own, since the programs ask for versions of numpy that are not ours. Each is called as its
documentation says, with its defaults. Prints Markdown.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable

import numpy as np

from LungUNetSegLib.arrays import Mask
from LungUNetSegLib.metrics import count, lctsc_scores, surface_distances
from LungUNetSegLib.segments import LUNGS

Spacing = tuple[float, float, float]
Pair = tuple[Mask, Mask, Spacing]
Scores = dict[str, float]

SCORES = {"hd": "HD", "hd95": "HD95", "mean": "mean surface distance"}


def ellipsoid(shape: tuple[int, int, int], spacing: Spacing, middle_mm: Spacing, radii_mm: Spacing) -> Mask:
    """Return a lung of a kind: the voxels whose centres lie within an ellipsoid."""
    at = np.indices(shape)
    parts = [((at[axis] * spacing[axis] - middle_mm[axis]) / radii_mm[axis]) ** 2 for axis in range(3)]
    return np.asarray(np.sum(parts, axis=0) <= 1)


def pairs() -> dict[str, Pair]:
    """Return prediction, reference and spacing of each case, by name."""
    cube: Spacing = (1.0, 1.0, 1.0)
    lung = ellipsoid((80, 64, 96), cube, (40, 32, 32), (34, 22, 22))
    tongue = lung.copy()
    tongue[36:45, 28:37, 48:84] = True  # into a bronchus: 9 x 9 mm, 30 mm beyond the edge
    part = lung & (np.arange(80) < 60)[:, None, None]
    cut = ellipsoid((50, 64, 64), cube, (44, 32, 32), (40, 22, 22))
    short = cut & (np.arange(50) < 44)[:, None, None]
    thick: Spacing = (5.0, 0.7, 0.7)
    dome = ellipsoid((24, 72, 72), thick, (60, 25, 25), (50, 20, 20))
    lifted = dome & np.roll(dome, -1, axis=0)  # a slice less at the upper end, as if the dome were lower
    nothing = np.zeros_like(lung)
    return {
        "thin tongue": (tongue, lung, cube),
        "missed part": (part, lung, cube),
        "missed lung": (nothing, lung, cube),
        "cut by the edge": (short, cut, cube),
        "anisotropic": (lifted, dome, thick),
    }


def ours(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """By area, the larger of the directed percentiles, one mean of both surfaces."""
    found = surface_distances(prediction, reference, spacing)
    return {"hd": found.hd_mm, "hd95": found.hd95_mm, "mean": found.mean_mm}


def lctsc(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """By voxels, the mean of the directed values, as `evaluate --metrics lctsc` gives it."""
    found = surface_distances(prediction, reference, spacing)
    dsc = float(count(prediction, reference).dsc)
    scores = lctsc_scores(LUNGS[0], dsc, found)
    return {"hd": found.hd_mm, "hd95": scores.hd95_mm, "mean": scores.mean_mm}


def monai(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """MONAI's functional interface, one channel."""
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    masks = [each[None, None].astype(np.float32) for each in (prediction, reference)]
    common = {"include_background": True, "spacing": spacing}
    return {
        "hd": float(compute_hausdorff_distance(*masks, **common)),
        "hd95": float(compute_hausdorff_distance(*masks, percentile=95, **common)),
        "mean": float(compute_average_surface_distance(*masks, symmetric=True, **common)),
    }


def medpy(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """MedPy's binary metrics."""
    from medpy.metric import binary

    return {
        "hd": float(binary.hd(prediction, reference, spacing)),
        "hd95": float(binary.hd95(prediction, reference, spacing)),
        "mean": float(binary.assd(prediction, reference, spacing)),
    }


def deepmind(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """DeepMind's surface-distance; it gives two directed means, here their mean as its users take it."""
    import surface_distance

    found = surface_distance.compute_surface_distances(reference, prediction, spacing)
    return {
        "hd": float(surface_distance.compute_robust_hausdorff(found, 100)),
        "hd95": float(surface_distance.compute_robust_hausdorff(found, 95)),
        "mean": float(np.mean(surface_distance.compute_average_surface_distance(found))),
    }


def simpleitk(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """SimpleITK's HausdorffDistanceImageFilter, which has no percentile."""
    import SimpleITK as sitk

    images = [sitk.GetImageFromArray(each.astype(np.uint8)) for each in (prediction, reference)]
    for image in images:
        image.SetSpacing(spacing[::-1])
    found = sitk.HausdorffDistanceImageFilter()
    found.Execute(*images)
    return {"hd": found.GetHausdorffDistance(), "mean": found.GetAverageHausdorffDistance()}


def panoptica(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """Each metric of panoptica, of two masks that are one instance."""
    from panoptica.metrics import Metric

    found = {"hd": Metric.HD, "hd95": Metric.HD95, "mean": Metric.ASSD}
    masks = reference.astype(np.uint8), prediction.astype(np.uint8)
    return {name: float(metric(*masks, 1, 1, voxelspacing=spacing)) for name, metric in found.items()}


def seg_metrics(prediction: Mask, reference: Mask, spacing: Spacing) -> Scores:
    """seg-metrics' write_metrics, with the spacing in the order of the array's axes, which it reverses itself."""
    from seg_metrics.seg_metrics import write_metrics

    found = write_metrics(
        labels=[1],
        gdth_img=reference.astype(np.uint8),
        pred_img=prediction.astype(np.uint8),
        spacing=list(spacing),
        metrics=["hd", "hd95", "msd"],
    )
    found = found[0] if isinstance(found, list) else found
    return {name: float(found[theirs][0]) for name, theirs in (("hd", "hd"), ("hd95", "hd95"), ("mean", "msd"))}


PROGRAMS: dict[str, Callable[[Mask, Mask, Spacing], Scores]] = {
    "here": ours,
    "here, `--metrics lctsc`": lctsc,
    "MONAI": monai,
    "MedPy": medpy,
    "`surface-distance`": deepmind,
    "SimpleITK's filter": simpleitk,
    "panoptica": panoptica,
    "seg-metrics": seg_metrics,
}


def main() -> None:
    """Print a table for each score."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    cases = pairs()
    found = {(program, case): _scores(program, case, pair) for program in PROGRAMS for case, pair in cases.items()}
    dsc = [f"{float(count(prediction, reference).dsc):.3f}" for prediction, reference, _ in cases.values()]
    for score, title in SCORES.items():
        print(f"| {title}, mm | {' | '.join(cases)} |\n|{'---|' * (len(cases) + 1)}")
        if score == "hd":
            print(f"| (DSC) | {' | '.join(dsc)} |")
        for program in PROGRAMS:
            print(f"| {program} | {' | '.join(_text(found[program, case], score) for case in cases)} |")
        print()


def _scores(program: str, case: str, pair: Pair) -> Scores | None:
    """Return what a program says, or None where it ends with an error."""
    try:
        return PROGRAMS[program](*pair)
    except Exception as error:  # whatever kind other people's programs raise
        print(f"<!-- {program}, {case}: {type(error).__name__}: {str(error)[:100]} -->")
        return None


def _text(scores: Scores | None, score: str) -> str:
    if scores is None:
        return "error"
    if score not in scores:
        return "–"
    value = scores[score]
    if math.isnan(value):
        return "NaN"
    return "infinite" if math.isinf(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
