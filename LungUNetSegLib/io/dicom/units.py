"""Finds the unit of a CT image's values, which is not always the Hounsfield unit, in the tags that may give it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset

COMPUTED = {
    *("ELECTRON_DENSITY", "EFF_ATOMIC_NUM", "MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "IODINE"),
    *("PERFUSION", "SUBTRACTION", "DIVISION", "MULTIPLICATION", "STD_DEVIATION", "QUANTITY"),
}
"""Values of Image Type and Frame Type of images that were computed from CT and are none: maps of materials, of blood
flow, and differences (PS3.3 C.8.2.1.1.1, C.8.16.2.1.4). Virtual monoenergetic images are in Hounsfield units."""

HU = "HU"

_HOUNSFIELD = re.compile(r"hounsfield|hnsf|\bHU\b", re.IGNORECASE)


def unit_of_values(rescale_type: str, image_type: Iterable[str], mappings: Sequence[Dataset]) -> str:
    """Return the unit in capitals, or what the values are instead; "HU" if nothing says otherwise.

    Args:
        rescale_type: Rescale Type in capitals, which comes first; "" if absent.
        image_type: The values of Image Type or Frame Type.
        mappings: Items of Real World Value Mapping Sequence (PS3.3 C.7.6.16.2.11), or others, which name no unit.
    """
    if rescale_type not in ("", HU):
        return rescale_type
    computed = [each.upper() for each in image_type if each.upper() in COMPUTED]
    if computed or rescale_type == HU:
        return computed[0] if computed else HU
    codes = [code for each in mappings for code in each.get("MeasurementUnitsCodeSequence") or ()]
    names = [f"{code.get('CodeMeaning') or code.get('CodeValue')}".strip() for code in codes]
    is_hu = any(_HOUNSFIELD.search(f"{code.get('CodeValue')} {name}") for code, name in zip(codes, names, strict=True))
    return HU if is_hu or not names else names[0].upper()
