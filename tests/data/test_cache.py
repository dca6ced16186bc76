"""The cache holds what the network sees, is never half true, and forgets nothing that decides its content."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
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
from LungUNetSegLib.io import write_dicom_series, write_labels
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.preprocessing import PreprocessConfig, place_grid
from LungUNetSegLib.segments import LUNGS
from LungUNetSegLib.volume import AIR_HU, Geometry, Volume, bounding_box
from LungUNetSegLib.volume.resample import to_sitk


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


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted through /proc")
def test_open_cases_hold_no_files_open(tmp_path: Path) -> None:
    """A data set of a thousand scans must not exhaust what a process may open."""
    case = write_pair(tmp_path / "data", "p", slices=3)
    cache_case(case, COARSE, tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    cases = [cache_case(case, COARSE, tmp_path) for _ in range(50)]
    assert all(each.hu[1].shape == COARSE.size for each in cases)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


CACHE_ONE = """
import sys
from pathlib import Path
from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.data.cache import cache_case
from LungUNetSegLib.preprocessing import PreprocessConfig

def peak(image, mask):
    case = Case(case_id="p", patient="p", image=Path(image), mask=Path(mask))
    cache_case(case, PreprocessConfig(), Path(sys.argv[1]))
    # Not `ru_maxrss`, which a process takes over from the one that started it: pytest's is larger than all of this.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

print(-peak(*sys.argv[2:4]) + peak(*sys.argv[4:6]))
"""


@pytest.fixture(scope="module")
def small_and_large() -> list[tuple[Volume, Volume]]:
    """Two scans of 512 x 512 pixels, of 16 and 112 slices, and their masks."""
    phantoms = [make_phantom(phantom_geometry((slices, 128, 128)), rng=0) for slices in (16, 112)]
    return [(_four_times_finer(each.ct), _four_times_finer(each.labels)) for each in phantoms]


def assert_cached_within(limit_mb: float, cache: Path, paths: list[str]) -> None:
    """Cache two cases (scan, mask, scan, mask) in a process, the second within a limit above the first's peak.

    Its slices are those of the scan in memory.
    """
    command = [sys.executable, "-c", CACHE_ONE, str(cache), *paths]
    more_mb = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1000
    assert more_mb < limit_mb, f"{more_mb:.0f} MB"
    image, mask = map(Path, paths[-2:])
    case = Case(case_id="p", patient="p", image=image, mask=mask)
    cached = cache_case(case, PreprocessConfig(), cache)
    hu, target = preprocess(read_pair(case), PreprocessConfig())
    assert np.array_equal(cached.hu[:], hu) and np.array_equal(cached.target[:], target)


@pytest.mark.skipif(sys.platform != "linux", reason="a process's greatest memory is read from /proc")
@pytest.mark.parametrize("kind", ["DICOM", ".nii", ".nrrd", ".mha", "layers"])
def test_a_case_is_cached_with_a_few_tens_of_mb(
    tmp_path: Path, kind: str, small_and_large: list[tuple[Volume, Volume]]
) -> None:
    """Protects machines that cache as many scans at a time as they have cores: it was a scan's size and twice its
    mask's. A first, small case loads the libraries; the second takes 5 to 8 MB more, with 59 MB of voxels of the
    scan and 29 MB of its mask, and its slices are those of the scan in memory. The MetaImage's mask is a segmentation
    of Slicer, the last one such of two layers, cropped to the lungs.
    """
    paths: list[str] = []
    for number, (ct, labels) in enumerate(small_and_large):
        ending = {"DICOM": ".nii", ".mha": ".seg.nrrd", "layers": ".seg.nrrd"}.get(kind, kind)
        image, mask = tmp_path / f"{number}{kind.replace('layers', '.nrrd')}", tmp_path / f"{number}_seg{ending}"
        if kind == "DICOM":
            write_dicom_series(ct, image)
        else:
            write_image(ct, image)
        if kind == "layers":
            _write_layers(mask, labels)
        else:
            write_labels(mask, labels)
        paths += [str(image), str(mask)]
    assert 2 * ct.array.size == 58_720_256
    assert_cached_within(15, tmp_path, paths)


@pytest.mark.skipif(sys.platform != "linux", reason="a process's greatest memory is read from /proc")
def test_an_oblique_case_takes_little_more_than_its_size_once(
    tmp_path: Path, small_and_large: list[tuple[Volume, Volume]]
) -> None:
    """Protects the same machines: it was several times the scan's 59 MB, and its mask's in 32 bits.

    ITK holds a copy of what it resamples, and a part of what it makes of it.
    """
    paths: list[str] = []
    for number, pair in enumerate(small_and_large):
        image, mask = tmp_path / f"{number}.nii", tmp_path / f"{number}_seg.nii"
        ct, labels = map(_turned, pair)
        write_image(ct, image)
        write_labels(mask, labels)
        paths += [str(image), str(mask)]
    assert_cached_within(300, tmp_path, paths)


def _turned(volume: Volume) -> Volume:
    """Turn a scan by 20 degrees about the patient's left-right axis."""
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(np.pi / 9), -np.sin(np.pi / 9)], [np.sin(np.pi / 9), np.cos(np.pi / 9)]]
    return Volume(volume.array, Geometry(volume.geometry.shape, turn @ volume.geometry.affine_lps))


def _write_layers(path: Path, labels: Volume) -> None:
    """Write the lungs as Slicer writes segments that overlap: a layer each, cropped to all of them."""
    box = bounding_box(labels.array)
    affine = labels.geometry.affine_lps.copy()
    affine[:3, 3] = labels.geometry.to_lps([axis.start for axis in box])
    geometry = Geometry(labels.array[box].shape, affine)
    layers = [Volume((labels.array[box] == label).astype(np.uint8), geometry) for label in (1, 2)]
    image = sitk.Compose([to_sitk(layer) for layer in layers])
    for index, segment in enumerate(LUNGS):
        fields = {"ID": segment.segment_id, "Name": segment.name, "LabelValue": "1", "Layer": str(index)}
        for key, value in fields.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(path), useCompression=True)


def _four_times_finer(volume: Volume) -> Volume:
    """Repeat each pixel four times along rows and columns: a large scan that is made fast."""
    geometry = volume.geometry
    affine = geometry.affine_lps.copy()
    affine[:3, 1:3] /= 4
    array = volume.array.repeat(4, axis=1).repeat(4, axis=2)
    return Volume(array, Geometry((len(array), array.shape[1], array.shape[2]), affine))
