"""Finds reasons to doubt a scan's density numbers: in its DICOM header, and in what was measured in it.

docs/measures.md gives the reason of each limit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from LungUNetSegLib.breathing import EXPIRATION, breathing_of
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.kernels import is_sharp

THICK_MM = 2.5
"""Thicker slices average emphysema with the surrounding tissue."""

NOISE_HU = 35.0
"""This noise alone moves 1 % of healthy lung of -870 HU below -950 HU: 80 HU are 2.3 standard deviations."""

BLOOD_HU = 80.0
"""A higher median of the tissue between the lungs or in the aorta shows contrast agent in the blood."""

AORTA_HU = (20.0, 70.0)
"""Blood without contrast agent has less in severe anaemia only (doi:10.1038/s41598-022-24265-8), and hardly more (31 to
68 HU in the veins of 244 heads, doi:10.1055/s-0043-1761184)."""

GOOD_AIR_HU = (-1010.0, -970.0)
"""Air in the trachea where the scale is right: -990 with a deviation of 14 (doi:10.1016/j.ejrad.2012.02.021)."""

LOWEST_PERCENT = 0.5
"""If a larger share of the lungs has their lowest value, padding or a clipped scale distorts the numbers."""

BLIND_HU = -950.0
"""If the air in the trachea measures more, not even air lies below the limit of LAA-950."""

MEASURED = (
    "slice_mm", "coarsest_mm", "air_hu", "noise_hu", "blood_hu", "aorta_hu", "lowest_hu", "lowest_percent",
)  # fmt: skip
"""What `judge` needs of a scan, all of which is in the record: it can be judged again when its header is known."""

EMPHYSEMA = ("laa950_percent", "laa910_percent", "perc15_hu", "perc15_g_per_l")
DENSE = ("haa_percent", "mean_hu", "mass_g", "air_ml")
EVERY = (*EMPHYSEMA, "laa856_percent", *DENSE)

_NO_AGENT = re.compile(
    r"[-.\s]*|0|nil|none\.?|n|n/?a|nativ\w*|plain|unenhanced"
    r"|(no|non|without|w/?o|kein|sans|senza|sin)[-\s]*(i\.?v\.?)?[-\s]*(contrast\w*|kontrast\w*|km|agent)?",
    re.IGNORECASE,
)
"""What headers write for no contrast agent; "Non-ionic" is one."""


class Header(Protocol):
    """The fields of a DICOM slice's header that are used; this package may not import the reader."""

    @property
    def thickness_mm(self) -> float | None: ...
    @property
    def kernel(self) -> str: ...
    @property
    def contrast_agent(self) -> str: ...
    @property
    def title(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """How a scan was acquired, according to its header.

    Attributes:
        thickness_mm: Slice thickness.
        kernel: Convolution kernel; "" if unknown.
        contrast_agent: Name of the contrast agent; "" if none is named.
        title: Series description.
    """

    thickness_mm: float | None = None
    kernel: str = ""
    contrast_agent: str = ""
    title: str = ""

    @property
    def is_sharp(self) -> bool | None:
        """Whether the kernel is a sharp one; None for an unknown kernel."""
        return is_sharp(self.kernel)

    @property
    def has_agent(self) -> bool:
        """Whether the header names a contrast agent, and not that there was none."""
        return not _NO_AGENT.fullmatch(self.contrast_agent.strip())

    @property
    def breathing(self) -> str | None:
        """The breathing state in the description; None for neither and for both."""
        return breathing_of(self.title)


UNKNOWN = Acquisition()


def acquisition_of(slices: Sequence[Header]) -> Acquisition:
    """Return how a scan was acquired by the headers of its slices; `UNKNOWN` without headers, as for image files."""
    if not slices:
        return UNKNOWN
    first = slices[0]
    thickness_mm = max((each.thickness_mm or 0 for each in slices), default=0)
    return Acquisition(
        thickness_mm=thickness_mm or None,
        kernel=first.kernel,
        contrast_agent=first.contrast_agent,
        title=first.title,
    )


def judge(measured: Mapping[str, Any], acquisition: Acquisition) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """Return how a scan was acquired, with the reasons for doubt, and a finding if there is one.

    Args:
        measured: The keys of `MEASURED`, from `measure_lungs` or from an earlier record.
        acquisition: From the scan's header.

    Returns:
        The keys of ``acquisition`` in docs/json.md: what was measured, what the header says, and ``doubts``.
    """
    blood = [each for each in (measured["blood_hu"], measured["aorta_hu"]) if each is not None]
    is_enhanced = True if acquisition.has_agent else max(blood) > BLOOD_HU if blood else None
    doubts = [
        each
        for each in (
            _thick(measured, acquisition),
            _sharp(acquisition),
            _contrast(measured, is_enhanced),
            _expiration(acquisition),
            _noise(measured["noise_hu"]),
            _lowest(measured["lowest_hu"], measured["lowest_percent"]),
            _air(measured["air_hu"]),
            _blood(measured, is_enhanced),
        )
        if each
    ]
    record = {
        **{name: measured[name] for name in MEASURED},
        "thickness_mm": acquisition.thickness_mm,
        "kernel": acquisition.kernel or None,
        "sharp_kernel": acquisition.is_sharp,
        "contrast": is_enhanced,
        "breathing": acquisition.breathing,
        "doubts": doubts,
    }
    return record, _finding(doubts)


def _doubt(reason: str, measures: Sequence[str], message: str) -> dict[str, Any]:
    return {"reason": reason, "measures": list(measures), "message": message}


def _thick(measured: Mapping[str, Any], acquisition: Acquisition) -> dict[str, Any] | None:
    thick_mm = acquisition.thickness_mm or measured["coarsest_mm"]
    if thick_mm <= THICK_MM:
        return None
    what = "slices" if acquisition.thickness_mm or thick_mm == measured["slice_mm"] else "voxels"
    message = f"{what} of {thick_mm:.3g} mm hide small areas of low density (limit: {THICK_MM:g} mm)"
    return _doubt("thick-slices", EMPHYSEMA, message)


def _sharp(acquisition: Acquisition) -> dict[str, Any] | None:
    if not acquisition.is_sharp:
        return None
    message = f"the sharp kernel {acquisition.kernel} spreads the values and makes healthy lung look like emphysema"
    return _doubt("sharp-kernel", (*EMPHYSEMA, "laa856_percent", "sd_hu"), message)


def _contrast(measured: Mapping[str, Any], is_enhanced: bool | None) -> dict[str, Any] | None:
    if not is_enhanced:
        return None
    places = (("blood_hu", "between the lungs"), ("aorta_hu", "in the aorta"))
    seen = [f"{measured[key]:.0f} HU {place}" for key, place in places if measured[key] is not None]
    shown = f" ({', '.join(seen)})" if seen else ""
    return _doubt("contrast", EVERY, f"contrast agent{shown} makes the lung denser")


def _expiration(acquisition: Acquisition) -> dict[str, Any] | None:
    if acquisition.breathing != EXPIRATION:
        return None
    return _doubt("expiration", EMPHYSEMA, "the scan was made at expiration, where LAA-856 shows trapped air")


def _noise(noise_hu: float | None) -> dict[str, Any] | None:
    if noise_hu is None or noise_hu <= NOISE_HU:
        return None
    message = f"noise of {noise_hu:.0f} HU moves healthy lung below -950 HU (limit: {NOISE_HU:.0f} HU)"
    return _doubt("noise", EMPHYSEMA, message)


def _lowest(lowest_hu: int | None, lowest_percent: float | None) -> dict[str, Any] | None:
    if lowest_percent is None or lowest_percent <= LOWEST_PERCENT:
        return None
    message = (
        f"{lowest_percent:.1f} % of the lungs have their lowest value, {lowest_hu} HU: padding, or a clipped scale"
    )
    return _doubt("lowest-value", EVERY, message)


def _air(air_hu: float | None) -> dict[str, Any] | None:
    if air_hu is None or air_hu <= BLIND_HU:
        return None
    message = f"the air in the trachea measures {air_hu:.0f} HU, so that not even air lies below -950 HU"
    return _doubt("air-off-scale", EMPHYSEMA, message)


def _blood(measured: Mapping[str, Any], is_enhanced: bool | None) -> dict[str, Any] | None:
    aorta_hu, air_hu = measured["aorta_hu"], measured["air_hu"]
    low, high = AORTA_HU
    if is_enhanced or aorta_hu is None or low <= aorta_hu <= high:
        return None
    why = "severe anaemia or a wrong HU scale" if aorta_hu < low else "contrast agent or a wrong HU scale"
    message = f"the blood in the aorta measures {aorta_hu:.0f} HU (usual: {low:.0f} to {high:.0f} HU): {why}"
    good_air = air_hu is not None and GOOD_AIR_HU[0] <= air_hu <= GOOD_AIR_HU[1]
    return _doubt("blood-off-scale", DENSE if good_air else EVERY, message)


def _finding(doubts: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    if not doubts:
        return ()
    reasons = "; ".join(each["message"] for each in doubts)
    is_emphysema = any(EMPHYSEMA[0] in each["measures"] for each in doubts)
    what = "LAA-950 and Perc15" if is_emphysema else "HAA, mean density and mass"
    return (Finding("density-in-doubt", f"{what} of this scan cannot be compared with published values: {reasons}."),)
