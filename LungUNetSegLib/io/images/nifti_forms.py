"""Keeps both forms of a NIfTI scan's position, for the label map that lies on it.

A header has room for two positions, the qform and the sform, and programs differ in which they follow. If a result had
one of the scan's forms as both of its own, it would be displaced in programs that follow the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungUNetSegLib.volume import Geometry

UNITS_AT, PIXDIM_AT, CODES_AT, QFORM_AT, SFORM_AT = 123, 76, 252, 256, 280
"""Where these numbers stand in a NIfTI-1 header (nifti1.h)."""

_MM, _SCANNER = 10, 1
"""Codes of the units, mm and s, and of the scanner's own coordinates."""


@dataclass(frozen=True)
class NiftiForms:
    """What a NIfTI header says of the voxels' position, in its own unit.

    Attributes:
        unit: Code of the unit of length.
        pixdim: The sign of the qform's third axis, and the sizes of voxels (column, row, slice).
        codes: Of qform and sform.
        qform: Quaternion b, c, d and offset.
        sform: The matrix, row by row.
    """

    unit: int
    pixdim: tuple[float, ...]
    codes: tuple[int, ...]
    qform: tuple[float, ...]
    sform: tuple[float, ...]


def forms_of(geometry: Geometry) -> NiftiForms:
    """Return a grid's position, in mm, as both forms; its axes must be at right angles."""
    from scipy.spatial.transform import Rotation  # takes 0.1 s to import, and readers do not need it

    ras = np.diag([-1.0, -1.0, 1.0]) @ geometry.affine_lps[:3]
    matrix, offset = ras[:, 2::-1], ras[:, 3]
    sizes = np.linalg.norm(matrix, axis=0)
    rotation = matrix / sizes
    sign = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= sign
    *quaternion, real = Rotation.from_matrix(rotation).as_quat()
    if real < 0:  # the header has no room for it, so that readers take it as positive
        quaternion = [-each for each in quaternion]
    sform = np.column_stack([matrix, offset]).ravel()
    return NiftiForms(
        unit=_MM,
        pixdim=(sign, *sizes.tolist()),
        codes=(_SCANNER, _SCANNER),
        qform=(*(float(each) for each in quaternion), *offset.tolist()),
        sform=tuple(sform.tolist()),
    )
