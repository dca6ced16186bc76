"""Tells other reconstructions of a scan from other scans of its region, such as phases, by their headers."""

from __future__ import annotations

from dataclasses import dataclass, field

from LungUNetSegLib.breathing import breathing_of
from LungUNetSegLib.io.dicom.headers import PHASES, SliceHeader
from LungUNetSegLib.io.dicom.series import Series

SHARED_REGION = 0.8
"""Two series of a study that share so much of the longer one's region show the same."""

APART_S = 2.0
"""Reconstructions of one scan may have times that differ by less; phases and breaths lie further apart."""

_MARKS = {
    "TemporalPositionIdentifier": "temporal position",
    "TemporalPositionIndex": "temporal position",
    "NominalPercentageOfCardiacPhase": "cardiac phase",
    "NominalPercentageOfRespiratoryPhase": "respiratory phase",
    "ContrastBolusAgent": "contrast agent",
    "IrradiationEventUID": "irradiation event",
}
"""What has other values in another scan, with its name for people."""

_TIME = PHASES.index("AcquisitionTime")


@dataclass(frozen=True)
class Acquired:
    """Where and when a scan was acquired.

    Attributes:
        frame: Frame of Reference UID.
        start_mm: First place along its slices' normal.
        stop_mm: Last place.
        marks: The values of `_MARKS`, and of the breathing state, where there are any.
        times_s: Acquisition time of day of the first slice and of the last; None if no header gives one.
    """

    frame: str = ""
    start_mm: float = 0.0
    stop_mm: float = 0.0
    marks: dict[str, frozenset[str]] = field(default_factory=dict)
    times_s: tuple[float, float] | None = None

    def shares_region(self, other: Acquired) -> bool:
        """Whether both show nearly the same part of one body; False where no frame of reference is given."""
        shared = min(self.stop_mm, other.stop_mm) - max(self.start_mm, other.start_mm)
        longest = max(self.stop_mm - self.start_mm, other.stop_mm - other.start_mm)
        return bool(self.frame) and self.frame == other.frame and shared >= SHARED_REGION * longest

    def differs_by(self, other: Acquired) -> str:
        """Return what shows that the body was scanned twice; "" if nothing does."""
        for name, values in self.marks.items():
            if name in other.marks and values.isdisjoint(other.marks[name]):
                return name
        if self.times_s and other.times_s:
            gap_s = max(self.times_s[0], other.times_s[0]) - min(self.times_s[1], other.times_s[1])
            return "acquisition time" if gap_s > APART_S else ""
        return ""


def acquired(series: Series) -> Acquired:
    """Return where and when a series was acquired."""
    slices = series.stack.slices
    start_mm = float(slices[0].position @ slices[0].normal)
    marks = {"breathing": frozenset(filter(None, [breathing_of(slices[0].title)]))}
    for keyword, name in _MARKS.items():
        index = PHASES.index(keyword)
        marks.setdefault(name, frozenset(each.phase[index] for each in slices) - {""})
    times = [seconds for seconds in map(_time_s, slices) if seconds is not None]
    return Acquired(
        slices[0].frame_of_reference,
        start_mm,
        start_mm + float(series.stack.positions_mm[-1]),
        {name: values for name, values in marks.items() if values},
        (min(times), max(times)) if times else None,
    )


def _time_s(header: SliceHeader) -> float | None:
    """Return the time of day of Acquisition Time (PS3.5 6.2, TM); None if it gives none."""
    text = header.phase[_TIME].replace(":", "")
    try:
        return 3600.0 * int(text[:2]) + 60.0 * int(text[2:4]) + float(text[4:])
    except ValueError:
        return None
