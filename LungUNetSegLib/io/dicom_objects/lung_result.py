"""Defines what DICOM objects say of a scan's lungs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Volume

Origin = Literal["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"]
"""Made by the network, by the network and corrected by hand, or by hand alone: Segment Algorithm Type (PS3.3 C.8.20.2)
and ROI Generation Algorithm (C.8.8.5)."""


class Measured(Protocol):
    """The part of a `segmentation.result.Segmentation` that DICOM objects hold; `io` may not import that class."""

    @property
    def labels(self) -> Volume: ...
    @property
    def segments(self) -> Sequence[Segment]: ...
    @property
    def volumes_ml(self) -> Mapping[str, float]: ...
    @property
    def mean_hu(self) -> Mapping[str, float]: ...
    @property
    def density(self) -> Mapping[str, Mapping[str, Any] | None]: ...
    @property
    def quality(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, eq=False, kw_only=True)
class LungResult:
    """What DICOM objects say of a scan's lungs.

    Attributes:
        labels: uint8, on the grid of the scan's volume.
        segments: What they mean.
        volumes_ml: "right" and "left", or "total".
        mean_hu: By the same names.
        density: Density numbers by the same names.
        confidence: Expected Dice coefficient of the worse lung, if known.
        origins: How each label was made, of those that are not `"AUTOMATIC"`.
    """

    labels: Volume
    segments: Sequence[Segment]
    volumes_ml: Mapping[str, float] = field(default_factory=dict)
    mean_hu: Mapping[str, float] = field(default_factory=dict)
    density: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    confidence: float | None = None
    origins: Mapping[int, Origin] = field(default_factory=dict)

    def origin(self, label: int) -> Origin:
        """How a label was made."""
        return self.origins.get(label, "AUTOMATIC")

    @property
    def description(self) -> str:
        """What an object of all labels holds, and how it was made."""
        origins = {self.origin(each.label) for each in self.segments}
        how = "segmented automatically" if origins == {"AUTOMATIC"} else "segmented automatically, corrected by hand"
        return f"Lungs, {'drawn by hand' if origins == {'MANUAL'} else how}; research only"

    @classmethod
    def of(cls, result: Measured) -> LungResult:
        """Return the part of a segmentation's result that DICOM objects hold."""
        confidence = result.quality.get("confidence")
        return cls(
            labels=result.labels,
            segments=result.segments,
            volumes_ml=result.volumes_ml,
            mean_hu=result.mean_hu,
            density=result.density,
            confidence=confidence,
        )
