"""Makes the DICOM objects that are asked for from labels on a scan, and names their files."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from LungUNetSegLib.errors import DicomResultError, LungUNetSegError, message_of
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.dicom_objects.common import now
from LungUNetSegLib.io.dicom_objects.identity import Identifiers, Maker
from LungUNetSegLib.io.dicom_objects.lung_result import LungResult
from LungUNetSegLib.io.dicom_objects.rtstruct import Holes, make_structure_set
from LungUNetSegLib.io.dicom_objects.seg import SegKind, make_segmentation
from LungUNetSegLib.io.dicom_objects.source import Source
from LungUNetSegLib.io.dicom_objects.sr import make_report
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS, DicomFormat


@dataclass(frozen=True, kw_only=True)
class DicomOptions:
    """How results are written as DICOM.

    Attributes:
        seg_kind: BINARY, or LABELMAP of the standard of 2024, which few readers know yet.
        all_frames: Whether slices without lung get frames in a SEG, too.
        holes: How an RTSTRUCT represents holes; see `make_structure_set`.
        fixed_uids: Whether the same scan, model and labels always give the same identifiers and dates.
    """

    seg_kind: SegKind = "BINARY"
    all_frames: bool = False
    holes: Holes = "keyhole"
    fixed_uids: bool = False


def files_of(output: Path, wanted: DicomFormat) -> dict[DicomFormat, Path]:
    """Return which files are written for an output: a report comes with the SEG to which it refers, beside it."""
    if wanted != "dicom-sr":
        return {wanted: output}
    ending = DICOM_OUTPUT_ENDINGS["dicom-sr"]
    stem = output.name[: -len(ending)] if output.name.lower().endswith(ending) else output.stem
    return {"dicom-seg": output.with_name(f"{stem}{DICOM_OUTPUT_ENDINGS['dicom-seg']}"), "dicom-sr": output}


def make_objects(
    wanted: Collection[DicomFormat], result: LungResult, source: Source, maker: Maker, options: DicomOptions
) -> tuple[dict[DicomFormat, Dataset], tuple[Finding, ...]]:
    """Return the DICOM objects of a result, which refer to the scan's slices, and findings on what they do not hold.

    Args:
        wanted: What to make; a report needs the SEG to be among them.
        result: On the scan's grid.
        source: The scan's slices, from `read_source`.
        maker: Program and model.
        options: How.

    Raises:
        DicomResultError: The result cannot be represented as such an object; the message says why.
        MissingDependencyError: highdicom is not installed.
    """
    frames, findings = source.frames(result.labels)
    content = None
    if options.fixed_uids:
        options_used = f"{options.seg_kind} {options.all_frames} {options.holes}"
        digest = hashlib.sha256(frames.tobytes()).hexdigest()
        origins = (f"{label} {origin}" for label, origin in sorted(result.origins.items()))
        content = (maker.version, maker.sha256, options_used, digest, *source.instances, *origins)
    identifiers = Identifiers(content, source.moment if options.fixed_uids else now())
    shared = source, maker, identifiers
    made: dict[DicomFormat, Dataset] = {}
    try:
        with warnings.catch_warnings():
            # Of names and numbers in the scan that do not follow the standard: they are taken over as they are.
            warnings.simplefilter("ignore", UserWarning)
            if "dicom-seg" in wanted:
                made["dicom-seg"] = make_segmentation(
                    frames, result, *shared, kind=options.seg_kind, all_frames=options.all_frames
                )
            if "rtstruct" in wanted:
                made["rtstruct"] = make_structure_set(frames, result, *shared, holes=options.holes)
            if "dicom-sr" in wanted:
                made["dicom-sr"] = make_report(made["dicom-seg"], result, *shared)
    except LungUNetSegError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:  # malformed values in the headers
        raise DicomResultError(
            f"{source.place}: no DICOM result can be made of its headers ({message_of(error)}); correct them, or write"
            " another format."
        ) from error
    return made, findings
