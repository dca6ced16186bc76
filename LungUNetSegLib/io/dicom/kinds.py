"""Names the kinds of files that are not CT slices, for messages, and the advice for each kind."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydicom import uid
from pydicom.dataset import Dataset

from LungUNetSegLib.io.endings import DICOM_ENDING, IMAGE_ENDINGS, image_ending, is_hidden
from LungUNetSegLib.io.images.files import archive_kind

Others = dict[str, list[Path]]
"""Files that are not CT slices, by kind; kinds are texts for messages, in the plural."""

SINGLE_FRAME_CT = uid.CTImageStorage
MULTI_FRAME_CT = (uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage)

_KINDS = {
    "CR": "X-ray images",
    "DX": "X-ray images",
    "XA": "X-ray images",
    "RF": "X-ray images",
    "MG": "X-ray images",
    "MR": "MR images",
    "PT": "PET images",
    "NM": "nuclear medicine images",
    "US": "ultrasound images",
    "SC": "secondary captures",
    "OT": "secondary captures",
    "SEG": "segmentations",
    "RTSTRUCT": "contour sets",
    "SR": "reports",
}

NO_CT = ("MR images", "PET images", "nuclear medicine images", "ultrasound images")
"""Kinds that a program may have stored under the class of CT, and whose values are never Hounsfield units."""

NOT_DICOM, OTHER_FORMATS = "files that are not DICOM", "image files of other formats"
FRAMES_WITHOUT_PLACES = "CT files of several frames whose places are not given"

NAMED_AS_SLICES = "files that are named as the slices are, and are not DICOM"

PACKED = ("zip archives", "compressed files")
"""Kinds that may hold scans which are not looked for."""

UNREADABLE = (
    "files that cannot be opened",
    "empty files",
    "damaged DICOM files",
    "CT images whose place or size is not given",
    "CT images whose rows and columns are not at right angles",
    FRAMES_WITHOUT_PLACES,
    "CT images whose values are scaled by a look-up table",
    NAMED_AS_SLICES,
    *PACKED,
)
"""Kinds that may be unreadable slices of a scan; a lost slice at its end would otherwise go unnoticed."""

PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz")
"""Endings of compressed files and archives which are read as little as zip archives are."""

ADVICE = {
    "directories of a disc": "Give the folder that contains DICOMDIR.",
    "zip archives": "Unpack them first.",
    "compressed files": "Unpack them first.",
    OTHER_FORMATS: "Give the file itself, not its folder.",
    NOT_DICOM: f"Image files are known by their endings: {', '.join(IMAGE_ENDINGS)}.",
    "halves of .hdr/.img pairs": "Save each pair as one .nii file.",
    FRAMES_WITHOUT_PLACES: "Export the original slices.",
    "CT images whose values are scaled by a look-up table": "Export them with a slope and an intercept.",
}
"""Advice for a kind of file that is not a slice."""


def kind_by_name(path: Path) -> str:
    """Return the kind of a file that is not DICOM."""
    if image_ending(path):
        return OTHER_FORMATS
    name = path.name.lower()
    if name.endswith((".hdr", ".img", ".hdr.gz", ".img.gz")):
        return "halves of .hdr/.img pairs"
    if archive_kind(path) == "a zip archive":
        return "zip archives"
    if name.endswith(PACKED_ENDINGS):
        return "compressed files"
    return NOT_DICOM if path.stat().st_size else "empty files"


def named_as(slices: Iterable[Path], others: Iterable[Path]) -> list[Path]:
    """Return those of other files whose names are the slices' but for the digits, or have DICOM's ending.

    What a broken download or a version control left in place of a slice is named so, and no longer DICOM.
    """
    names = {_without_digits(each) for each in slices}
    return [
        each
        for each in others
        if not is_hidden(each) and (each.suffix.lower() == DICOM_ENDING or _without_digits(each) in names)
    ]


def _without_digits(path: Path) -> str:
    return re.sub(r"\d+", "#", path.name)


def other_kind(dataset: Dataset) -> str | None:
    """Return the kind of a DICOM file that is not a CT slice to segment; None for a CT slice."""
    modality = str(dataset.get("Modality", "") or "")
    sop_class = dataset.get("SOPClassUID", SINGLE_FRAME_CT if modality == "CT" else "")
    sop_class = sop_class or getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID", "")
    if not sop_class:
        return "damaged DICOM files"
    if sop_class == uid.MediaStorageDirectoryStorage:
        return "directories of a disc"
    if sop_class != SINGLE_FRAME_CT and sop_class not in MULTI_FRAME_CT:
        if not modality and uid.UID(sop_class).name == sop_class:  # cut off within the class, which may have been CT
            return "damaged DICOM files"
        return "secondary captures" if modality == "CT" else _KINDS.get(modality, f"{modality or 'unknown'} objects")
    dataset.SOPClassUID = sop_class
    if _KINDS.get(modality) in NO_CT:
        return _KINDS[modality]
    if "LOCALIZER" in image_type(dataset):
        return "localizers"
    if int(dataset.get("SamplesPerPixel", 1) or 1) != 1 or dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return "colour images"
    if dataset.get("ModalityLUTSequence"):
        return "CT images whose values are scaled by a look-up table"
    return None


def image_type(dataset: Dataset) -> list[str]:
    """Return the values of Image Type (PS3.3 C.8.2.1.1.1), none if it is absent."""
    return values_of(dataset.get("ImageType"))


def values_of(value: Any) -> list[str]:
    """Return the values of an element of texts, which pydicom gives as one text if there is only one."""
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]
