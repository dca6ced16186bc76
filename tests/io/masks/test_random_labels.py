"""Label maps of any grid are read as they were written, in every format that is written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from random_volumes import QUICK, label_maps

from LungUNetSegLib.io import read_labels, write_labels
from LungUNetSegLib.io.endings import OUTPUT_ENDINGS
from LungUNetSegLib.volume import Volume


@pytest.mark.parametrize("ending", OUTPUT_ENDINGS)
def test_labels_are_read_as_they_were_written(ending: str) -> None:
    """Protects right and left, and each voxel's place: to 0.1 mm over the scan, NIfTI's numbers being float32."""

    @settings(QUICK, max_examples=25)
    @given(label_maps())
    def check(labels: Volume) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"labels{ending}"
            write_labels(path, labels)
            again = read_labels(path)
        assert again.geometry.matches(labels.geometry, 0.1)
        np.testing.assert_array_equal(again.array, labels.array)

    check()


def test_the_paper_s_archive_is_read_by_rising_height() -> None:
    """A .npz holds (row, column, slice) from foot to head, whichever way the scan's slices run."""

    @settings(QUICK, max_examples=25)
    @given(label_maps(oblique=False))
    def check(labels: Volume) -> None:
        canonical = labels.canonical()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels.npz"
            np.savez_compressed(path, np.moveaxis(canonical.array, 0, -1))
            again = read_labels(path, canonical.geometry)
        np.testing.assert_array_equal(again.array, canonical.array)

    check()
