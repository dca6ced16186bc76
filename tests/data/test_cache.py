"""The cache holds what the network sees, is never half true, and forgets nothing that decides its content."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from phantom_cases import COARSE, write_image, write_pair

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import LabelledScan, read_pair
from LungUNetSegLib.data import cache
from LungUNetSegLib.data.cache import cache_case, cache_cases, case_digest
from LungUNetSegLib.data.network_slices import preprocess
from LungUNetSegLib.errors import DataError, WriteError
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.preprocessing import PreprocessConfig, place_grid
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume


def test_slices_are_those_that_inference_takes(phantom: Phantom) -> None:
    hu, target = preprocess(LabelledScan(phantom.ct, phantom.labels, None), COARSE)
    aligned, grid = place_grid(phantom.ct, COARSE)
    np.testing.assert_allclose(hu, grid.sample(aligned.array, AIR_HU), atol=0.5)
    assert target.shape == (phantom.ct.array.shape[0], 3, *COARSE.size)


def test_lung_volumes_survive_the_coarse_grid(phantom: Phantom) -> None:
    """Fractions of pixels, not votes: the area of each lung stays true to a percent."""
    _, target = preprocess(LabelledScan(phantom.ct, phantom.labels, None), COARSE)
    spacing_mm = phantom.ct.canonical().geometry.spacing_mm[0]
    for channel, value in enumerate((1, 2)):
        true_ml = (phantom.labels.array == value).sum() * phantom.labels.geometry.voxel_volume_ml
        ml = target[:, channel].sum() / 255 * COARSE.spacing_mm**2 * spacing_mm / 1000
        assert ml == pytest.approx(true_ml, rel=0.01)


def test_the_sides_do_not_depend_on_how_a_scan_is_stored(phantom: Phantom) -> None:
    labels = phantom.labels
    stored = ((2, 0, 1), (True, False, True))
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in stored[1])
    volumes = (Volume(v.array.transpose(stored[0])[steps], v.geometry.reordered(*stored)) for v in (phantom.ct, labels))
    turned = LabelledScan(*volumes)
    straight = preprocess(LabelledScan(phantom.ct, labels, None), COARSE)
    for ours, theirs in zip(preprocess(turned, COARSE), straight, strict=True):
        np.testing.assert_allclose(ours.astype(int), theirs.astype(int), atol=1)


def test_hand_computed_fractions() -> None:
    """2 mm pixels from 1 mm ones: a lung of 4 x 4 mm at even places fills some pixels and parts of their neighbours."""
    geometry = Geometry.axial((1, 64, 64))
    ct = Volume(np.zeros(geometry.shape, np.int16), geometry)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[0, 30:34, 30:34] = 1
    ignore = np.zeros(geometry.shape, bool)
    ignore[0, 5, 5] = True
    pair = LabelledScan(ct, Volume(labels, geometry), Volume(ignore, geometry))
    _, target = preprocess(pair, PreprocessConfig(spacing_mm=2.0, size=(32, 32)))
    assert target[0, 0].sum() / 255 == pytest.approx(16 / 4, rel=0.01)
    assert not target[0, 1].any()
    assert 0 < (target[0, 2] == 0).sum() <= 9  # the undecided pixel and those it leaks into
    assert set(np.unique(target[0, 2])) == {0, 255}


def test_the_second_time_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = write_pair(tmp_path / "data", "p")
    first = cache_case(case, COARSE, tmp_path)
    monkeypatch.setattr(cache, "read_pair", None)
    second = cache_case(case, COARSE, tmp_path)
    np.testing.assert_array_equal(first.hu[:], second.hu[:])
    np.testing.assert_array_equal(first.target[:], second.target[:])
    assert second.slice_mm == pytest.approx(20.0)


def test_the_digest_follows_content_and_parameters_but_not_the_place(tmp_path: Path) -> None:
    case = write_pair(tmp_path / "a", "p")
    digest = case_digest(case, COARSE)
    assert case_digest(write_pair(tmp_path / "b", "p"), COARSE) == digest
    assert case_digest(case, dataclasses.replace(COARSE, spacing_mm=6.9)) != digest
    assert case_digest(dataclasses.replace(case, ignore=case.mask), COARSE) != digest
    assert case_digest(write_pair(tmp_path / "a", "p", seed=1), COARSE) != digest


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_the_digest_follows_voxels_beside_their_header(tmp_path: Path, ending: str) -> None:
    """A mask that is corrected in such a file keeps its header: the training went on with the old one."""
    case = write_pair(tmp_path / "data", "p")
    mask = tmp_path / f"mask{ending}"
    sitk.WriteImage(sitk.ReadImage(str(case.mask)), str(mask))
    (voxels,) = (each for each in tmp_path.glob("mask.*") if each != mask)
    case = dataclasses.replace(case, mask=mask)
    digest = case_digest(case, COARSE)
    content = bytearray(voxels.read_bytes())
    content[-1] ^= 1
    voxels.write_bytes(content)
    assert case_digest(case, COARSE) != digest


def test_the_digest_follows_slices_in_a_linked_folder(tmp_path: Path) -> None:
    """The reader follows links to folders, so what lies there counts as well."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "1.dcm").write_bytes(b"one")
    (tmp_path / "ct").mkdir()
    (tmp_path / "ct" / "part").symlink_to(tmp_path / "elsewhere")
    case = dataclasses.replace(write_pair(tmp_path / "data", "p"), image=tmp_path / "ct")
    digest = case_digest(case, COARSE)
    (tmp_path / "elsewhere" / "1.dcm").write_bytes(b"two")
    assert case_digest(case, COARSE) != digest


