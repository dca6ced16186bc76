"""Runs ``make demo``: segments a chest CT with the module's logic on Slicer's own core, and writes all results.

``python -m LungUNetSegSlicer.server.demo [CT]`` takes the sample scan, or the user's own. If the sample can neither be
downloaded nor found in the cache, the phantom, written as DICOM, is used instead.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LungUNetSegLib import sample
from LungUNetSegLib.cli.progress import make_progress
from LungUNetSegLib.errors import LungUNetSegError, MissingDependencyError, ReadError, WriteError
from LungUNetSegLib.evaluation.compare import RegionScores, compare
from LungUNetSegLib.evaluation.evaluate import describe_comparison
from LungUNetSegLib.files import finite, make_folder, write_json
from LungUNetSegLib.io import Scan, check_writable, read_labels, read_scan, write_dicom_series, write_labels
from LungUNetSegLib.models.model import DEFAULT_MODEL, load_model
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.segmentation.result import Segmentation
from LungUNetSegLib.segmentation.summary import report
from LungUNetSegLib.segments import LUNG_TITLES
from LungUNetSegLib.volume import Volume
from LungUNetSegSlicer import server
from LungUNetSegSlicer.server.demo_page import write_page

SEGMENTATION, LABELS, SCENE, VIEWS = "lungs.seg.nrrd", "lungs.nii.gz", "lungs.mrb", "views.png"
PAGE, NUMBERS = "report.html", "lungs.json"
OUTPUTS = (PAGE, VIEWS, SCENE, SEGMENTATION, LABELS, NUMBERS)
"""The output files: first those for people, then those for programs."""

OLD_OUTPUTS = ("report.json",)
"""Files that earlier versions wrote and this one does not."""


@dataclass(frozen=True, eq=False)
class Case:
    """A scan, its display name, and the reference labels if there are any."""

    name: str
    scan: Scan
    reference: Volume | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description="Segment the sample scan, or CT, and show it.")
    parser.add_argument("ct", type=Path, nargs="?", metavar="CT", help="a DICOM folder or an image file")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="the folder for the results")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a shipped model, a model's folder or a checkpoint")
    options = parser.parse_args(arguments)
    try:
        run(options.ct, options.output, options.model)
    except LungUNetSegError as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    return 0


def run(ct: Path | None, output: Path, model: str = DEFAULT_MODEL) -> None:
    """Segment a scan and write the outputs into a folder.

    Args:
        ct: The user's scan; the sample if None.
        output: Created if missing; the files of an earlier run are replaced.
        model: As for `load_model`.

    Raises:
        LungUNetSegError: The scan, the model or the machine cannot be used, or the folder cannot be written.
    """
    started = time.perf_counter()
    make_folder(output)
    check_writable(output / LABELS)  # now rather than at the end
    case = _find_case(ct, output)
    print(case.scan.description, flush=True)
    core = server.start()
    # Only possible once Slicer's core has started.
    from LungUNetSegSlicer.logic import LungLogic
    from LungUNetSegSlicer.scene.volume_bridge import add_volume_node

    volume_node = add_volume_node(case.scan.volume, case.name)
    progress = make_progress("auto")
    segmentation_node, result = LungLogic().segment(volume_node, model=model, show3d=True, progress=progress)
    progress.close()
    result = replace(result, findings=case.scan.findings + result.findings)
    comparison = compare(result.labels, case.reference) if case.reference else None
    scores = comparison.regions if comparison else ()

    _remove_old(output)
    write_labels(output / LABELS, result.labels, result.segments, is_result=True)
    _write_segmentation(segmentation_node, output / SEGMENTATION)
    _draw(core, volume_node, segmentation_node, result, output / VIEWS)
    _write_scene(core, output / SCENE)
    summary = report(result, load_model(model)) | {
        "input": str(case.scan.source),
        "series_uid": case.scan.series_uid,
        "output": str(output / LABELS),
        "scores": {each.name: {"dsc": finite(each.dsc), "hd95_mm": finite(each.hd95_mm)} for each in scores},
        "total_seconds": time.perf_counter() - started,
    }
    write_json(output / NUMBERS, summary)
    scored = describe_comparison(case.name, comparison, case.scan.volume) if comparison else None
    write_page(output / PAGE, case.name, summary, scored, output / VIEWS)
    _print(summary, scores, output)


def _remove_old(output: Path) -> None:
    """Remove the files of an earlier run, so that no old file is taken for a new one."""
    try:
        for name in (*OUTPUTS, *OLD_OUTPUTS):
            (output / name).unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{output}: cannot be written: {error.strerror}. Choose another folder.") from error


def _find_case(ct: Path | None, output: Path) -> Case:
    if ct is not None:
        return Case(ct.resolve().name, read_scan(ct), None)
    try:
        return Case(sample.NAME, read_scan(sample.fetch()), read_labels(sample.MASK))
    except ReadError as error:
        print(f"{error}\nThe synthetic phantom is used instead.", flush=True)
    phantom = make_phantom(rng=1)
    folder = output / "phantom"
    write_dicom_series(phantom.ct, folder)
    return Case("Phantom", read_scan(folder), phantom.labels)


def _draw(core: Any, volume_node: Any, segmentation_node: Any, result: Segmentation, path: Path) -> None:
    """Draw the views; on a machine that cannot draw, the other results are still written."""
    from LungUNetSegSlicer.server.picture import render_views

    volumes_ml = (result.volumes_ml["right"], result.volumes_ml["left"])
    legend = {
        segment.segment_id: f"{segment.name}  {ml:.0f} ml"
        for segment, ml in zip(result.segments, volumes_ml, strict=True)
    }
    try:
        render_views(core, volume_node, segmentation_node, legend, path)
    except MissingDependencyError as error:
        print(f"{path.name} was not written. {error}", flush=True)


def _write_segmentation(segmentation_node: Any, path: Path) -> None:
    """Save a segmentation with Slicer's own writer: names, colours, terminology."""
    from slicer import vtkMRMLSegmentationStorageNode

    storage = vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    if not storage.WriteData(segmentation_node):
        raise WriteError(f"{path}: Slicer could not write the segmentation. Is the disk full?")


def _write_scene(core: Any, path: Path) -> None:
    """Save all nodes and their data in one file that Slicer opens, with the views as they were drawn."""
    if not core.io_manager.write_scene(path):
        raise WriteError(f"{path}: Slicer could not write the scene. Is the disk full?")


def _print(summary: dict[str, Any], scores: Sequence[RegionScores], output: Path) -> None:
    by_title = {each.title: each for each in scores}
    for key, title in LUNG_TITLES.items():
        line = f"{title:<10} {summary['volumes_ml'][key]:5.0f} ml"
        if title in by_title:
            line += f"   DSC {by_title[title].dsc:.4f}   HD95 {by_title[title].hd95_mm:.1f} mm"
        print(line)
    for finding in summary["findings"]:
        print(f"note: {finding['message']}")
    seconds = sum(summary["seconds"].values())
    print(f"segmented in {seconds:.1f} s with {summary['engine']}; {summary['total_seconds']:.1f} s in all")
    print(f"{output}/: {', '.join(name for name in OUTPUTS if (output / name).exists())}")


if __name__ == "__main__":
    sys.exit(main())
