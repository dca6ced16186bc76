"""Values that use more bits than the header says are stored, which makes metal read as lung."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_files import save, slices_of

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.volume import Geometry


@pytest.mark.parametrize("signed", [False, True])
def test_metal_beyond_the_bits_that_are_said_to_be_stored(signed: bool, tmp_path: Path) -> None:
    """A program that writes whole words and leaves Bits Stored at 12 makes metal of 3500 HU read as lung of -596."""
    ct = make_phantom(Geometry.axial((13, 24, 28), (10.0, 12.0, 12.0), (-165.0, -141.0, -60.0)), rng=1).ct
    hu = np.minimum(ct.array, 1900).astype(np.int16)
    intercept = 0 if signed else -1024
    said = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": int(signed), "RescaleIntercept": intercept}

    def codes(name: str, values: np.ndarray) -> list[str]:
        datasets = slices_of(ct, **said)
        for dataset, plane in zip(datasets, values, strict=True):
            dataset.PixelData = (plane.astype(np.int32) - intercept).astype("<i2").tobytes()
        return [each.code for each in read_scan(save(datasets, tmp_path / name)).findings]

    assert codes("clean", hu) == []
    hu[4, 10:12, 10:12] = 3500
    assert codes("metal", hu) == ["more-bits"]


def test_negative_numbers_that_are_not_continued_above_their_bits(tmp_path: Path) -> None:
    """Encoders may leave the spare bits of a negative number empty, which is no other number."""
    ct = make_phantom(Geometry.axial((13, 24, 28), (10.0, 12.0, 12.0), (-165.0, -141.0, -60.0)), rng=1).ct
    datasets = slices_of(ct, BitsStored=12, HighBit=11, PixelRepresentation=1, RescaleIntercept=0)
    for dataset, plane in zip(datasets, ct.array, strict=True):
        dataset.PixelData = (plane & 0xFFF).astype("<u2").tobytes()
    scan = read_scan(save(datasets, tmp_path))
    assert scan.findings == ()
    assert np.array_equal(scan.volume.array, ct.array)
