"""Groups DICOM slices into series, and chooses the chest CT among several series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from LungUNetSegLib.breathing import EXPIRATION, breathing_of
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.io.dicom.apart import by_patient, joined, scans_in
from LungUNetSegLib.io.dicom.copies import Copy, by_version, share_images, without_copies
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom.stack import Stack, is_even, stack
from LungUNetSegLib.kernels import is_sharp
from LungUNetSegLib.texts import listed

AXIAL_COSINE = float(np.cos(np.radians(35)))
"""A gantry tilts by at most 30 degrees; larger angles are coronal or sagittal reformations."""

THORAX_MM = 300.0
"""Beyond this length a longer scan is not preferred, as it already covers any thorax."""

_CHEST_WORDS = re.compile(r"chest|thora|lung|pulmo|thx|torax|\bct[ap]\b", re.IGNORECASE)
_OTHER_WORDS = re.compile(r"head|brain|skull|neck|sinus|abd|pelvi|spine|knee|foot|ankle|hand|wrist", re.IGNORECASE)
_WHOLE_BODY = re.compile(
    r"(skull|head|eyes?|vertex)[ _-]*(to|-)[ _-]*(mid[ _-]*)?(thigh|foot|feet|knee)|whole[ _-]*body", re.IGNORECASE
)
_PROJECTED = re.compile(
    r"(?<![A-Z])((CSA)?M(IN|AX)?[ _]?IP|MAXIMUM|MINIMUM|PROJECTION|(VOLUME|SURFACE)_RENDER)(?![A-Z])", re.IGNORECASE
)
_CALLED_PROJECTED = re.compile(r"(?<![a-z])m(in|ax)?[ _-]?ips?(?![a-z])", re.IGNORECASE)
_REFORMATTED = re.compile(r"(?<![A-Z])((CSA)?MPR|REFORMATTED|AVERAGE|SECONDARY)(?![A-Z])", re.IGNORECASE)

SLAB_MM, SLAB_SHARE = 5.0, 2.0
"""Slices called MIP are such if they are so thick, and so many times as thick as their distance: slabs that overlap.
Thin ones may be meant for making projections."""


@dataclass(frozen=True, eq=False)
class Series:
    """Slices that make one scan.

    Attributes:
        uid: Series Instance UID; where one UID holds several scans, followed by ``#2``, ``#3``, ...
        stack: Its slices in order.
        uids: Number of series that were joined, which had one slice each; else 1.
        copies: Images of the stack that are stored more than once, by their headers; `check_copies` compares pixels.
    """

    uid: str
    stack: Stack
    uids: int = 1
    copies: tuple[Copy, ...] = ()

    @property
    def slices(self) -> tuple[SliceHeader, ...]:
        """All its slices but copies, also those that are left out because another one has the same position."""
        return self.stack.slices + self.stack.repeated

    @property
    def title(self) -> str:
        """Description and number for messages."""
        first = self.stack.slices[0]
        return first.title or f"series {first.series_number}"

    @property
    def spacing_mm(self) -> float:
        """Mean slice distance; the slice thickness if there is only one slice."""
        positions = self.stack.positions_mm
        if len(positions) == 1:
            return self.stack.slices[0].thickness_mm or 1.0
        return float(positions[-1] / (len(positions) - 1))

    @property
    def is_axial(self) -> bool:
        """Whether its slices are axial, also with a tilted gantry."""
        return bool(abs(self.stack.normal[2]) >= AXIAL_COSINE)

    @property
    def is_reformatted(self) -> bool:
        """Whether its images were computed from others, as projections and reformations are."""
        return self.is_projected or bool(_REFORMATTED.search(self._types))

    @property
    def _types(self) -> str:
        return self.stack.slices[0].variant.partition("]")[0]

    @property
    def is_projected(self) -> bool:
        """Whether its images are maxima or minima of many slices: no tissue has its own density there."""
        first = self.stack.slices[0]
        is_slab = (first.thickness_mm or 0) >= max(SLAB_MM, SLAB_SHARE * self.spacing_mm)
        return bool(_PROJECTED.search(self._types) or (is_slab and _CALLED_PROJECTED.search(first.title)))

    @property
    def is_in_hu(self) -> bool:
        """Whether no image says that its values are of another unit, as maps of iodine do (PS3.3 C.11.1.1.2)."""
        return {each.rescale_type for each in self.stack.slices} <= {"HU", "US"}  # US: unspecified

    @property
    def is_sharp(self) -> bool:
        """Whether its kernel is known to be a sharp one, which forbids density numbers."""
        return bool(is_sharp(self.stack.slices[0].kernel))

    @property
    def is_expiration(self) -> bool:
        """Whether its description says that the patient had breathed out, which halves the lungs' volume."""
        return breathing_of(self.stack.slices[0].title) == EXPIRATION

    @property
    def region(self) -> int:
        """1 where its description or body part names the chest, -1 where they name another part only, else 0."""
        first = self.stack.slices[0]
        words = f"{first.title} {first.body_part}"
        if _CHEST_WORDS.search(words):
            return 1
        return -bool(_OTHER_WORDS.search(words) and not _WHOLE_BODY.search(words))


