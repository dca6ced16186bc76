"""Converts coded concepts of DICOM objects (PS3.3 section 8) to the values in the table of lung codes."""

from __future__ import annotations

from pydicom.dataset import Dataset

ALTERED_TISSUE = "49755003"
"""SNOMED CT, morphologically altered structure: a tumour, whatever its name says."""

TARGETS = dict.fromkeys(("GTV", "CTV", "PTV"), ALTERED_TISSUE)
"""Types of RT structures (PS3.3 C.8.8.8) that are targets; one named "Left lung" lies in that lung."""


def codes_of(*items: Dataset) -> list[str]:
    """Return the code values of coded concepts, including long ones, which have their own attribute."""
    return [str(item.get("CodeValue") or item.get("LongCodeValue") or "") for item in items]


def segment_codes(segment: Dataset) -> list[str]:
    """Return a SEG segment's codes: category, type and modifiers, and the anatomic region if the type is generic."""
    categories = list(segment.get("SegmentedPropertyCategoryCodeSequence", []))
    types = list(segment.get("SegmentedPropertyTypeCodeSequence", []))
    sources = [segment, *types]
    modifiers = [each for source in sources for each in source.get("SegmentedPropertyTypeModifierCodeSequence", [])]
    codes = codes_of(*categories, *types, *modifiers)
    if not set(codes_of(*types)) <= _GENERAL:
        return codes
    regions = list(segment.get("AnatomicRegionSequence", []))
    sides = [each for region in regions for each in region.get("AnatomicRegionModifierSequence", [])]
    return codes + codes_of(*regions, *sides)


_GENERAL = {"85756007", "113343008", "123037004", "91723000", "T-D0050", "T-D0060", "T-D000A", ""}
"""Tissue, organ, anatomical structure: generic types, for which the region says what a segment is."""
