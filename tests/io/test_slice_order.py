"""Slices that a converter sorted by the names of their files are said to be out of order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.images.write import write_image
from LungUNetSegLib.io.slice_order import out_of_order
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume


@pytest.fixture(scope="module")
def ct() -> Volume:
    return make_phantom(phantom_geometry((60, 96, 96)), rng=1).ct


def reordered(ct: Volume, order: list[int]) -> Volume:
    return Volume(np.ascontiguousarray(ct.array[order]), ct.geometry)


def as_text(count: int) -> list[int]:
    """1, 10, 11, ... 19, 2, 20, ..."""
    return sorted(range(count), key=lambda number: str(number + 1))


def test_slices_sorted_as_texts(ct: Volume, tmp_path: Path) -> None:
    """The commonest fault of a converter: volumes stay nearly right, and the lungs are not the patient's."""
    write_image(tmp_path / "right.nii.gz", ct)
    assert read_scan(tmp_path / "right.nii.gz").findings == ()
    write_image(tmp_path / "scan.nii.gz", reordered(ct, as_text(60)))
    (finding,) = read_scan(tmp_path / "scan.nii.gz").findings
    assert finding.code == "slices-out-of-order" and "number 12," in finding.message  # between 19 and 20


@pytest.mark.parametrize("case", ["odd after even", "at random", "two exchanged"])
def test_slices_in_other_orders(case: str, ct: Volume) -> None:
    order = {
        "odd after even": [*range(0, 60, 2), *range(1, 60, 2)],
        "at random": np.random.default_rng(0).permutation(60).tolist(),
        "two exchanged": [*range(10), 40, *range(11, 40), 10, *range(41, 60)],
    }[case]
    assert out_of_order(reordered(ct, order))


def test_slices_in_order(ct: Volume) -> None:
    """Stored from the head, along another axis, thinner, noisier, or with empty slices at both ends."""
    assert not out_of_order(reordered(ct, [*reversed(range(60))]))
    for axes in ((1, 0, 2), (2, 0, 1)):
        assert not out_of_order(
            Volume(ct.array.transpose(axes), Geometry.axial(ct.array.transpose(axes).shape, (4.0, 4.0, 4.0), (1, 1, 1)))
        )
    thin = make_phantom(Geometry.axial((60, 96, 96), (1.5, 4.0, 4.0), (-190.0, -190.0, -60.0)), rng=2).ct
    assert not out_of_order(thin)
    noise = np.random.default_rng(0).normal(0, 150, ct.array.shape)
    assert not out_of_order(Volume((ct.array + noise).clip(AIR_HU, 3071).astype(np.int16), ct.geometry))
    empty = ct.array.copy()
    empty[[0, 1, -1]] = AIR_HU
    assert not out_of_order(Volume(empty, ct.geometry))
