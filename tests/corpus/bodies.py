"""Bodies and headers that lie, through the shipped network: slow, so that the command alone runs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from corpus.bench import Bench, Trial, codes_of, mask_fault
from corpus.kinds import Section
from dicom_files import save, slices_of

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import Phantom, make_head, make_phantom, phantom_geometry
from LungUNetSegLib.segmentation.anatomy import contradictions
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.segmenter import Segmenter
from LungUNetSegLib.volume import Geometry, Volume

section = Section("Bodies and headers that lie, by the shipped network")


@cache
def segmenter() -> Segmenter:
    return Segmenter(load_model())


@cache
def chest() -> Phantom:
    return make_phantom(phantom_geometry((60, 128, 128)), rng=1)


@cache
def clean() -> Segmentation:
    """The shipped network's result for the phantom as it is, and what it remarks on that."""
    return segmenter().segment(chest().ct)


def beyond_clean(found: Segmentation) -> tuple[str, ...]:
    """The codes of findings that the phantom as it is does not give."""
    usual = codes_of(clean().findings)
    return tuple(code for code in codes_of(found.findings) if code not in usual)


def result(volume: Volume, **how: object) -> Segmentation:
    return segmenter().segment(volume, **how)


def lungs(change: Callable[[Volume], Volume], same: bool = True) -> Callable[[Bench], Trial]:
    """The phantom changed, and segmented; where it is the same patient, the same lungs."""

    def attempt(b: Bench) -> Trial:
        found = result(change(chest().ct))
        fault = mask_fault(found.labels.canonical(), clean().labels.canonical()) if same else ""
        return Trial(beyond_clean(found) if same else codes_of(found.findings), fault)

    return attempt


def stored(axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Callable[[Volume], Volume]:
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return lambda v: Volume(np.ascontiguousarray(v.array.transpose(axes)[steps]), v.geometry.reordered(axes, flips))


def lying(*flips: int) -> Callable[[Volume], Volume]:
    """Voxels reversed along axes that the header says are as before."""
    return lambda v: Volume(np.ascontiguousarray(np.flip(v.array, flips)), v.geometry)


def scaled(factor: float) -> Callable[[Volume], Volume]:
    def change(volume: Volume) -> Volume:
        affine = np.array(volume.geometry.affine_lps)
        affine[:3] *= factor
        return Volume(volume.array, Geometry(volume.geometry.shape, affine))

    return change


section.right("slices from head to feet", lungs(stored((0, 1, 2), (True, False, False))), slow=True)
section.right("coronal slices", lungs(stored((1, 0, 2), (False, True, False))), slow=True)
section.right("sagittal slices, mirrored", lungs(stored((2, 0, 1), (True, False, True))), slow=True)
section.right("through DICOM and back", lambda b: _by_dicom(b), slow=True)
section.said("front and back exchanged", "spine-in-front", lungs(lying(1), False), slow=True)
section.said("right and left exchanged", "heart-on-the-right", lungs(lying(2), False), slow=True)
section.said(
    "head and feet exchanged, the lungs told by their reference", "lungs-upside-down", lambda b: _upside_down()
)
section.said(
    "head and feet exchanged, in a part of a chest",
    "lungs-upside-down",
    lungs(lambda v: _lying_part(v), False),
    slow=True,
)
section.said("turned on the belly, the header not", "spine-in-front", lungs(lying(1, 2), False), slow=True)
section.said("a head", "no-lung", lambda b: _head(False), slow=True)
section.said("a head in a head holder", "no-lung", lambda b: _head(True), slow=True)
section.said("a chest of twice the size", "volume-of-no-human", lungs(scaled(2.0), False), slow=True)
section.said("a chest twice in one file", "volume-of-no-human", lungs(lambda v: _twice(v), False), slow=True)
section.said("a test object with two rods of foam", "uniform-lung", lambda b: _foam(), slow=True)
section.said(
    "a scan that ends in the lungs",
    "lung-cut",
    lungs(lambda v: Volume(v.array[20:45], _part(v, 20, 45)), False),
    slow=True,
)


def _upside_down() -> Trial:
    turned = [Volume(np.ascontiguousarray(each.array[::-1]), each.geometry) for each in (chest().ct, chest().labels)]
    return Trial(codes_of(contradictions(*turned)))


def _lying_part(volume: Volume) -> Volume:
    """The middle of the lungs of a patient who came feet first, which the header does not say."""
    return lying(0, 2)(Volume(volume.array[20:45], _part(volume, 20, 45)))


def _twice(volume: Volume) -> Volume:
    array = np.concatenate((volume.array, volume.array))
    return Volume(array, Geometry(array.shape, volume.geometry.affine_lps))


def _foam() -> Trial:
    """A test object: an oval of water with a rod of bone and two of foam, as long as the scan."""
    grid = chest().ct.geometry
    x, y = np.meshgrid(
        *((np.arange(size) - (size - 1) / 2) * step for size, step in ((128, 400 / 128), (128, 330 / 128)))
    )
    section = np.where((x / 160) ** 2 + (y / 110) ** 2 < 1, 10, -1000)
    section[((np.abs(x) - 75) / 45) ** 2 + (y / 75) ** 2 < 1] = -780
    section[x**2 + (y - 90) ** 2 < 15**2] = 600
    noise = np.random.default_rng(0).normal(0, 12, grid.shape)
    return Trial(codes_of(result(Volume((section + noise).astype(np.int16), grid)).findings))


def _part(volume: Volume, start: int, stop: int) -> Geometry:
    affine = np.array(volume.geometry.affine_lps)
    affine[:3, 3] += start * affine[:3, 0]
    return Geometry((stop - start, *volume.array.shape[1:]), affine)


def _by_dicom(b: Bench) -> Trial:
    found = result(read_scan(save(slices_of(chest().ct), b.folder / "ct")).volume)
    return Trial(beyond_clean(found), mask_fault(found.labels, clean().labels))


def _head(holder: bool) -> Trial:
    found = result(make_head(phantom_geometry((60, 128, 128)), rng=1, holder=holder).ct)
    volume = found.volumes_ml["total"]
    return Trial(codes_of(found.findings), f"{volume:.0f} ml of lung in a head" if volume else "")
