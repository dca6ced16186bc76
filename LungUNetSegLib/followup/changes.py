"""Subtracts the lungs of one date from those of another: volume, mass, density, and the same of each region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from LungUNetSegLib.followup.scans import MeasuredScan
from LungUNetSegLib.measures.density import REGION_KEYS, TABLE_KEYS
from LungUNetSegLib.measures.regions import REGIONS
from LungUNetSegLib.segments import LUNG_NAMES

KEYS = ("volume_ml", "mean_hu", *TABLE_KEYS)
RELATIVE = ("_ml", "_g", "_g_per_l")
"""Units with a true zero, for which a change in % is meaningful."""

ADJUSTED = "perc15_g_per_l_at_first_volume"
"""The second scan's Perc15 as it would be at the first scan's volume, if only the amount of air differs: density times
volume is constant (the sponge model; remembered of Shaker 2004, see docs/followup.md)."""

Change = dict[str, float | None]
"""``first``, ``second``, ``change`` (second minus first) and, where it is meaningful, ``change_percent``."""


def lung_changes(first: MeasuredScan, second: MeasuredScan) -> dict[str, dict[str, Change] | None]:
    """Return the changes of `KEYS` and `ADJUSTED` by lung; None for a lung that is missing in one of the scans."""
    return {name: _lung(first, second, name) for name in LUNG_NAMES}


def region_changes(first: MeasuredScan, second: MeasuredScan) -> dict[str, dict[str, dict[str, Change] | None]]:
    """Return the changes of the numbers of each region, by lung and region; None where one of the scans has none."""
    changes: dict[str, dict[str, dict[str, Change] | None]] = {}
    for name in LUNG_NAMES:
        one, other = first.measures.regions[name], second.measures.regions[name]
        changes[name] = {region: _subtract(one[region], other[region], REGION_KEYS) for region in REGIONS}
    return changes


def _lung(first: MeasuredScan, second: MeasuredScan, name: str) -> dict[str, Change] | None:
    one, other = first.measures.density[name], second.measures.density[name]
    changes = _subtract(one, other, KEYS)
    if changes is None or one is None or other is None:
        return None
    adjusted = other["perc15_g_per_l"] * other["volume_ml"] / one["volume_ml"]
    changes[ADJUSTED] = _change(one["perc15_g_per_l"], adjusted, ADJUSTED)
    return changes


def _subtract(
    first: Mapping[str, Any] | None, second: Mapping[str, Any] | None, keys: tuple[str, ...]
) -> dict[str, Change] | None:
    if first is None or second is None:
        return None
    return {key: _change(first[key], second[key], key) for key in keys}


def _change(first: float, second: float, key: str) -> Change:
    change: Change = {"first": first, "second": second, "change": second - first}
    if key.endswith(RELATIVE) or key == ADJUSTED:
        change["change_percent"] = 100 * (second / first - 1) if first else None
    return change
