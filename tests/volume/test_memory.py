"""Voxels in files: the same numbers as in memory, no file left, and a full disk is said; zeros that take no memory."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.volume.memory import give_back, let_go, new_voxels, planes_of, sparse_zeros, voxels_in_files


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


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux says how much memory is in use")
def test_zeros_take_memory_only_where_something_is_written() -> None:
    """Protects long scans: labels of lungs fill a third of their slices."""

    def used_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE / 1e6

    before = used_mb()
    labels = sparse_zeros((400, 512, 512))
    assert labels.sum(dtype=np.int64) == 0 and used_mb() - before < 10
    labels[::2, 100:200] = 1
    assert labels.sum(dtype=np.int64) == 200 * 100 * 512 and 9 < used_mb() - before < 30
    assert sparse_zeros((0, 4)).shape == (0, 4)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="Windows has no such call")
def test_only_whole_pages_of_a_part_are_given_back() -> None:
    """Protects the planes beside it, whose first and last bytes share a page with it; and arrays of other kinds."""
    page = mmap.PAGESIZE
    planes = sparse_zeros((4, page // 2 * 5))  # two and a half pages each
    planes[:] = 7
    give_back(planes[1:2])
    assert (planes[[0, 2, 3]] == 7).all() and (planes[1, : page // 2] == 7).all()
    give_back(planes[3][: page // 2])  # less than a page
    assert (planes[3] == 7).all()
    other = np.full((2, page), 7, np.uint8)
    give_back(other[:1])
    assert (other == 7).all()
