"""Cases to learn from and to test on: where their scan and mask lie, found in each folder layout that is known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from LungUNetSegLib.errors import DataError

MASK_ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".mhd", ".npz", ".dcm")
"""Longest match first: what a mask's file name may end on. A DICOM SEG or RTSTRUCT ends on .dcm."""

IMAGE_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")
MASK_SUFFIXES = ("_seg", "_mask", "_lungs", "_label", "-label", "-mask", "-seg")
PAIR_FOLDERS = (("Images", "Segmentations"), ("images", "masks"), ("images", "labels"), ("imagesTr", "labelsTr"))
"""Folders of images and of masks that lie side by side; the first are the paper's."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One scan with its lung mask.

    Attributes:
        case_id: Unique in its data set.
        patient: Cases of one patient are never split between training and test.
        image: Folder with one DICOM series, or an image file.
        mask: Label map (1 right lung, 2 left), or a file that `read_labels` takes.
        ignore: Label map whose voxels above 0 are left out of loss and score.
    """

    case_id: str
    patient: str
    image: Path
    mask: Path
    ignore: Path | None = None


def find_cases(root: Path, exclude: Sequence[str] = ()) -> list[Case]:
    """List the cases under `root`, sorted by case id.

    Known layouts, each at `root` or one or two folders deeper:
    `<case>/ct/*.dcm` with `<case>/lungs.*` (and `ignore.*`); the paper's `Images/Case_XXX` with
    `Segmentations/Case_XXX_seg.npz`; `images` beside `masks` or `labels`; image files beside masks whose names end
    on `_seg`, `_mask` or the like, or on `.seg.nrrd`. The patient is taken from an `index.csv` beside the cases
    (columns `case` and `patient`), else from the DICOM PatientID, else it is the case.

    Args:
        root: Folder of the data set.
        exclude: Case ids and patients to leave out.

    Raises:
        DataError: No such folder, no case in it, a scan without mask, a mask without scan, one id twice.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}; give the data set's folder.")
    cases: list[Case] = []
    for folder in _folders(root):
        for layout in _LAYOUTS:
            cases.extend(layout(folder))
    if not cases:
        raise DataError(
            f"{root} holds no case: expected <case>/ct with <case>/lungs.nii.gz, Images with Segmentations, "
            "or image files beside masks named *_mask, *_seg or *.seg.nrrd."
        )
    seen: dict[str, Case] = {}
    for case in cases:
        if case.case_id in seen:
            other = seen[case.case_id].image
            raise DataError(f"Two cases are named {case.case_id}: {other} and {case.image}; rename one.")
        seen[case.case_id] = case
    unwanted = set(exclude)
    return sorted(
        (case for case in cases if not unwanted & {case.case_id, case.patient}), key=lambda case: case.case_id
    )


def _folders(root: Path) -> Iterator[Path]:
    """`root` and its folders down to two levels, without those that belong to a case or are hidden."""
    yield root
    inner = {name for pair in PAIR_FOLDERS for name in pair} | {"ct"}
    for pattern in ("*/", "*/*/"):
        for folder in sorted(root.glob(pattern)):
            parts = folder.relative_to(root).parts
            if folder.is_dir() and not inner & set(parts) and not any(part.startswith(".") for part in parts):
                yield folder


def _case_folder(folder: Path) -> Iterator[Case]:
    """The layout `<case>/ct` with `<case>/lungs.*`."""
    scan, mask = folder / "ct", _with_ending(folder / "lungs", MASK_ENDINGS)
    if not scan.is_dir() and mask is None:
        return
    _require_pair(scan if scan.is_dir() else None, mask, folder)
    assert mask is not None
    yield Case(
        case_id=folder.name,
        patient=_patient(folder.name, scan, folder.parent),
        image=scan,
        mask=mask,
        ignore=_with_ending(folder / "ignore", MASK_ENDINGS),
    )


def _side_by_side(folder: Path) -> Iterator[Case]:
    """The paper's layout and its relatives: a folder of images beside a folder of masks."""
    for image_folder, mask_folder in PAIR_FOLDERS:
        images, masks = folder / image_folder, folder / mask_folder
        if not (images.is_dir() and masks.is_dir()):
            continue
        by_name = _by_name(_files(masks, MASK_ENDINGS))
        scans = {_stem(scan): scan for scan in _files(images, IMAGE_ENDINGS)}
        scans |= {scan.name: scan for scan in images.iterdir() if scan.is_dir()}
        for name in sorted(by_name.keys() | scans.keys()):
            scan, mask = scans.get(name), by_name.get(name)
            _require_pair(scan, mask, folder / name)
            assert scan is not None and mask is not None
            yield Case(case_id=name, patient=_patient(name, scan, folder), image=scan, mask=mask)
        return


