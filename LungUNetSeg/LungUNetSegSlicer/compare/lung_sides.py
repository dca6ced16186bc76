"""Finds the right and the left lung among segments or label values: by terminology, then name, then overlap.

Pure Python: a structure is a segment or a label value, whatever node it is in. Lobes count as their lung, so that
the output of other programs can be compared without merging it first.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.io.masks.choice import lungs_among
from LungUNetSegLib.io.masks.lung_names import BOTH, part_by_name, terminology_codes
from LungUNetSegLib.segments import LEFT_LUNG, RIGHT_LUNG
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume import Geometry, SliceBox, Volume
from LungUNetSegLib.volume.resample import resample
from LungUNetSegSlicer.background import finish


class Side(Enum):
    """What a structure counts as in a comparison."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "both"


Sides = Mapping[str, Side]
"""Side by a structure's key; a structure without an entry is not a lung."""


@dataclass(frozen=True)
class Structure:
    """A segment, or a value of a label map.

    Attributes:
        key: Segment ID, or the label value as text.
        name: For people, such as "label 3" where a label map names no lung.
        terminology: Slicer's terminology entry, or empty.
    """

    key: str
    name: str
    terminology: str = ""


class Source(Protocol):
    """Structures on a grid.

    Attributes:
        name: Of the node that they are in.
        role: ``prediction`` or ``reference``.
        structures: At least one.
        geometry: Their grid.
    """

    name: str
    role: str
    structures: Sequence[Structure]
    geometry: Geometry

    def part(self, key: str) -> tuple[SliceBox, npt.NDArray[np.bool_]]:
        """Return a box of `geometry` with all of a structure, and its voxels there."""


INSIDE_SHARE = 0.5
"""A structure with a smaller share inside the other's lungs is not a lung."""

ONE_SIDE_SHARE = 0.8
"""A structure with a smaller share of its lung voxels on one side is both lungs together."""

_SIDES = {RIGHT_LUNG: Side.RIGHT, LEFT_LUNG: Side.LEFT, BOTH: Side.BOTH}


def match_sides(
    prediction: Source, reference: Source, prediction_sides: Sides | None = None, reference_sides: Sides | None = None
) -> tuple[Sides, Sides]:
    """Find the lungs among the structures of two label maps.

    Args:
        prediction: One of them.
        reference: The other.
        prediction_sides: Chosen by hand; no search is made then.
        reference_sides: Likewise.

    Raises:
        DataError: Neither names its lungs, or nothing in one overlaps the lungs of the other.
        GeometryError: The two do not overlap in space.
    """
    one = prediction_sides or known_sides(prediction.structures)
    other = reference_sides or known_sides(reference.structures)
    if not one and not other:
        one, other = _sides_by_convention(prediction.structures), _sides_by_convention(reference.structures)
    if not one and not other:
        raise DataError(
            f"Neither {prediction.name!r} ({_names(prediction)}) nor {reference.name!r} ({_names(reference)}) has "
            "a structure named as a lung. Name the segments 'Right lung' and 'Left lung', or choose them by hand."
        )
    one = one or _sides_by_overlap(prediction, reference, other)
    return one, other or _sides_by_overlap(reference, prediction, one)


def lung_labels(source: Source, sides: Sides) -> Volume:
    """Return a source's lungs as uint8 labels: 1 right (or both together), 2 left; a later structure wins."""
    return finish(lung_label_steps(source, sides))


def lung_label_steps(source: Source, sides: Sides) -> Generator[None, None, Volume]:
    """Do what `lung_labels` does in a step for each structure, between which the event loop runs."""
    labels = np.zeros(source.geometry.shape, np.uint8)
    for key, side in sides.items():
        yield
        box, mask = source.part(key)
        np.copyto(labels[box], np.uint8(LEFT_LUNG if side is Side.LEFT else RIGHT_LUNG), where=mask)
    return Volume(labels, source.geometry)


def known_sides(structures: Sequence[Structure]) -> dict[str, Side]:
    """Return the lungs among some structures, by their terminology and names (the library's one table)."""
    named = {each.key: (each.name, terminology_codes(each.terminology)) for each in structures}
    return {key: _SIDES[label] for key, label in lungs_among(named).labels.items()}


def side_by_name(name: str) -> Side | None:
    """Return the side in a name such as "Right lung", "lung_upper_lobe_left" or "Lungs"; None without one."""
    part = part_by_name(name)
    return _SIDES[part.label] if part and part.label else None


def _sides_by_convention(structures: Sequence[Structure]) -> dict[str, Side]:
    """Return the sides of a label map with our own values: 1 right, 2 left; 1 alone is both."""
    keys = {each.key for each in structures}
    if keys == {"1", "2"}:
        return {"1": Side.RIGHT, "2": Side.LEFT}
    return {"1": Side.BOTH} if keys == {"1"} else {}


def _sides_by_overlap(source: Source, other: Source, other_sides: Sides) -> dict[str, Side]:
    """Return the sides of the structures that overlap the other's lungs."""
    labels = resample(lung_labels(other, other_sides), source.geometry, "nearest").array
    if not labels.any():
        raise GeometryError(
            f"{source.name!r} and {other.name!r} do not overlap: the lungs of the latter lie outside the grid "
            "of the former. They belong to different scans or frames of reference."
        )
    right = Side.BOTH if Side.BOTH in other_sides.values() else Side.RIGHT
    sides = {}
    for structure in source.structures:
        box, mask = source.part(structure.key)
        outside, in_right, in_left = np.bincount(labels[box][mask], minlength=3)
        inside = in_right + in_left
        if inside and inside >= INSIDE_SHARE * (inside + outside):
            side, most = max(((right, in_right), (Side.LEFT, in_left)), key=lambda each: each[1])
            sides[structure.key] = side if most >= ONE_SIDE_SHARE * inside else Side.BOTH
    if not sides:
        raise DataError(
            f"The {source.role} {source.name!r} holds no lung: nothing in it ({_names(source)}) is named as one, or "
            "lies where the other has lungs. Choose another one, or choose its lungs by hand."
        )
    return sides


def _names(source: Source) -> str:
    return listed([repr(each.name) for each in source.structures])
