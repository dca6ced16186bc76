"""Phantoms written as a data set of (image, mask) pairs, small enough to train on in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

COARSE = PreprocessConfig(spacing_mm=7.0, size=(48, 56))
"""A grid on which a network of a few channels trains in a second."""

SLICE_MM = 20.0
"""Distance of the written slices: further apart than 25 mm a scan is refused."""

TINY_TRAINING = {
    "preprocess": {"spacing_mm": 7.0, "size": [48, 56], "context_mm": 20.0, "coarse_mm": 14.0},
    "network": {"in_channels": 5, "features_per_stage": [4, 8]},
    "coarse": {"network": {"features_per_stage": [4, 8]}, "steps": 2, "part_steps": 1, "batch_size": 1},
    "views": {"per_case": 2},
    "sampling": {"slices_per_epoch": 8, "own_disease_probability": 0.0},
    "epochs": 2,
    "batch_size": 4,
    "precision": "float32",
}
"""Settings of `lungunetseg train` that take two seconds."""


def few_slices(shape: tuple[int, int, int]) -> Geometry:
    """Return a grid of few slices through the middle of the phantom's thorax, as far apart as thick slices are."""
    whole = phantom_geometry(shape)
    _, row_mm, column_mm = whole.spacing_mm
    x, y, _ = whole.affine_lps[:3, 3]
    slice_mm = min(whole.spacing_mm[0], SLICE_MM)
    return Geometry.axial(shape, (slice_mm, row_mm, column_mm), (x, y, -(shape[0] - 1) / 2 * slice_mm))


def partly_outside(labels: Volume) -> Volume:
    """Return labels on a grid with twice the rows, with a thirtieth more of label 1 in the new ones."""
    rows = labels.array.shape[1]
    longer = np.pad(labels.array, ((0, 0), (0, rows), (0, 0)))
    longer[:, rows:].flat[: np.count_nonzero(labels.array) // 30] = 1
    return Volume(longer, Geometry(longer.shape, labels.geometry.affine_lps))


def write_pair(folder: Path, name: str, *, slices: int = 6, seed: int = 0) -> Case:
    """Write one phantom as `<name>.nii.gz` and `<name>_seg.nii.gz`."""
    phantom = make_phantom(phantom_geometry((slices, 64, 72)), rng=seed)
    place = _pressed(phantom.ct.geometry)
    folder.mkdir(parents=True, exist_ok=True)
    image, mask = folder / f"{name}.nii.gz", folder / f"{name}_seg.nii.gz"
    write_image(Volume(phantom.ct.array, place), image)
    write_image(Volume(phantom.labels.array, place), mask)
    return Case(case_id=name, patient=name, image=image, mask=mask)


def write_three_patients(folder: Path, *, slices: int = 6) -> Path:
    """Write the pairs p0, p1 and p2, each of another phantom, so that each is a patient; return the folder."""
    for seed in range(3):
        write_pair(folder, f"p{seed}", slices=slices, seed=seed)
    return folder


def _pressed(geometry: Geometry) -> Geometry:
    """Return the grid with its few slices SLICE_MM apart, as if the patient were as short."""
    affine = np.array(geometry.affine_lps)
    affine[:3, 0] = geometry.directions[:, 0] * SLICE_MM
    return Geometry(geometry.shape, affine)


def write_image(volume: Volume, path: Path) -> None:
    """Write an array in its place."""
    sitk.WriteImage(to_sitk(Volume(np.ascontiguousarray(volume.array), volume.geometry)), str(path))
