"""The sample and the phantom in Slicer's Sample Data module: their files are put where Slicer looks for them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib import sample
from LungUNetSegLib.io import read_scan
from LungUNetSegLib.phantom import make_phantom

PHANTOM_FILE = "LungUNetSeg-phantom-1.nrrd"


class SampleDataLogic:
    """Stands for Slicer's Modules/Scripted/SampleData/SampleData.py, as far as it knows of sources."""

    sources: list[SimpleNamespace] = []
    rules: dict[str, Any] = {}
    loaded: list[str] = []

    @classmethod
    def registerCustomSampleDataSource(
        cls, category: str, sampleName: str, uris: str, fileNames: str, nodeNames: str, customDownloader: Any,
        thumbnailFileName: str, checksums: str | None,
    ) -> None:  # fmt: skip
        """Keep a source; as in Slicer, single texts become lists."""
        assert Path(thumbnailFileName).is_file()
        source = SimpleNamespace(
            category=category, sampleName=sampleName, uris=[uris], fileNames=[fileNames], nodeNames=[nodeNames],
            customDownloader=customDownloader, checksums=[checksums],
        )  # fmt: skip
        cls.sources.append(source)

    @classmethod
    def registerUrlRewriteRule(cls, name: str, rewriteFunction: Any) -> None:
        """Keep what each URI goes through before anything is downloaded."""
        cls.rules[name] = rewriteFunction

    def downloadSample(self, sampleName: str) -> None:
        """Load a source by its name, for scripts: its own downloader is for its button only."""
        self.downloadFromSource(next(each for each in self.sources if each.sampleName == sampleName))

    def downloadFromSource(self, source: Any) -> None:
        """Load what lies in the cache: Slicer compares the checksum and downloads nothing if it is right."""
        import slicer

        for rewrite in self.rules.values():
            rewrite(source.uris[0])
        path = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory()) / source.fileNames[0]
        algorithm, _, digest = (source.checksums[0] or "").partition(":")
        if algorithm:
            assert (algorithm, hashlib.sha256(path.read_bytes()).hexdigest()) == ("SHA256", digest)
        self.loaded.append(str(path))


@pytest.fixture
def sources(core: Any, scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The module's sources by name, with an empty cache of Slicer's."""
    monkeypatch.setattr(SampleDataLogic, "sources", [])
    monkeypatch.setattr(SampleDataLogic, "rules", {})
    monkeypatch.setattr(SampleDataLogic, "loaded", [])
    module = ModuleType("SampleData")
    vars(module)["SampleDataLogic"] = SampleDataLogic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    # There is no window to show an error in; here it goes to the test.
    monkeypatch.setattr("slicer.util.tryWithErrorDisplay", lambda message, waitCursor: nullcontext())
    manager = scene.GetCacheManager()
    before = manager.GetRemoteCacheDirectory()
    manager.SetRemoteCacheDirectory(str(tmp_path))
    from LungUNetSeg import registerSampleData

    registerSampleData()
    yield {each.sampleName: each for each in SampleDataLogic.sources}
    manager.SetRemoteCacheDirectory(before)


def test_the_phantom_needs_no_network(sources: dict[str, Any]) -> None:
    source = sources["LungPhantom"]
    source.customDownloader(source)
    (path,) = SampleDataLogic.loaded
    np.testing.assert_array_equal(read_scan(path).volume.array, make_phantom(rng=1).ct.array)


def test_the_phantom_is_computed_once(sources: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / PHANTOM_FILE).write_bytes(b"here already")
    sources["LungPhantom"].customDownloader(sources["LungPhantom"])
    assert (tmp_path / PHANTOM_FILE).read_bytes() == b"here already"


def test_the_scan_is_fetched_into_slicers_cache(
    sources: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(folder: Path) -> None:
        (folder / sample.FILE_NAME).write_bytes(b"scan")

    monkeypatch.setattr(sample, "fetch", fetch)
    source = sources["LungCT"]
    source.checksums = [f"SHA256:{hashlib.sha256(b'scan').hexdigest()}"]
    source.customDownloader(source)
    assert SampleDataLogic.loaded == [str(tmp_path / sample.FILE_NAME)]


def test_scripts_get_both_by_name(sources: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``SampleData.downloadSample("LungCT")``, which passes by what a source's button does, with an empty cache."""
    monkeypatch.setattr(sample, "fetch", lambda folder: (folder / sample.FILE_NAME).write_bytes(b"scan"))
    sources["LungCT"].checksums = [f"SHA256:{hashlib.sha256(b'scan').hexdigest()}"]
    for name in ("LungCT", "LungPhantom"):
        SampleDataLogic().downloadSample(name)
    assert SampleDataLogic.loaded == [str(tmp_path / sample.FILE_NAME), str(tmp_path / PHANTOM_FILE)]
    assert all(Path(path).is_file() for path in SampleDataLogic.loaded)


def test_other_modules_samples_are_none_of_ours(sources: dict[str, Any], tmp_path: Path) -> None:
    """Slicer sends every sample's URI through the rule."""
    uri = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/4507b664690840abb6cb9af2d919377ffc4ef7"
    assert [rewrite(uri) for rewrite in SampleDataLogic.rules.values()] == [uri]
    assert list(tmp_path.iterdir()) == []


def test_slicer_and_the_demo_ask_for_the_same_bytes(sources: dict[str, Any]) -> None:
    assert sources["LungCT"].checksums == [f"SHA256:{sample.SHA256}"]
