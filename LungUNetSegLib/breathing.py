"""Finds in a series description whether a scan was made at inspiration or at expiration."""

from __future__ import annotations

import re

INSPIRATION, EXPIRATION = "inspiration", "expiration"

_INSPIRATION = re.compile(r"\b(ins(p(i|ir\w*)?)?|inhal\w*|einatm\w*|TLC)\b", re.IGNORECASE)
_EXPIRATION = re.compile(r"\b(exs?p(i|ir\w*)?|esp(i|ir\w*)|exhal\w*|ausatm\w*|FRC)\b", re.IGNORECASE)


def breathing_of(title: str) -> str | None:
    """Return the breathing state in a description, "inspiration" or "expiration"; None for neither and for both."""
    title = title.replace("_", " ")
    breathed_in, out = bool(_INSPIRATION.search(title)), bool(_EXPIRATION.search(title))
    if breathed_in == out:
        return None
    return INSPIRATION if breathed_in else EXPIRATION
