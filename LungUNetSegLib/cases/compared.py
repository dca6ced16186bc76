"""Which prediction belongs to which reference: two files, or two folders whose cases have the same names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.masks.labels import is_dicom_mask

LABEL_ENDINGS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".npz")
"""Longest match first. DICOM SEG and RTSTRUCT are known by what is in them."""

SUFFIXES = ("_0000", "_seg", "_mask", "_lungs", "_labels", "_label", "_pred", "_prediction", "_reference", "_ct")
"""What programs append to a case's name; left out when names are matched."""

MASK_NAME = "lungs"
"""Of several label maps in a case's own folder this one is taken, e.g. beside ``ignore.nii.gz``."""


@dataclass(frozen=True, kw_only=True)
class CasePair:
    """The files of one case.

    Attributes:
        name: Unique in an evaluation.
        prediction: Label map or DICOM mask; None if there is none for this reference.
        reference: Likewise.
        image: The CT as file or DICOM folder, for pictures.
    """

    name: str
    prediction: Path | None
    reference: Path
    image: Path | None = None


def pair_cases(predictions: Path, references: Path, images: Path | None = None) -> tuple[list[CasePair], list[str]]:
    """Pair two files, or the cases of two folders.

    In a folder a case is a label map ``<case>.nii.gz`` (or another ending, with ``_seg`` or the like before it), a
    DICOM SEG or RTSTRUCT ``<case>.dcm``, or a folder ``<case>`` that holds one.

    Returns:
        One pair for each reference, sorted by name, and the names of predictions without a reference. A missing
        prediction is a case that fails, not one left out of the means.

    Raises:
        DataError: Not two files nor two folders, no case in one of them, two label maps for one case.
    """
    for path in (predictions, references, images):
        if path is not None and not path.exists():
            raise DataError(f"{path}: there is no such file or folder.")
    if predictions.is_file() and references.is_file():
        return [CasePair(name=_case_name(predictions), prediction=predictions, reference=references, image=images)], []
    if predictions.is_file() or references.is_file():
        raise DataError(f"Give two label maps or two folders of them, not {predictions} with {references}.")
    predicted, referred = _label_maps(predictions), _label_maps(references)
    scans = _scans(images) if images else {}
    pairs = [
        CasePair(name=name, prediction=predicted.get(name), reference=path, image=scans.get(name))
        for name, path in sorted(referred.items())
    ]
    if not predicted.keys() & referred.keys():
        examples = f"{sorted(predicted)[0]} against {sorted(referred)[0]}"
        raise DataError(f"No case of {predictions} has the name of one of {references} ({examples}); rename them.")
    return pairs, sorted(predicted.keys() - referred.keys())


def _label_maps(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        label_map = _label_map_in(path) if path.is_dir() else path if _ending(path) or is_dicom_mask(path) else None
        if label_map is None:
            continue
        name = _case_name(path)
        if name in found:
            raise DataError(f"{folder}: {found[name].name} and {path.name} are both case {name}; keep one.")
        found[name] = label_map
    if not found:
        known = ", ".join(LABEL_ENDINGS)
        raise DataError(f"{folder}: holds no label map; known are {known}, DICOM SEG and RTSTRUCT.")
    return found


def _label_map_in(folder: Path) -> Path | None:
    every = [path for path in sorted(folder.iterdir()) if path.is_file()]
    files = [path for path in every if _ending(path)] or [path for path in every if is_dicom_mask(path)]
    named = [path for path in files if _case_name(path) == MASK_NAME]
    if len(files) > 1 and len(named) != 1:
        listed = ", ".join(path.name for path in files)
        raise DataError(f"{folder}: holds several label maps ({listed}); keep one, or name it {MASK_NAME}.nii.gz.")
    return next(iter(named or files), None)


def _scans(folder: Path) -> dict[str, Path]:
    """CTs by case: image files, DICOM folders, or folders with a DICOM folder ``ct`` in them."""
    entries = (path for path in sorted(folder.iterdir()) if path.is_dir() or _ending(path))
    return {_case_name(path): path / "ct" if (path / "ct").is_dir() else path for path in entries}


def _ending(path: Path) -> str:
    return next((ending for ending in LABEL_ENDINGS if path.name.lower().endswith(ending)), "")


def _case_name(path: Path) -> str:
    ending = _ending(path) or (".dcm" if path.name.lower().endswith(".dcm") else "")
    name = path.name if path.is_dir() else path.name[: len(path.name) - len(ending)]
    for suffix in SUFFIXES:
        name = name[: len(name) - len(suffix)] if name.lower().endswith(suffix) else name
    return name
