"""The panel's translated texts: stages, results and warnings."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from slicer.i18n import tr as _

from LungUNetSegLib.texts import number_text


def stage_text(stage: str) -> str:
    """Return the text for a stage, given the name that the command line and `SegmentationRun` use."""
    texts = {
        "start": _("Handing over the scan"),
        "read": _("Reading the scan"),
        "segment": _("Segmenting"),
        "restore": _("Resampling the lungs to the scan's grid"),
        "write": _("Writing the result"),
        "surface": _("Making surfaces for 3D"),
        "load": _("Loading the result"),
    }
    return texts.get(stage, stage)


def progress_text(stage: str, done: int, total: int, seconds_left: float | None) -> str:
    """Return the stage with its progress in slices and the remaining time."""
    text = stage_text(stage)
    if stage in ("segment", "restore") and total:
        text = _("{stage}: {done} of {total} slices").format(stage=text, done=done, total=total)
    if seconds_left is not None:
        text = _("{progress}, about {time} left").format(progress=text, time=duration_text(seconds_left))
    return text


def batch_text(stage: str, done: int, total: int) -> str:
    """Return how far a batch is."""
    texts = {
        "start": _("Handing over scan {done} of {total}"),
        "plan": _("Looking for scans: {done} of {total} files"),
        "batch": _("{done} of {total} scans"),
    }
    return texts.get(stage, stage).format(done=done, total=total)


def finetune_text(stage: str) -> str:
    """Return what a fine-tuning is doing."""
    texts = {
        "cache": _("Reading the cases"),
        "train": _("Training"),
        "validate": _("Trying the new weights"),
        "score": _("Segmenting the test scans with the old and the new model"),
    }
    return texts.get(stage, stage)


def contradiction_text() -> str:
    """Return what is said of `RunSettings.contradictory`."""
    return _("Choose PyTorch or Automatic as the engine: other engines support neither GPUs nor checkpoints.")


def not_installed_text(title: str) -> str:
    """Return what is said when the user has not let an engine be installed."""
    return _("Nothing was installed. Without {title} the lungs cannot be segmented.").format(title=title)


def averaging_text() -> str:
    """Return what is said while the map of local density is made."""
    return _("Averaging the density...")


def density_map_text() -> str:
    """Return what the colours of the map of local density mean."""
    return _("Mean density of about 10 mm around each place, from −1000 HU (blue) to −600 HU (red).")


def duration_text(seconds: float) -> str:
    """Return a duration in words."""
    whole = max(1, round(seconds))
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)


def segment_names() -> dict[str, str]:
    """Return the display names of a result's keys."""
    return {"right": _("Right lung"), "left": _("Left lung"), "total": _("Both lungs")}


