"""Parses a NIfTI file's header: sizes, type of the voxels, and the grid's position in the patient.

Source: nifti1.h and nifti2.h (https://nifti.nimh.nih.gov). The position follows nibabel's rule: the sform if its code
is above 0, else the qform if its code is, else the pixel sizes alone. Contradictions between the two forms and the
pixel sizes are findings; a contradiction about the patient's sides is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LungUNetSegLib.arrays import FloatArray
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.io.images.files import spacing_of
from LungUNetSegLib.io.images.nifti_forms import NiftiForms
from LungUNetSegLib.volume.ras import RAS_TO_LPS

UNKNOWN_PLACE = Finding(
    "no-orientation",
    "The file does not state the patient's orientation (qform and sform codes are 0): right and left may be swapped.",
)

Fields = dict[str, tuple[Any, ...]]
"""The header's fields by the standard's names."""

HEADER_BYTES = 540
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_UNITS_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 1e-3}
_SAME_SHARE = 1e-3
"""Largest relative difference of voxel sizes that is explained by rounding."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NiftiHeader:
    """The contents of a NIfTI header.

    Attributes:
        shape: (slice, row, column).
        stored: Type of the voxels in the file, with its byte order.
        offset: Where they begin, in bytes.
        slope, intercept: Value = slope * stored + intercept; 1 and 0 where the file gives none.
        affine_lps: (slice, row, column) to LPS mm; its axes need not be at right angles.
        findings: What was contradictory.
        forms: Both forms of its position; None if it has none, one is faulty, or they contradict the voxel sizes.
    """

    shape: tuple[int, int, int]
    stored: np.dtype[np.generic]
    offset: int
    slope: float
    intercept: float
    affine_lps: FloatArray
    findings: tuple[Finding, ...]
    forms: NiftiForms | None = None


def parse(start: bytes, path: Path) -> NiftiHeader:
    """Parse the header from a file's first `HEADER_BYTES`.

    Raises:
        ReadError: Not NIfTI, not a three-dimensional image with one number per voxel, or a contradictory position.
    """
    fields = _fields(start, path)
    shape = _shape(fields["dim"], path)
    kind = int(fields["datatype"][0])
    if kind in (32, 1792, 2048):
        raise ReadError(f"{path}: the image holds complex numbers; a CT holds Hounsfield units.")
    if kind in (128, 2304):
        raise ReadError(
            f"{path}: the image has {3 if kind == 128 else 4} values in each voxel (colour?); a CT or a mask has one."
        )
    if kind not in _TYPES:
        raise ReadError(f"{path}: its voxels are of NIfTI type {kind}, an unknown type; is it damaged?")
    offset = float(fields["vox_offset"][0])
    if not np.isfinite(offset) or not 0 <= offset < 2**31:
        raise ReadError(f"{path}: its header says that the voxels begin at byte {offset:g}; is it damaged?")
    slope, intercept = (float(fields[name][0]) for name in ("scl_slope", "scl_inter"))
    if not np.isfinite(slope) or slope == 0:
        slope, intercept = 1.0, 0.0
    if not np.isfinite(intercept):
        raise ReadError(f"{path}: its header gives the values' intercept as {intercept:g}; is it damaged?")
    affine, findings, has_both = _place(fields, shape, path)
    stored = np.dtype(fields["order"][0] + _TYPES[kind])
    least = int(fields["least_offset"][0])
    return NiftiHeader(
        shape=shape, stored=stored, offset=max(int(offset), least), slope=slope, intercept=intercept,
        affine_lps=affine, findings=findings, forms=_forms(fields) if has_both else None,
    )  # fmt: skip


def _fields(start: bytes, path: Path) -> Fields:
    """Return the header's fields by the standard's names, from NIfTI-1 or 2 in either byte order."""
    for order in "<>":
        size = struct.unpack_from(order + "i", start)[0] if len(start) >= 348 else 0
        if size in (348, 540) and len(start) >= size:
            break
    else:
        raise ReadError(f"{path}: is not a NIfTI file, or its header is damaged or cut short.")
    magic = start[344:348] if size == 348 else start[4:8]
    if magic[:3] in (b"ni1", b"ni2"):
        raise ReadError(f"{path}: is half of a .hdr/.img pair; save both as one .nii file.")
    if magic[:3] not in (b"n+1", b"n+2"):
        raise ReadError(f"{path}: is not a NIfTI file (an old Analyze header does not state right and left).")
    one = {
        "dim": (40, "8h"), "datatype": (70, "h"), "pixdim": (76, "8f"), "vox_offset": (108, "f"),
        "scl_slope": (112, "f"), "scl_inter": (116, "f"), "xyzt_units": (123, "B"), "codes": (252, "2h"),
        "quatern": (256, "6f"), "srow": (280, "12f"),
    }  # fmt: skip
    two = {
        "dim": (16, "8q"), "datatype": (12, "h"), "pixdim": (104, "8d"), "vox_offset": (168, "q"),
        "scl_slope": (176, "d"), "scl_inter": (184, "d"), "xyzt_units": (500, "i"), "codes": (344, "2i"),
        "quatern": (352, "6d"), "srow": (400, "12d"),
    }  # fmt: skip
    places = one if size == 348 else two
    fields = {name: struct.unpack_from(order + form, start, offset) for name, (offset, form) in places.items()}
    return fields | {"order": (order,), "least_offset": (size + 4,)}


