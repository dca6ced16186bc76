"""The child process behind the panel: it runs the library's command line, and ends when Slicer does.

``python -m LungUNetSegSlicer.run.segmentation_child FOLDER [--surfaces] [options of lungunetseg segment]`` waits for
``FOLDER/scan.nrrd``, segments it and leaves its results there, in the files named below. Progress goes to stdout, one
JSON object a line; an error is one line on stderr. This file knows neither Qt nor MRML: PythonSlicer has no
application.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from LungUNetSegSlicer.run.guard import guard

SCAN = "scan.nrrd"
"""The last file that Slicer writes; it is complete once it has this name."""

DICOM_FILES = "dicom-files.json"
LABELS = "labels.nrrd"
RESULT = "result.json"
LUNGS_BOX = "lungs.npy"
"""The box of the label map that holds lung. Slicer reads it quickly, however long the scan, as it is not an archive."""

FIRST_VOXEL = "first.npy"
"""The index of the box's first voxel in the label map."""

NETWORK_MASK = "network-mask.txt"
"""The whole label map as a text, which is kept with the segmentation."""

LOOK_EVERY_S = 0.02


def surface_file(label: int) -> str:
    """Return the name of the file with the surface of a label."""
    return f"surface-{label}.vtp"


def main(arguments: Sequence[str]) -> int:
    """Segment the scan in a folder; return the exit status of `lungunetseg segment`."""
    folder = Path(arguments[0])
    guard(folder)
    from LungUNetSegLib.cli import main as lungunetseg

    while not (folder / SCAN).exists():
        time.sleep(LOOK_EVERY_S)
    options = [each for each in arguments[1:] if each != "--surfaces"]
    files = [str(folder / SCAN), "-o", str(folder / LABELS), "--json", str(folder / RESULT)]
    status = lungunetseg(["segment", *files, "--progress", "json", *options])
    # The file is large, and removing it later would keep Slicer's user waiting.
    (folder / SCAN).unlink()
    if status == 0:
        try:
            _add_findings(folder)
            _hand_back(folder, with_surfaces="--surfaces" in arguments)
        except OSError as error:
            print(f"lungunetseg: {error}", file=sys.stderr)
            return 1
    return status


def _add_findings(folder: Path) -> None:
    """Add findings from the scan's DICOM headers, since Slicer made an even volume of whatever slices it loaded."""
    if not (folder / DICOM_FILES).exists():
        return
    from LungUNetSegLib.errors import ReadError
    from LungUNetSegLib.findings import Finding
    from LungUNetSegLib.io.dicom.copies import check_copies, differing
    from LungUNetSegLib.io.dicom.headers import read_headers
    from LungUNetSegLib.io.dicom.series import group_series, namesakes
    from LungUNetSegLib.io.dicom.stack import lay_out
    from LungUNetSegLib.measures import acquisition_of, judge

    files = [Path(file) for file in json.loads((folder / DICOM_FILES).read_text(encoding="utf-8"))]
    slices, _ = read_headers([file for file in files if file.is_file()])
    if not slices:
        return
    found = group_series(slices)
    series = found[0]
    try:
        findings = lay_out(series.stack, series.title).findings
    except ReadError as error:
        findings = (Finding("uneven-slices", str(error)),)
    findings += differing(header for each in namesakes(series, found) for header in each.slices)
    try:
        findings += check_copies(series.copies)
    except ReadError as error:
        findings += (Finding("copies-differ", str(error)),)
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    result["acquisition"], doubts = judge(result["acquisition"], acquisition_of(series.stack.slices))
    own = [each for each in result["findings"] if each["code"] != "density-in-doubt"]  # judged without the headers
    if result["volumes_ml"]["total"]:
        own += [asdict(finding) for finding in doubts]
    result["findings"] = [asdict(finding) for finding in findings] + own
    (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")


def _hand_back(folder: Path, with_surfaces: bool) -> None:
    """Write the files that Slicer will read, in forms that load quickly."""
    import numpy as np

    from LungUNetSegLib.segmentation.network_mask import to_text
    from LungUNetSegLib.volume import bounding_box
    from LungUNetSegLib.volume.resample import from_sitk, itk

    labels = from_sitk(itk().ReadImage(str(folder / LABELS)))
    box = bounding_box(labels.array)
    np.save(folder / LUNGS_BOX, labels.array[box])
    np.save(folder / FIRST_VOXEL, [axis.start for axis in box])
    (folder / NETWORK_MASK).write_text(to_text(labels), encoding="ascii")
    present = [label for label in (1, 2) if with_surfaces and (labels.array[box] == label).any()]
    for done, label in enumerate(present):
        from LungUNetSegSlicer.scene.surfaces import make_surface, write_surface

        print(json.dumps({"stage": "surface", "done": done, "total": len(present)}), flush=True)
        write_surface(make_surface(labels, label), folder / surface_file(label))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
