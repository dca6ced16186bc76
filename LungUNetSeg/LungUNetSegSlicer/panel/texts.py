"""What the panel says: stages, results and warnings as translated text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

from slicer.i18n import tr as _


def stage_text(stage: str) -> str:
    """Return what a run is doing, by the name that the command line and `SegmentationRun` give its stages."""
    texts = {
        "start": _("Handing over the scan"),
        "read": _("Reading the scan"),
        "segment": _("Segmenting"),
        "restore": _("Bringing the lungs to the scan's own pixels"),
        "write": _("Writing the result"),
        "surface": _("Making surfaces for 3D"),
        "load": _("Loading the result"),
    }
    return texts.get(stage, stage)


def progress_text(stage: str, done: int, total: int, seconds_left: float | None) -> str:
    """Return the stage with slices done, slices to do and the time left."""
    text = stage_text(stage)
    if stage in ("segment", "restore") and total:
        text = _("{stage}: {done} of {total} slices").format(stage=text, done=done, total=total)
    if seconds_left is not None:
        text = _("{progress}, about {time} left").format(progress=text, time=duration_text(seconds_left))
    return text


def duration_text(seconds: float) -> str:
    """Return a duration as people say it."""
    whole = max(1, round(seconds))
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)


def segment_names() -> dict[str, str]:
    """Return what a result's keys are called."""
    return {"right": _("Right lung"), "left": _("Left lung"), "total": _("Both lungs")}


def result_rows(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (segment, volume in ml, mean density in HU) for each lung that was told apart, and for both."""
    return [
        (name, _number(result["volumes_ml"].get(key)), _number(result["mean_hu"].get(key)))
        for key, name in segment_names().items()
        if result["volumes_ml"].get(key) is not None
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}".replace("-", "\N{MINUS SIGN}")


def time_text(result: Mapping[str, Any]) -> str:
    """Return how long the run took, from click to segments, and on what."""
    time = duration_text(result["elapsed_s"])
    return _("Done in {time} with {engine}.").format(time=time, engine=result["engine"])


def warnings_html(findings: Iterable[Mapping[str, str]]) -> str:
    """Return findings as rich text: what it is, in the user's language, and the details."""
    lines = []
    for finding in findings:
        heading = _heading(finding["code"])
        message = html.escape(finding["message"])
        lines.append(f"\N{WARNING SIGN} <b>{html.escape(heading)}</b> {message}" if heading else f"⚠ {message}")
    return "<br>".join(lines)


def _heading(code: str) -> str:
    """Return a finding's heading by its code; none for a code that is not known here."""
    headings = {
        "not-hu": _("Perhaps not a CT in Hounsfield units."),
        "no-air": _("Perhaps not a CT in Hounsfield units."),
        "no-lung": _("No lung found."),
        "lung-cut": _("Lung cut by the end of the scan."),
        "small-lung": _("One lung is small."),
        "sides-in-doubt": _("Right and left are in doubt."),
        "stray-parts": _("Separate parts removed."),
        "low-confidence": _("Uncertain result."),
        "uneven-slices": _("Uneven slices."),
        "missing-slices": _("Slices are missing."),
        "dicom-gaps": _("Not all of the lungs has images."),
        "duplicate-slices": _("Slices lie twice at one place."),
        "single-slice": _("A single slice."),
        "gantry-tilt": _("Tilted gantry."),
        "sheared-grid": _("Sheared volume."),
        "nan-voxels": _("Voxels without a number."),
        "jittering-slices": _("Slices turned against each other."),
        "joined-series": _("Several series joined."),
        "several-patients": _("Several patients."),
        "scale-in-doubt": _("Perhaps not a CT in Hounsfield units."),
        "rescaled": _("Values were rescaled."),
        "more-data": _("More data than the header says."),
        "place-in-doubt": _("The place in the patient is in doubt."),
        "beyond-scanner": _("Values beyond any scanner."),
        "small-image": _("Unusually small scan."),
        "dense-lung": _("Lung as dense as soft tissue."),
        "volume-of-no-human": _("No human has lungs of this volume."),
        "spine-in-front": _("Front and back are in doubt."),
        "heart-on-the-right": _("Right and left are in doubt."),
        "lungs-upside-down": _("Head and feet are in doubt."),
        "under-transform": _("Volume under a transform."),
        "engine-fallback": _("A fallback engine was used."),
    }
    return headings.get(code, "")
