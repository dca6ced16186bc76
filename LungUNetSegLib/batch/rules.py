"""Parses rules by which a user includes or excludes series: ``kernel=B70``, ``thickness<=2``, ``description=chest``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from LungUNetSegLib.batch.candidates import Candidate
from LungUNetSegLib.errors import ConfigError

_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "=": operator.eq,
}  # fmt: skip
_TEXTS: dict[str, Callable[[Candidate], str]] = {
    "description": lambda each: each.title,
    "kernel": lambda each: each.details.get("ConvolutionKernel", ""),
    "site": lambda each: each.details.get("InstitutionName", ""),
    "path": lambda each: each.place,
}
_NUMBERS: dict[str, Callable[[Candidate], float]] = {
    "thickness": lambda each: each.thickness_mm,
    "slices": lambda each: float(each.shape[0]),
}
_RULE = re.compile(r"\s*(\w+)\s*(<=|>=|=|<|>)\s*(.+?)\s*")


@dataclass(frozen=True)
class Rule:
    """A condition on a scan.

    Attributes:
        text: As it was written.
        holds: Whether it is true of a scan.
    """

    text: str
    holds: Callable[[Candidate], bool]


def parse_rule(text: str) -> Rule:
    """Parse a rule: a name, ``=`` and a regular expression, or a comparison with a number.

    Raises:
        ConfigError: It is none.
    """
    match = _RULE.fullmatch(text)
    name, sign, wanted = match.groups() if match else ("", "", "")
    if name in _NUMBERS:
        try:
            number = float(wanted.removesuffix("mm"))
        except ValueError:
            raise ConfigError(f"The rule {text!r} compares {name} with {wanted!r}, which is not a number.") from None
        return Rule(text, lambda each: _COMPARED[sign](_NUMBERS[name](each), number))
    if name not in _TEXTS or sign != "=":
        raise ConfigError(
            f"{text!r} is not a rule: write {', '.join(f'{each}=TEXT' for each in _TEXTS)}, "
            f"or {', '.join(f'{each}<=NUMBER' for each in _NUMBERS)}."
        )
    try:
        pattern = re.compile(wanted, re.IGNORECASE)
    except re.error as error:
        raise ConfigError(f"The rule {text!r} has no valid regular expression: {error}.") from error
    return Rule(text, lambda each: bool(pattern.search(_TEXTS[name](each))))


def left_out(candidate: Candidate, include: Sequence[Rule], exclude: Sequence[Rule]) -> str:
    """Return the rule that excludes a scan; "" if all of `include` hold and none of `exclude`."""
    missed = next((rule for rule in include if not rule.holds(candidate)), None)
    if missed:
        return f"not included: {missed.text} does not hold"
    met = next((rule for rule in exclude if rule.holds(candidate)), None)
    return f"excluded: {met.text}" if met else ""
