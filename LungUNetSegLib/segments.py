"""Defines the two lungs as segments: label values, names, colours and SNOMED CT codes, for every writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

RIGHT_LUNG = 1
LEFT_LUNG = 2


@dataclass(frozen=True)
class Segment:
    """One structure of a label map.

    Attributes:
        label: Its value in a uint8 label map.
        segment_id: Identifier in a Slicer segmentation.
        name: For people.
        colour: RGB, 0 to 1. The right lung and the left differ, as they do not in Slicer's terminology list.
        terminology: Slicer's terminology entry, category~type~modifier with SNOMED CT codes.
    """

    label: int
    segment_id: str
    name: str
    colour: tuple[float, float, float]
    terminology: str


def _lung_terminology(modifier: str) -> str:
    return (
        "Segmentation category and type - 3D Slicer General Anatomy list"
        f"~SCT^123037004^Anatomical Structure~SCT^39607008^Lung~{modifier}"
        "~Anatomic codes - DICOM master list~^^~^^"
    )


LUNGS = (
    Segment(RIGHT_LUNG, "RightLung", "Right lung", (0.20, 0.63, 0.79), _lung_terminology("SCT^24028007^Right")),
    Segment(LEFT_LUNG, "LeftLung", "Left lung", (0.96, 0.60, 0.22), _lung_terminology("SCT^7771000^Left")),
)
"""Labels of the kind "lr"."""

SIDES = ("right", "left")
LUNG_NAMES = (*SIDES, "total")
"""How dictionaries, JSON and CSV name the numbers of each lung, and of both."""

LUNG_TITLES = {"right": "Right lung", "left": "Left lung", "total": "Both lungs"}
"""How pages, charts, terminals and tables of the scene name them."""

LabelKind = Literal["lr", "binary"]
LABEL_KINDS: tuple[LabelKind, ...] = get_args(LabelKind)
"""What the labels of a label map stand for: right and left lung, or both as one."""

NAMED_LABELS: Mapping[LabelKind, Mapping[str, int]] = {
    "lr": {"right": RIGHT_LUNG, "left": LEFT_LUNG},
    "binary": {"total": 1},
}
"""The labels of each kind by the names of `LUNG_NAMES`."""

BOTH_LUNGS = (Segment(1, "Lungs", "Lungs", (0.45, 0.68, 0.45), _lung_terminology("SCT^51440002^Right and left")),)
"""Labels of the kind "binary"."""

NAMED_SEGMENTS = {"right": LUNGS[0], "left": LUNGS[1], "total": BOTH_LUNGS[0]}
"""The segments by the names of `LUNG_NAMES`."""


def title_of(segment_name: str) -> str:
    """Return the title of the numbers of a segment: those of the segment "Lungs" are of both lungs."""
    return LUNG_TITLES["total"] if segment_name == BOTH_LUNGS[0].name else segment_name


def lungs_of(channels: int) -> tuple[Segment, ...]:
    """Return the structures of a lung network's channels: right and left lung for two, both as one for one."""
    return {1: BOTH_LUNGS, 2: LUNGS}.get(channels, ())
