"""Finds the cases of a data set, with their scans and masks, in the known folder layouts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from LungUNetSegLib.cases.names import CT, IGNORE, LUNGS, PAIR_FOLDERS, case_name, is_mask_name, is_scan_name, visible
from LungUNetSegLib.cases.patients import INDEX_FILE, patient_of
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.endings import IMAGE_ENDINGS, MASK_ENDINGS, ending_of, stem_of
from LungUNetSegLib.io.masks.choice import Meaning, check_meanings
from LungUNetSegLib.texts import listed

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One scan with its lung mask.

    Attributes:
        case_id: Unique in its data set.
        patient: Cases of one patient are never split between training and test.
        image: Folder with one DICOM series, or an image file.
        mask: Label map (1 right lung, 2 left), or a file that `read_labels` takes.
        ignore: Label map whose voxels above 0 are left out of loss and score.
        meanings: What structures or values of the mask are, if their names and codes do not say it.
    """

    case_id: str
    patient: str
    image: Path
    mask: Path
    ignore: Path | None = None
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


def find_cases(root: Path, exclude: Sequence[str] = (), meanings: Mapping[str, str] | None = None) -> list[Case]:
    """List the cases under `root`, sorted by case id.

    Known layouts, each at `root` or one or two folders deeper:
    `<case>/ct/*.dcm` or `<case>/ct.*` with `<case>/lungs.*` (and `ignore.*`); the paper's `Images/Case_XXX` with
    `Segmentations/Case_XXX_seg.npz`; `images` beside `masks` or `labels`; image files beside masks whose names end
    on `_seg`, `_mask` or the like, or on `.seg.nrrd`. The patient is taken from an `index.csv` beside the cases or
    above them in `root` (columns `case` and `patient`), else from the DICOM PatientID, else it is the case. Hidden
    files are no cases.

    Args:
        root: Folder of the data set.
        exclude: Case ids and patients to leave out.
        meanings: What structures or values of the masks are: right, left, both or none.

    Raises:
        DataError: No such folder, no case in it, a scan without mask, a mask without scan, one id twice.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}; give the data set's folder.")
    told = check_meanings(meanings or {})
    cases: list[Case] = []
    for folder in _folders(root):
        for layout in _LAYOUTS:
            cases.extend(layout(folder, root))
    if not cases:
        raise DataError(
            f"{root} holds no case: expected <case>/ct or <case>/ct.nii.gz with <case>/lungs.nii.gz, Images with "
            "Segmentations, images with masks or labels, or image files beside masks named *_mask, *_seg or *.seg.nrrd."
        )
    seen: dict[str, Case] = {}
    for case in cases:
        if case.case_id in seen:
            other = seen[case.case_id].image
            raise DataError(f"Two cases are named {case.case_id}: {other} and {case.image}; rename one.")
        seen[case.case_id] = replace(case, meanings=told)
    return leave_out([seen[name] for name in sorted(seen)], exclude)


def leave_out(cases: Sequence[Case], exclude: Sequence[str]) -> list[Case]:
    """Return the cases but for those that are named, themselves or by their patients."""
    unwanted = set(exclude)
    left_out = [case.case_id for case in cases if unwanted & {case.case_id, case.patient}]
    for name in left_out:
        logger.info("%s: left out, as the settings exclude it.", name)
    return [case for case in cases if case.case_id not in left_out]


def _folders(root: Path) -> Iterator[Path]:
    """Return `root` and its folders down to two levels, without those that belong to a case or are hidden."""
    yield root
    inner = {name for pair in PAIR_FOLDERS for name in pair} | {CT}
    for pattern in ("*/", "*/*/"):
        for folder in sorted(root.glob(pattern)):
            parts = folder.relative_to(root).parts
            if folder.is_dir() and not inner & set(parts) and not any(part.startswith(".") for part in parts):
                yield folder


def _index_folder(folder: Path, root: Path) -> Path:
    """Return the folder whose index names the patients of the scans in `folder`: itself, or one up to `root`."""
    if folder.is_relative_to(root):
        above = [each for each in folder.parents if each.is_relative_to(root)]
        return next((each for each in (folder, *above) if (each / INDEX_FILE).is_file()), folder)
    return folder  # `root` is a single case's folder, and the index lies beside it


def _case_folder(folder: Path, root: Path) -> Iterator[Case]:
    """Find a case in the layout `<case>/ct` or `<case>/ct.nii.gz` with `<case>/lungs.*`."""
    mask = _named(folder, LUNGS)
    scan = folder / CT if (folder / CT).is_dir() else _named(folder, CT) if mask else None
    if scan is None and mask is None:
        return
    _require_pair(scan, mask, folder, folder / f"{LUNGS}.nii.gz")
    assert scan is not None and mask is not None
    yield Case(
        case_id=folder.name,
        patient=patient_of(folder.name, scan, _index_folder(folder.parent, root)),
        image=scan,
        mask=mask,
        ignore=_named(folder, IGNORE),
    )


def _side_by_side(folder: Path, root: Path) -> Iterator[Case]:
    """Find cases in the paper's layout and similar ones: a folder of images beside a folder of masks."""
    for image_folder, mask_folder in PAIR_FOLDERS:
        images, masks = folder / image_folder, folder / mask_folder
        if not (images.is_dir() and masks.is_dir()):
            continue
        by_name = _by_name(_files(masks, MASK_ENDINGS), "masks")
        scans = _by_name([*_files(images, IMAGE_ENDINGS), *_subfolders(images)], "scans")
        for name in sorted(by_name.keys() | scans.keys()):
            scan, mask = scans.get(name), by_name.get(name)
            _require_pair(scan, mask, folder / name, masks / f"{name}.nii.gz")
            assert scan is not None and mask is not None
            patient = patient_of(name, scan, _index_folder(folder, root))
            yield Case(case_id=name, patient=patient, image=scan, mask=mask)
        return


