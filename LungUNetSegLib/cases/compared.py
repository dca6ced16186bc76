"""Pairs predictions with references: two files, or two folders whose cases have the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from LungUNetSegLib.cases.names import (
    CT,
    LUNGS,
    PAIR_FOLDERS,
    REFERENCE_WORD,
    case_name,
    is_mask_name,
    is_prediction_name,
    is_scan_name,
    visible,
)
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.endings import LABEL_ENDINGS, ending_of, image_ending, stem_of
from LungUNetSegLib.io.masks.choice import Meaning, check_meanings
from LungUNetSegLib.io.masks.read import is_dicom_mask


@dataclass(frozen=True, kw_only=True)
class CasePair:
    """The files of one case.

    Attributes:
        name: Unique in an evaluation.
        prediction: Label map or DICOM mask; None if there is none for this reference.
        reference: Likewise.
        image: The CT as file or DICOM folder, for pictures.
        meanings: What structures or values of both are, if their names and codes do not say it.
    """

    name: str
    prediction: Path | None
    reference: Path
    image: Path | None = None
    meanings: Mapping[str, Meaning] = field(default_factory=dict)


def pair_cases(
    predictions: Path, references: Path, images: Path | None = None, meanings: Mapping[str, str] | None = None
) -> tuple[list[CasePair], list[str]]:
    """Pair two files, or the cases of two folders.

    In a folder a case is a label map ``<case>.nii.gz`` (or another ending, with ``_seg`` or the like before it), a
    DICOM SEG or RTSTRUCT ``<case>.dcm``, or a folder ``<case>`` that holds one. The layouts to train on are known too:
    ``p_mask.nii.gz`` beside its scan ``p.nii.gz``, and ``masks`` beside ``images``.

    Args:
        predictions: A file or a folder.
        references: Likewise.
        images: The CT, or the folder of CTs.
        meanings: What structures or values of the label maps are: right, left, both or none.

    Returns:
        One pair for each reference, sorted by name, and the names of predictions without a reference. A missing
        prediction is a case that fails, not one left out of the means.

    Raises:
        DataError: Not two files nor two folders, no case in one of them, two label maps for one case.
    """
    told = check_meanings(meanings or {})
    for path in (predictions, references, images):
        if path is not None and not path.exists():
            raise DataError(f"{path}: there is no such file or folder.")
    if predictions.is_file() and references.is_file():
        name = case_name(predictions)
        return [CasePair(name=name, prediction=predictions, reference=references, image=images, meanings=told)], []
    if predictions.is_file() or references.is_file():
        raise DataError(f"Give two label maps or two folders of them, not {predictions} with {references}.")
    predicted, referred = _label_maps(predictions, are_predictions=True), _label_maps(references, are_predictions=False)
    scans = _scans(images) if images else {}
    pairs = [
        CasePair(name=name, prediction=predicted.get(name), reference=path, image=scans.get(name), meanings=told)
        for name, path in sorted(referred.items())
    ]
    if not predicted.keys() & referred.keys():
        examples = f"{sorted(predicted)[0]} against {sorted(referred)[0]}"
        raise DataError(f"No case of {predictions} has the name of one of {references} ({examples}); rename them.")
    return pairs, sorted(predicted.keys() - referred.keys())


def _label_maps(folder: Path, *, are_predictions: bool) -> dict[str, Path]:
    masks = next(
        (folder / name for images, name in PAIR_FOLDERS if _are_folders(folder / images, folder / name)), folder
    )
    found: dict[str, list[Path]] = {}
    for path in visible(masks):
        if path.is_dir() and _label_map_in(path) is None:
            continue
        if path.is_dir() or _is_label_map(path):
            found.setdefault(case_name(path), []).append(path)
    if not found:
        known = ", ".join(LABEL_ENDINGS)
        raise DataError(f"{folder}: holds no label map; known are {known}, DICOM SEG and RTSTRUCT.")
    chosen = {name: _one_of(paths, name, folder, are_predictions) for name, paths in found.items()}
    return {name: (_label_map_in(path) or path) if path.is_dir() else path for name, path in chosen.items()}


def _one_of(paths: list[Path], name: str, folder: Path, are_predictions: bool) -> Path:
    """Return the label map among a case's files, which may include a scan, and a result beside a reference."""
    masks = [path for path in paths if is_mask_name(path)]
    referred = [path for path in masks if stem_of(path).lower().endswith(REFERENCE_WORD)]
    predicted = [path for path in paths if is_prediction_name(path)]
    others = [path for path in masks if path not in referred]
    for group in (predicted, others) if are_predictions else (referred, masks):
        if len(group) == 1:
            return group[0]
    rest = [path for path in paths if path not in (referred if are_predictions else predicted)]
    if len(rest) == 1:
        return rest[0]
    raise DataError(f"{folder}: {paths[0].name} and {paths[1].name} are both case {name}; keep one.")


def _label_map_in(folder: Path) -> Path | None:
    every = [path for path in visible(folder) if path.is_file()]
    files = [path for path in every if ending_of(path, LABEL_ENDINGS)] or [p for p in every if is_dicom_mask(p)]
    named = [path for path in files if stem_of(path) == LUNGS] or [p for p in files if case_name(p) == LUNGS]
    if len(files) > 1 and len(named) != 1:
        listed = ", ".join(path.name for path in files)
        raise DataError(f"{folder}: holds several label maps ({listed}); keep one, or name it {LUNGS}.nii.gz.")
    return next(iter(named or files), None)


def _scans(folder: Path) -> dict[str, Path]:
    """CTs by case: image files, DICOM folders, or folders with a DICOM folder ``ct`` or an image file of that name."""
    images = next(
        (folder / name for name, masks in PAIR_FOLDERS if _are_folders(folder / name, folder / masks)), folder
    )
    found: dict[str, Path] = {}
    for path in visible(images):
        if path.is_dir():
            found.setdefault(case_name(path), _scan_in(path))
        elif ending_of(path, LABEL_ENDINGS) and is_scan_name(path):
            found[case_name(path)] = path
    return found


def _scan_in(folder: Path) -> Path:
    """Return a case's scan in its own folder, or the folder, which is then a DICOM series itself."""
    if (folder / CT).is_dir():
        return folder / CT
    return next((path for path in visible(folder) if image_ending(path) and stem_of(path) == CT), folder)


def _are_folders(*paths: Path) -> bool:
    return all(path.is_dir() for path in paths)


def _is_label_map(path: Path) -> bool:
    return bool(ending_of(path, LABEL_ENDINGS)) or is_dicom_mask(path)