def result_rows(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (segment, volume in ml, mean density in HU) for each separate lung, and for both together."""
    return [
        (name, number_text(result["volumes_ml"].get(key)), number_text(result["mean_hu"].get(key)))
        for key, name in segment_names().items()
        if result["volumes_ml"].get(key) is not None
    ]


def signed_text(value: float | None, key: str) -> str:
    """Return a change with its sign, with a decimal for shares in %."""
    return number_text(value, int(key.endswith("_percent")), signed=True)


def time_text(result: Mapping[str, Any]) -> str:
    """Return how long the run took, from click to segments, and with which engine."""
    time = duration_text(result["elapsed_s"])
    return _("Done in {time} with {engine}.").format(time=time, engine=result["engine"])


def warnings_html(findings: Iterable[Mapping[str, str]]) -> str:
    """Return findings as rich text: a heading in the user's language, and the details."""
    lines = []
    for finding in findings:
        heading = finding_heading(finding["code"])
        message = html.escape(finding["message"])
        lines.append(f"⚠ <b>{html.escape(heading)}</b> {message}" if heading else f"⚠ {message}")
    return "<br>".join(lines)


def reason_text(reason: str) -> str:
    """Return what to look at in a slice, by the reason of its doubt."""
    texts = {
        "dense": _("Dense: hilum, wall, diaphragm, lesion"),
        "unsure": _("Where the network is unsure"),
        "unlike-neighbours": _("Unlike the slices above and below"),
        "cleaned": _("Parts that cleaning removed or added"),
    }
    return texts.get(reason, reason)


def disagreement_text(kind: str) -> str:
    """Return what differs, by the kind of a disagreement."""
    texts = {
        "left-out": _("left out"),
        "taken-in": _("taken in"),
        "other-side": _("to the other lung"),
    }
    return texts.get(kind, kind)


def place_text(lung: str, third: str) -> str:
    """Return where a disagreement lies."""
    thirds = {"apical": _("apical third"), "middle": _("middle third"), "basal": _("basal third")}
    return _("{lung}, {third}").format(lung=segment_names().get(lung, lung), third=thirds.get(third, third))


def finding_heading(code: str) -> str:
    """Return a finding's heading by its code; an empty text for an unknown code."""
    headings = {
        "not-hu": _("The values may not be Hounsfield units."),
        "no-air": _("The values may not be Hounsfield units."),
        "no-lung": _("No lung found."),
        "lung-cut": _("Lung cut off."),
        "small-lung": _("Unusually small lung."),
        "sides-in-doubt": _("Right and left may be swapped."),
        "stray-parts": _("Separate parts removed."),
        "fluid-removed": _("Fluid removed."),
        "low-confidence": _("Uncertain result."),
        "uneven-slices": _("Uneven slice spacing."),
        "missing-slices": _("Slices are missing."),
        "dicom-gaps": _("Gaps in the DICOM object."),
        "duplicate-slices": _("Duplicate slices."),
        "copied-files": _("Copies of files."),
        "copies-differ": _("Different images with the same identifiers."),
        "single-slice": _("Single slice."),
        "gantry-tilt": _("Tilted gantry."),
        "sheared-grid": _("Sheared volume."),
        "nan-voxels": _("Voxels without a value."),
        "jittering-slices": _("Slices with different orientations."),
        "joined-series": _("Several series joined."),
        "several-patients": _("Several patients."),
        "scale-in-doubt": _("The values may not be Hounsfield units."),
        "rescaled": _("Values were rescaled."),
        "more-data": _("More data than the header declares."),
        "place-in-doubt": _("Uncertain position in the patient."),
        "projected": _("Projections of many slices."),
        "not-human": _("Not a human."),
        "spacing-in-doubt": _("Uncertain voxel size."),
        "slices-out-of-order": _("Slices may be out of order."),
        "unreadable-files": _("Files that cannot be read."),
        "more-bits": _("Values of more bits than declared."),
        "beyond-scanner": _("Values outside a scanner's range."),
        "small-image": _("Unusually small scan."),
        "dense-lung": _("Lung as dense as soft tissue."),
        "gas-in-lung": _("Gas without tissue in the lungs."),
        "solid-behind-lung": _("Solid tissue behind a lung."),
        "uniform-lung": _("Lung without structure."),
        "density-in-doubt": _("Density in doubt."),
        "volume-of-no-human": _("Too large for human lungs."),
        "spine-in-front": _("Front and back may be swapped."),
        "heart-on-the-right": _("Right and left may be swapped."),
        "lungs-upside-down": _("Head and feet, or front and back, may be swapped."),
        "under-transform": _("Volume under a transform."),
        "lung-removed": _("A lung is missing."),
        "lungs-overlap": _("The lungs overlap."),
        "mask-resampled": _("Mask on another grid."),
        "same-scan": _("Both scans are the same."),
        "one-lung": _("A lung is missing."),
        "breath-differs": _("Different breath."),
        "kernel-differs": _("Different kernels."),
        "thickness-differs": _("Different slice thickness."),
        "contrast-differs": _("Different contrast agent."),
        "engine-fallback": _("A fallback engine was used."),
    }
    return headings.get(code, "")
