"""The module Sample Data, as far as the module speaks to it: its sources, and what each URI goes through."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


class SampleDataLogic:
    """Stands for Slicer's Modules/Scripted/SampleData/SampleData.py, as far as it knows of sources."""

    sources: list[SimpleNamespace] = []
    rules: dict[str, Any] = {}
    loaded: list[str] = []
    adds_nodes = False
    """Whether what is loaded becomes a node; scripts without a scene look at `loaded`."""

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

    def downloadSample(self, sampleName: str) -> Any:
        """Load a source by its name and return its node, for scripts: its own downloader is for its button only."""
        nodes = self.downloadFromSource(next(each for each in self.sources if each.sampleName == sampleName))
        return nodes[0] if nodes else None

    def downloadFromSource(self, source: Any) -> list[Any]:
        """Load what lies in the cache: Slicer compares the checksum and downloads nothing if it is right."""
        import slicer

        for rewrite in self.rules.values():
            rewrite(source.uris[0])
        path = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory()) / source.fileNames[0]
        algorithm, _, digest = (source.checksums[0] or "").partition(":")
        if algorithm:
            assert (algorithm, hashlib.sha256(path.read_bytes()).hexdigest()) == ("SHA256", digest)
        self.loaded.append(str(path))
        if self.adds_nodes:
            import SimpleITK as sitk

            array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", source.nodeNames[0])
            slicer.util.updateVolumeFromArray(node, array)
            return [node]
        return []


@contextmanager
def installed(folder: Path) -> Iterator[type[SampleDataLogic]]:
    """Let ``import SampleData`` find the stand-in, with nothing registered and `folder` as Slicer's cache."""
    import slicer

    class Logic(SampleDataLogic):
        sources: list[SimpleNamespace] = []
        rules: dict[str, Any] = {}
        loaded: list[str] = []

    module = ModuleType("SampleData")
    vars(module)["SampleDataLogic"] = Logic
    before, manager = sys.modules.get("SampleData"), slicer.mrmlScene.GetCacheManager()
    sys.modules["SampleData"] = module
    cache = manager.GetRemoteCacheDirectory()
    manager.SetRemoteCacheDirectory(str(folder))
    try:
        yield Logic
    finally:
        manager.SetRemoteCacheDirectory(cache)
        sys.modules.pop("SampleData")
        if before is not None:
            sys.modules["SampleData"] = before
