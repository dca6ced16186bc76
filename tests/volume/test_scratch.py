"""Voxels in files: the same numbers as in memory, no file left, and a full disk is said."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.volume import sparse_zeros
from LungUNetSegLib.volume.scratch import let_go, new_voxels, planes_of, voxels_in_files


def test_what_was_written_is_read_after_its_memory_was_given_back(tmp_path: Path) -> None:
    """Through turned and flipped views too, as scans are read along the body's axes."""
    expected = np.arange(3 * 700 * 500, dtype=np.int32).reshape(3, 700, 500)
    with voxels_in_files(tmp_path):
        array = new_voxels(expected.shape, np.int32)
    for plane, values in zip(planes_of(array), expected, strict=True):
        plane[:] = values
    let_go(array[::-1].transpose(2, 0, 1))
    assert np.array_equal(array, expected)
    turned = planes_of(array.transpose(2, 1, 0)[:, ::-1])
    assert all(np.array_equal(plane, expected[:, ::-1, x].T) for x, plane in enumerate(turned))
    assert not list(tmp_path.iterdir())


def test_other_arrays_are_in_memory_and_keep_their_values(tmp_path: Path) -> None:
    """`sparse_zeros` are a map without a file: what is let go of such a map would be zero afterwards."""
    with voxels_in_files(tmp_path):
        pass
    for array in (new_voxels((2, 4096), np.uint8), sparse_zeros((2, 4096))):
        array[:] = 7
        let_go(array)
        assert (array == 7).all()


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with voxels_in_files(tmp_path), pytest.raises(WriteError, match=r"scan of 1 MB .* No space left on device; free"):
        new_voxels((1, 1000, 1000), np.uint8)
