"""Writes a result in every format that the command line writes, for a browser to save."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.evaluation.report.lungs_page import write_lungs_page
from LungUNetSegLib.evaluation.report.preview import draw_aeration, draw_preview
from LungUNetSegLib.files import write_json
from LungUNetSegLib.io import Scan, write_image, write_labels
from LungUNetSegLib.io.dicom_objects.common import write_object
from LungUNetSegLib.io.dicom_objects.identity import Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.results import DicomOptions, files_of, make_objects
from LungUNetSegLib.io.dicom_objects.source import read_source
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS, OUTPUT_ENDINGS, DicomFormat, stem_of
from LungUNetSegLib.measures.density_map import density_map
from LungUNetSegLib.measures.region_map import region_map
from LungUNetSegLib.segmentation.table import write_table
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Volume

LABEL_MAPS = {
    ".seg.nrrd": "Segmentation of 3D Slicer (.seg.nrrd)",
    ".nii.gz": "NIfTI, compressed (.nii.gz)",
    ".nii": "NIfTI (.nii)",
    ".nrrd": "NRRD (.nrrd)",
    ".mha": "MetaImage (.mha)",
}
assert set(LABEL_MAPS) == set(OUTPUT_ENDINGS), "the page offers what the command line writes"

DICOM: dict[DicomFormat, str] = {
    "dicom-seg": "DICOM segmentation (.dcm)",
    "rtstruct": "DICOM contours, RTSTRUCT (.rtstruct.dcm)",
    "dicom-sr": "DICOM report with its segmentation (.zip)",
}

OTHERS = {
    "report.html": "Report with pictures (.html)",
    "csv": "Table of volumes and densities (.csv)",
    "json": "All numbers for programs (.json)",
    "regions.seg.nrrd": "Regions of the lungs (.regions.seg.nrrd)",
    "density.nii.gz": "Map of local density, HU (.density.nii.gz)",
}

DIVISION = "thirds-by-height"


def offered(scan: Scan) -> list[dict[str, str]]:
    """Return name and title of each download; DICOM needs a scan that came as DICOM."""
    dicom = {f"dicom:{kind}": title for kind, title in DICOM.items()} if scan.slices else {}
    names = {ending.removeprefix("."): title for ending, title in LABEL_MAPS.items()} | dicom | OTHERS
    return [{"name": name, "title": title} for name, title in names.items()]


def plain_stem(name: str) -> str:
    """Return a scan's name as the beginning of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", stem_of(Path(name))).strip("._") or "scan"


def write(
    wanted: str,
    folder: Path,
    name: str,
    scan: Scan,
    labels: Volume,
    segments: tuple[Segment, ...],
    result: Mapping[str, Any],
) -> Path:
    """Write one download into a folder; return its file.

    Args:
        wanted: A name of `offered`.
        folder: Of the file.
        name: The scan's, for people.
        scan: The scan.
        labels: uint8, on the scan's grid.
        segments: What they mean.
        result: What `lungunetseg segment --json` writes.

    Raises:
        LungUNetSegError: It cannot be written; says why.
    """
    stem = f"{plain_stem(name)}-lungs"
    if f".{wanted}" in LABEL_MAPS:
        path = folder / f"{stem}.{wanted}"
        write_labels(path, labels, segments, is_result=True, forms=scan.forms)
        return path
    kind = next((each for each in DICOM if wanted == f"dicom:{each}"), None)
    if kind is not None:
        return _write_dicom(kind, folder / f"{stem}{DICOM_OUTPUT_ENDINGS[kind]}", scan, labels, segments, result)
    if wanted not in OTHERS:
        raise ReadError(f"There is no download {wanted!r}.")
    summary = {**result, "input": name, "series_uid": scan.series_uid, "output": f"{stem}.seg.nrrd"}
    path = folder / f"{stem}.{wanted}"
    if wanted == "json":
        write_json(path, summary)
    elif wanted == "csv":
        write_table(path, [summary])
    elif wanted == "report.html":
        preview = draw_preview(scan.volume, labels, segments)
        write_lungs_page(path, summary, preview, draw_aeration(scan.volume, labels))
    elif wanted == "density.nii.gz":
        write_image(path, density_map(labels, scan.volume))
    else:
        drawn, parts = region_map(labels, segments, DIVISION)
        write_labels(path, drawn, parts, is_result=True, forms=scan.forms)
    return path


def _write_dicom(
    kind: DicomFormat,
    path: Path,
    scan: Scan,
    labels: Volume,
    segments: tuple[Segment, ...],
    result: Mapping[str, Any],
) -> Path:
    said = LungResult(
        labels=labels,
        segments=segments,
        volumes_ml=_known(result["volumes_ml"]),
        mean_hu=_known(result["mean_hu"]),
        density=_known(result["density"]),
        confidence=result["quality"].get("confidence"),
    )
    files = files_of(path, kind)
    maker = Maker(model=result["model"]["name"], sha256=result["model"]["sha256"])
    objects, _ = make_objects(tuple(files), said, read_source(scan), maker, DicomOptions())
    for each, file in files.items():
        write_object(objects[each], file)
    if len(files) == 1:
        return path
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files.values():
            archive.write(file, file.name)
    return packed


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are known: both lungs have none of the separate ones if they are one label."""
    return {name: value for name, value in values.items() if value is not None}