def _pairs_in_folder(folder: Path, root: Path) -> Iterator[Case]:
    """Find image files beside masks with the same name and `_seg`, `_mask` or the like, or `.seg.nrrd` (Slicer)."""
    if (folder / CT).is_dir():
        return
    masks = [path for path in _files(folder, MASK_ENDINGS) if is_mask_name(path)]
    if not masks:
        return
    by_name = _by_name(masks, "masks")
    images = [path for path in _files(folder, IMAGE_ENDINGS) if is_scan_name(path)]
    folders = [path for path in _subfolders(folder) if case_name(path) in by_name]
    scans = _by_name(folders, "scans") | _by_name(images, "scans")
    alone = sorted(path.name for name, path in scans.items() if name not in by_name)
    if alone:
        logger.warning("%s: left out, as no mask lies beside them: %s.", folder, listed(alone))
    for name, mask in sorted(by_name.items()):
        scan = scans.get(name)
        _require_pair(scan, mask, folder / name, mask)
        assert scan is not None
        patient = patient_of(name, scan, _index_folder(folder, root))
        yield Case(case_id=name, patient=patient, image=scan, mask=mask)


_LAYOUTS: tuple[Callable[[Path, Path], Iterator[Case]], ...] = (_case_folder, _side_by_side, _pairs_in_folder)


def _by_name(paths: Sequence[Path], kind: str) -> dict[str, Path]:
    """Return masks or scans by the name of their case; each case may have one."""
    by_name: dict[str, Path] = {}
    for path in paths:
        name = case_name(path)
        if name in by_name:
            raise DataError(f"{by_name[name]} and {path.name} are both {kind} of {name}; keep one of them here.")
        by_name[name] = path
    return by_name


def _require_pair(scan: Path | None, mask: Path | None, where: Path, wanted: Path) -> None:
    if scan is None:
        raise DataError(f"The mask {mask} has no scan beside it; add {where.name} or remove the mask.")
    if mask is None:
        raise DataError(f"The scan {scan} has no mask; add {wanted} (any format of masks), or remove the scan.")


def _files(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return [path for path in visible(folder) if path.is_file() and ending_of(path, endings)]


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in visible(folder) if path.is_dir()]


def _named(folder: Path, stem: str) -> Path | None:
    """Return the file in a case's own folder whose name without its ending is `stem`."""
    found = [path for path in _files(folder, MASK_ENDINGS) if stem_of(path) == stem]
    if len(found) > 1:
        raise DataError(f"{found[0]} and {found[1].name} are both {stem!r} of one case; keep one of them here.")
    return next(iter(found), None)