def _pairs_in_folder(folder: Path) -> Iterator[Case]:
    """Image files beside masks of the same name with `_seg`, `_mask` or the like, or on `.seg.nrrd`, Slicer's own."""
    if (folder / "ct").is_dir():
        return
    files = _files(folder, MASK_ENDINGS)
    masks = [path for path in files if path.name.endswith(".seg.nrrd") or _stem(path) != _stem(path, suffixes=True)]
    for name, mask in sorted(_by_name(masks).items()):
        scan = _with_ending(folder / name, IMAGE_ENDINGS) or (folder / name if (folder / name).is_dir() else None)
        _require_pair(scan, mask, folder / name)
        assert scan is not None
        yield Case(case_id=name, patient=_patient(name, scan, folder), image=scan, mask=mask)


_LAYOUTS: tuple[Callable[[Path], Iterator[Case]], ...] = (_case_folder, _side_by_side, _pairs_in_folder)


def _by_name(masks: Sequence[Path]) -> dict[str, Path]:
    """Masks by the name of their scan, of which each may have one."""
    by_name: dict[str, Path] = {}
    for mask in masks:
        name = _stem(mask, suffixes=True)
        if name in by_name:
            raise DataError(f"{by_name[name]} and {mask.name} are both masks of {name}; keep one of them here.")
        by_name[name] = mask
    return by_name


def _require_pair(scan: Path | None, mask: Path | None, where: Path) -> None:
    if scan is None:
        raise DataError(f"The mask {mask} has no scan beside it; add {where.name} or remove the mask.")
    if mask is None:
        raise DataError(f"The scan {scan} has no mask; add one for {where.name} or remove the scan.")


def _patient(case_id: str, scan: Path, index_folder: Path) -> str:
    index = index_folder / "index.csv"
    if index.is_file():
        with index.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("case") == case_id and row.get("patient"):
                    return row["patient"]
    if scan.is_dir():
        first = next((path for path in sorted(scan.rglob("*")) if path.is_file()), None)
        try:
            dataset = pydicom.dcmread(first, stop_before_pixels=True, specific_tags=["PatientID"]) if first else None
        except (InvalidDicomError, OSError):
            dataset = None  # the reader will say what is wrong with the file
        if dataset is not None and dataset.get("PatientID"):
            return str(dataset.PatientID)
    return case_id


def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.endswith(endings)]


def _with_ending(stem: Path, endings: tuple[str, ...]) -> Path | None:
    """The first file that is `stem` plus one of `endings`."""
    return next((path for ending in endings if (path := stem.with_name(stem.name + ending)).is_file()), None)


def _stem(path: Path, suffixes: bool = False) -> str:
    """File name without its ending, and on request without `_seg`, `_mask`, ... or nnU-Net's channel `_0000`."""
    name = next((path.name[: -len(ending)] for ending in MASK_ENDINGS if path.name.endswith(ending)), path.name)
    name = name.removesuffix("_0000")
    if suffixes:
        name = next((name[: -len(suffix)] for suffix in MASK_SUFFIXES if name.endswith(suffix)), name)
    return name
