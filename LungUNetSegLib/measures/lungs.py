"""Measures both lungs of a scan, in one pass over the voxels in their bounding boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import GeometryError
from LungUNetSegLib.measures.aorta import descending_aorta
from LungUNetSegLib.measures.density import Density, density_of, region_density
from LungUNetSegLib.measures.histogram import Histogram
from LungUNetSegLib.measures.regions import CODES, REGIONS, SHAPE, divided, parts_of, slabs
from LungUNetSegLib.measures.surroundings import blood_hu, trachea_air
from LungUNetSegLib.segments import LUNG_NAMES, NAMED_LABELS, LabelKind
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Geometry, Volume, to_hu


@dataclass(frozen=True, kw_only=True)
class LungMeasures:
    """What was measured of the lungs, by "right", "left" and "total"; only "total" if both are one label.

    Attributes:
        volumes_ml: Volumes.
        mean_hu: Mean HU; absent for a lung without a voxel.
        middle_half_hu: How many HU the middle half of the voxels spans, from the lower quartile to the upper; likewise.
        density: See `density.density_of`; None without a voxel.
        regions: By the names of `REGIONS`, the numbers of `density.REGION_KEYS`; None without a voxel.
        scan: What was measured of the scan itself, for `acquisition.judge`: ``slice_mm``, the distance of axial slices;
            ``coarsest_mm``, that of the voxels along the axis where it is largest;
            ``air_hu`` and ``noise_hu`` in the trachea, ``blood_hu`` between the lungs and ``aorta_hu`` in the
            descending aorta, None if they were not found;
            ``lowest_hu``, the lungs' lowest HU, and ``lowest_percent``, their share that has it, None without lung.
    """

    volumes_ml: dict[str, float]
    mean_hu: dict[str, float]
    middle_half_hu: dict[str, float] = field(default_factory=dict)
    density: dict[str, Density | None] = field(default_factory=dict)
    regions: dict[str, dict[str, Density | None]] = field(default_factory=dict)
    scan: dict[str, float | None] = field(default_factory=dict)

    def record(self) -> dict[str, dict[str, Any]]:
        """Return the numbers of the lungs for JSON, each by `LUNG_NAMES`; None for what was not measured."""
        numbers: dict[str, Mapping[str, Any]] = {
            "volumes_ml": self.volumes_ml, "mean_hu": self.mean_hu, "density": self.density, "regions": self.regions,
        }  # fmt: skip
        return {key: {name: values.get(name) for name in LUNG_NAMES} for key, values in numbers.items()}


def measure_lungs(labels: Volume, scan: Volume, kind: LabelKind = "lr") -> LungMeasures:
    """Measure volume, density and regions of the lungs on the scan's own grid.

    Args:
        labels: 1 right and 2 left lung, or 1 both; other values are no lung.
        scan: HU, on the same grid.
        kind: What the labels mean.

    Raises:
        GeometryError: The labels lie on another grid.
    """
    if not labels.geometry.matches(scan.geometry, GRID_TOLERANCE_MM):
        raise GeometryError(
            f"The lungs lie on another grid ({_grid(labels.geometry)}) than the scan ({_grid(scan.geometry)}): resample"
            " them onto the scan's grid first."
        )
    counts = {name: _count(labels.canonical(), scan.canonical(), label) for name, label in NAMED_LABELS[kind].items()}
    if kind == "lr":
        counts["total"] = {region: counts["right"][region] + counts["left"][region] for region in counts["right"]}
    whole = {name: each[""] for name, each in counts.items()}
    air = trachea_air(labels, scan)
    air_hu = air.median_hu if air else None
    aorta = descending_aorta(labels, scan) if kind == "lr" else None
    lowest_hu = whole["total"].lowest_hu if whole["total"].voxels else None
    return LungMeasures(
        volumes_ml={name: each.volume_ml for name, each in whole.items()},
        mean_hu={name: each.mean_hu for name, each in whole.items() if each.voxels},
        middle_half_hu={
            name: each.percentile_hu(75) - each.percentile_hu(25) for name, each in whole.items() if each.voxels
        },
        density={name: density_of(each, air_hu) for name, each in whole.items()},
        regions={name: {region: region_density(each[region]) for region in REGIONS} for name, each in counts.items()},
        scan={
            "slice_mm": scan.canonical().geometry.spacing_mm[0],
            "coarsest_mm": max(scan.geometry.spacing_mm),
            "air_hu": air_hu,
            "noise_hu": air.noise_hu if air else None,
            "blood_hu": blood_hu(labels, scan) if kind == "lr" else None,
            "aorta_hu": aorta.median_hu if aorta else None,
            "lowest_hu": lowest_hu,
            "lowest_percent": None if lowest_hu is None else whole["total"].percent(below_hu=lowest_hu + 1),
        },
    )


def _count(labels: Volume, scan: Volume, label: int) -> Mapping[str, Histogram]:
    """Return the histograms of one lung, named "", and of its regions; both volumes must be canonical."""
    voxel_ml = labels.geometry.voxel_volume_ml
    found = divided(labels, label)
    if found is None:
        return dict.fromkeys(("", *REGIONS), Histogram(0, np.zeros(1, np.int64), voxel_ml))
    box, regions = found
    lung, hu = labels.array[box], scan.array[box]
    low, width = _range(hu)
    joint = np.zeros(CODES * width, np.int64)
    for slab in slabs(lung):
        keys = regions.codes(slab) * np.int32(width)
        keys += to_hu(hu[slab])
        keys -= low
        joint += np.bincount(keys[lung[slab] == label], minlength=len(joint))
    table = joint.reshape(*SHAPE, width)
    counts = {"": Histogram(low, table.sum(axis=(0, 1, 2, 3)), voxel_ml)}
    for name in REGIONS:
        axis, index = parts_of(name)
        counts[name] = Histogram(low, table.take(index, axis).sum(axis=(0, 1, 2)), voxel_ml)
    return counts


def _range(hu: npt.NDArray[Any]) -> tuple[int, int]:
    """Return the lowest HU of a part of a scan, and how many HU lie from there to the highest."""
    low, high = (int(each) for each in to_hu(np.array([np.nanmin(hu), np.nanmax(hu)])))
    return low, high - low + 1


def _grid(geometry: Geometry) -> str:
    """Return a grid's size and spacing for people."""
    size = " x ".join(map(str, geometry.shape))
    return f"{size} voxels of {' x '.join(f'{each:.3g}' for each in geometry.spacing_mm)} mm"