@pytest.mark.parametrize("name", ["hu.npy", "target.npy", "case.json"])
@pytest.mark.parametrize("kept", [0, 100])
def test_a_half_written_entry_is_built_again(tmp_path: Path, name: str, kept: int) -> None:
    case = write_pair(tmp_path / "data", "p")
    whole = cache_case(case, COARSE, tmp_path).hu[:]
    os.truncate(tmp_path / case_digest(case, COARSE) / name, kept)
    np.testing.assert_array_equal(cache_case(case, COARSE, tmp_path).hu[:], whole)


def test_a_run_that_dies_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = write_pair(tmp_path / "data", "p")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cache, "_write_header", die)
        cache_case(case, COARSE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len(cache_case(case, COARSE, tmp_path).hu) == 6


def test_two_runs_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run finishes the entry while we build it: ours is dropped, and both read the same."""
    case = write_pair(tmp_path / "data", "p")
    folder = tmp_path / "cache"
    folder.mkdir()

    def read_while_another_run_builds(*arguments: object) -> LabelledScan:
        monkeypatch.setattr(cache, "read_pair", read_pair)
        cache_case(case, COARSE, folder)
        return read_pair(case)

    monkeypatch.setattr(cache, "read_pair", read_while_another_run_builds)
    assert len(cache_case(case, COARSE, folder).hu) == 6
    assert [path.name for path in folder.iterdir()] == [case_digest(case, COARSE)]


def test_a_full_disk_is_said_and_leaves_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = write_pair(tmp_path / "data", "p")
    folder = tmp_path / "cache"
    folder.mkdir()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_write_header", full)
    with pytest.raises(WriteError, match="No space left on device; free some space"):
        cache_case(case, COARSE, folder)
    assert not list(folder.iterdir())


def test_a_cache_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be made"):
        cache_cases([], COARSE, tmp_path / "file" / "cache")


def test_many_cases_keep_their_order_and_report_progress(tmp_path: Path) -> None:
    cases = [write_pair(tmp_path / "data", name, slices=3, seed=i) for i, name in enumerate("cab")]
    calls: list[tuple[str, int, int]] = []
    cached = cache_cases(cases, COARSE, tmp_path, progress=lambda *call: calls.append(call))
    assert [each.case.case_id for each in cached] == ["c", "a", "b"]
    assert calls == [("cache", done, 3) for done in (1, 2, 3)]


def test_cases_are_built_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for the other: one after the other they would wait in vain."""
    cases = [write_pair(tmp_path / "data", name, slices=3) for name in "ab"]
    both = threading.Barrier(2, timeout=60)

    def read_together(case: Case) -> LabelledScan:
        both.wait()
        return read_pair(case)

    monkeypatch.setattr(cache, "read_pair", read_together)
    assert len(cache_cases(cases, COARSE, tmp_path, threads=2)) == 2


def test_threads_are_all_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects `train --threads` on a machine that others use too: ITK by itself resamples on every core."""
    cases = [write_pair(tmp_path / "data", name, slices=3) for name in "abc"]
    default = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads
    readers, itk_threads, before = set(), set(), default()

    def read(case: Case) -> LabelledScan:
        readers.add(threading.get_ident())
        itk_threads.add(default())
        return read_pair(case)

    monkeypatch.setattr(cache, "read_pair", read)
    cache_cases(cases, COARSE, tmp_path, threads=1)
    assert len(readers) == 1 and itk_threads == {1} and default() == before


def test_bad_cases_are_all_named_at_once(
    tmp_path: Path, small_phantom: Phantom, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects whoever brings a hundred scans from mending and starting once for each bad mask."""
    cases = [write_pair(tmp_path / "data", name, slices=3) for name in "abc"]
    write_image(small_phantom.labels, cases[1].mask)
    with pytest.raises(DataError, match=r"^\S*b_seg\.nii\.gz has"):
        cache_cases(cases, COARSE, tmp_path)
    assert not caplog.messages
    cases[2].mask.write_text("no mask", encoding="utf-8")
    with pytest.raises(DataError, match=r"^2 of 3 cases cannot be used \(b, c\).*: \S*b_seg\.nii\.gz has"):
        cache_cases(cases, COARSE, tmp_path)
    assert [any(f"{name}_seg.nii.gz" in told for told in caplog.messages) for name in "abc"] == [False, True, True]