def group_series(slices: Sequence[SliceHeader]) -> list[Series]:
    """Return all scans among these slices, the best candidate for an axial chest CT first.

    Slices of one Series Instance UID are separated by patient, size, pixel spacing and orientation, and, if several lie
    at the same positions, by every tag that distinguishes them. Copies of images are left out; folders whose images
    have the same identifiers and lie elsewhere are separate scans.

    Raises:
        ReadError: Several images lie at each position, and nothing tells which of them belong together.
    """
    by_uid: dict[str, list[SliceHeader]] = {}
    for each in slices:
        by_uid.setdefault(each.series_uid, []).append(each)
    found: list[Series] = []
    for uid, (own, uids) in joined(by_uid).items():
        stacks = sorted(_stacks(own), key=lambda each: -len(each[0].slices))
        found += [
            Series(uid if number == 1 else f"{uid}#{number}", laid, uids, copies)
            for number, (laid, copies) in enumerate(stacks, 1)
        ]
    return sorted(found, key=merit, reverse=True)


def _stacks(slices: Sequence[SliceHeader]) -> Iterator[tuple[Stack, tuple[Copy, ...]]]:
    """Yield the scans of one Series Instance UID, each with the copies of its images."""
    for patient in by_patient(slices):
        for version in by_version(patient):
            unique, copies = without_copies(version)
            for part in scans_in(unique):
                images = set(part)
                yield stack(part), tuple(each for each in copies if each.original in images)


def of_same_uid(series: Series, found: Sequence[Series]) -> list[Series]:
    """Return the series that have to be read together, so that this one gets the same UID again: all of its own UID."""
    if series.uids > 1:
        return [series]
    uid = series.uid.partition("#")[0]
    return [each for each in found if each.uid.partition("#")[0] == uid]


def namesakes(series: Series, found: Sequence[Series]) -> list[Series]:
    """Return the patient's series whose images have this one's identifiers, in other folders, and are no copies."""
    others = [each for each in of_same_uid(series, found) if each is not series]
    return [each for each in others if _of_one_patient(series, each) and share_images(series.slices, each.slices)]


def _of_one_patient(one: Series, other: Series) -> bool:
    return len({each.stack.slices[0].patient for each in (one, other)} - {""}) <= 1


def choose(series: Sequence[Series], wanted: str | None, source: str) -> Series:
    """Return the series with this UID, or the best candidate if none is given.

    Raises:
        ReadError: No series has this UID.
    """
    if wanted is None:
        return series[0]
    for each in series:
        if each.uid == wanted:
            return each
    known = listed([f"{each.uid} ({each.title})" for each in series], most=8, separator="; ")
    raise ReadError(f"{source}: there is no CT series {wanted}. There are: {known}.")


def merit(series: Series) -> tuple[float, ...]:
    """Return how good a candidate for an axial chest CT a series is; compared from the first number on."""
    first, positions = series.stack.slices[0], series.stack.positions_mm
    length_mm = min(float(positions[-1]), THORAX_MM)
    return (
        series.is_axial,
        series.is_in_hu,
        not series.is_reformatted,
        series.region if length_mm >= THORAX_MM / 3 else -1,
        round(length_mm / 50),
        is_even(positions),
        not series.is_expiration,
        len(positions),
        not series.is_sharp,
        -first.series_number,
    )
