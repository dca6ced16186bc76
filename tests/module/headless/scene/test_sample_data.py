"""The sample and the phantom in Slicer's Sample Data module: their files are put where Slicer looks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import MODULE_FOLDER
from host import sample_data

from LungUNetSegLib import sample
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import make_phantom

PHANTOM_FILE = "LungUNetSeg-phantom-1.nrrd"


@pytest.fixture
def sample_data_logic(core: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Slicer's module Sample Data with ours registered, and an empty cache of Slicer's."""
    # There is no window to show an error in; here it goes to the test.
    monkeypatch.setattr("slicer.util.tryWithErrorDisplay", lambda message, waitCursor: nullcontext())
    from LungUNetSegSlicer.scene.sample_data import register

    with sample_data.installed(tmp_path) as logic:
        register(MODULE_FOLDER / "Resources" / "Icons" / "LungUNetSeg.png")
        yield logic


@pytest.fixture
def sources(sample_data_logic: Any) -> dict[str, Any]:
    """The module's sources by name."""
    return {each.sampleName: each for each in sample_data_logic.sources}


def test_the_phantom_needs_no_network(sources: dict[str, Any], sample_data_logic: Any) -> None:
    source = sources["LungPhantom"]
    source.customDownloader(source)
    (path,) = sample_data_logic.loaded
    np.testing.assert_array_equal(read_scan(path).volume.array, make_phantom(rng=1).ct.array)


def test_the_phantom_is_computed_once(sources: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / PHANTOM_FILE).write_bytes(b"here already")
    sources["LungPhantom"].customDownloader(sources["LungPhantom"])
    assert (tmp_path / PHANTOM_FILE).read_bytes() == b"here already"


def test_the_scan_is_fetched_into_slicers_cache(
    sources: dict[str, Any], sample_data_logic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(folder: Path) -> None:
        (folder / sample.FILE_NAME).write_bytes(b"scan")

    monkeypatch.setattr(sample, "fetch", fetch)
    source = sources["LungCT"]
    source.checksums = [f"SHA256:{hashlib.sha256(b'scan').hexdigest()}"]
    source.customDownloader(source)
    assert sample_data_logic.loaded == [str(tmp_path / sample.FILE_NAME)]


def test_scripts_get_both_by_name(
    sources: dict[str, Any], sample_data_logic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``SampleData.downloadSample("LungCT")``, which passes by what a source's button does, with an empty cache."""
    monkeypatch.setattr(sample, "fetch", lambda folder: (folder / sample.FILE_NAME).write_bytes(b"scan"))
    sources["LungCT"].checksums = [f"SHA256:{hashlib.sha256(b'scan').hexdigest()}"]
    for name in ("LungCT", "LungPhantom"):
        sample_data_logic().downloadSample(name)
    assert sample_data_logic.loaded == [str(tmp_path / sample.FILE_NAME), str(tmp_path / PHANTOM_FILE)]
    assert all(Path(path).is_file() for path in sample_data_logic.loaded)


def test_other_modules_samples_are_none_of_ours(
    sources: dict[str, Any], sample_data_logic: Any, tmp_path: Path
) -> None:
    """Slicer sends every sample's URI through the rule."""
    uri = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/4507b664690840abb6cb9af2d919377ffc4ef7"
    assert [rewrite(uri) for rewrite in sample_data_logic.rules.values()] == [uri]
    assert list(tmp_path.iterdir()) == []


def test_slicer_and_the_demo_ask_for_the_same_bytes(sources: dict[str, Any]) -> None:
    assert sources["LungCT"].checksums == [f"SHA256:{sample.SHA256}"]