def _shape(dim: tuple[int, ...], path: Path) -> tuple[int, int, int]:
    axes = dim[0]
    if not 1 <= axes <= 7 or min(dim[1 : axes + 1]) < 1:
        raise ReadError(f"{path}: its header gives the size as {dim[1:8]}; is it damaged?")
    if axes < 3:
        raise ReadError(f"{path}: the image has {axes} axes; a CT needs three (slice, row, column).")
    if axes > 3 and dim[4] > 1:
        raise ReadError(f"{path}: the image has {dim[4]} time points; save the one to use as a 3D image.")
    if max(dim[5 : axes + 1], default=1) > 1:
        values = max(dim[5:8])
        raise ReadError(f"{path}: the image has {values} values in each voxel (colour?); a CT or a mask has one.")
    return dim[3], dim[2], dim[1]


def _place(fields: Fields, shape: tuple[int, int, int], path: Path) -> tuple[FloatArray, tuple[Finding, ...], bool]:
    """Return the affine to LPS mm, findings on contradictions, and whether the forms agree with the voxel sizes."""
    unit_mm = _UNITS_MM.get(int(fields["xyzt_units"][0]) & 7, 1.0)
    sizes = np.array(fields["pixdim"][1:4]) * unit_mm
    qform_code, sform_code = fields["codes"]
    sform, sform_fault = _sform(fields, sizes, unit_mm) if sform_code > 0 else (None, "")
    qform, qform_fault = _qform(fields, sizes, unit_mm) if qform_code > 0 else (None, "")
    faults = [each for each in (sform_fault, qform_fault) if each]
    affine = qform if sform is None else sform
    if affine is None:
        if faults:
            raise ReadError(f"{path}: its header does not state the position of the voxels ({'; '.join(faults)}).")
        return _as_lps(RAS_TO_LPS @ np.diag([*spacing_of(sizes, path), 1.0])), (UNKNOWN_PLACE,), False
    findings: list[Finding] = []
    if faults:
        message = f"The header contradicts itself ({'; '.join(faults)}); the position was taken from its other form."
        findings.append(Finding("place-in-doubt", message))
    if sform is not None and qform is not None:
        findings += _compared(sform, qform, shape, path)
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    straight = np.abs(np.diag(np.linalg.qr(affine[:3, :3])[1]))  # perpendicular distances, if axes are sheared
    is_said = any(np.allclose(each, sizes, rtol=0.01) for each in (lengths, straight))
    if sform is not None and not faults and not is_said:
        said, taken = (" x ".join(f"{each:.4g}" for each in values) for values in (sizes, lengths))
        message = f"The header gives voxels of {said} mm beside a matrix of {taken} mm; the matrix was taken."
        findings.append(Finding("place-in-doubt", message))
    return _as_lps(affine), tuple(findings), not faults and is_said


def _forms(fields: Fields) -> NiftiForms:
    unit = int(fields["xyzt_units"][0]) & 7
    return NiftiForms(unit, fields["pixdim"][:4], fields["codes"], fields["quatern"], fields["srow"])


def _as_lps(ras: FloatArray) -> FloatArray:
    lps: FloatArray = (RAS_TO_LPS @ ras)[:, [2, 1, 0, 3]]
    return lps


def _sform(fields: Fields, sizes: FloatArray, unit_mm: float) -> tuple[FloatArray | None, str]:
    """Return the 4x4 (column, row, slice) to RAS mm matrix, or the reason why there is none."""
    affine = np.eye(4)
    affine[:3] = np.array(fields["srow"]).reshape(3, 4) * unit_mm
    if not np.isfinite(affine).all():
        return None, "its sform has values that are not finite"
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not lengths.all() or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        return None, "its sform is singular"
    if np.allclose(lengths, sizes, rtol=_SAME_SHARE):  # the same matrix, rounded once
        affine[:3, :3] *= sizes / lengths
    return affine, ""


def _qform(fields: Fields, sizes: FloatArray, unit_mm: float) -> tuple[FloatArray | None, str]:
    """Return a quaternion's (column, row, slice) to RAS mm matrix (nifti1.h, method 2), or why there is none."""
    b, c, d, *offset = (float(number) for number in fields["quatern"])
    if not (np.isfinite(sizes).all() and (sizes > 0).all()):
        return None, "its pixdim are " + ", ".join(f"{each:g}" for each in sizes)
    length = b * b + c * c + d * d
    if not np.isfinite([b, c, d, *offset]).all() or length > 1.001:
        return None, "its quaternion is none"
    a = np.sqrt(max(0.0, 1.0 - length))
    if length > 1.0:
        b, c, d = (each / np.sqrt(length) for each in (b, c, d))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    flip = -1.0 if fields["pixdim"][0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = turn * (sizes * (1, 1, flip))
    affine[:3, 3] = np.array(offset) * unit_mm
    return affine, ""


def _compared(sform: FloatArray, qform: FloatArray, shape: tuple[int, int, int], path: Path) -> list[Finding]:
    """Compare both forms of a header; return findings on contradictions."""
    ends: FloatArray = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    ends[:, :3] *= np.array(shape[::-1]) - 1
    shift_mm = float(np.abs(ends @ (sform - qform).T).max())
    if shift_mm <= np.linalg.norm(sform[:3, :3], axis=0).min() / 2:
        return []
    across = np.array([matrix[0, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (sform, qform)])
    along = int(np.abs(across[0]).argmax())
    if across[0, along] * across[1, along] <= 0 or np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0:
        raise ReadError(
            f"{path}: the header's qform and sform contradict each other about right and left; save it again with the"
            " correct form, or segment the original DICOM."
        )
    message = f"The header's qform and sform lie up to {shift_mm:.1f} mm apart; the sform was taken."
    return [Finding("place-in-doubt", message)]
