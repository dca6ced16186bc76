"""No awkward input comes out wrong without a word, and docs/robustness.md tells what becomes of each."""

from __future__ import annotations

import logging
from collections import Counter

import corpus.all_kinds  # noqa: F401  # fills KINDS
import pytest
from corpus.bench import SHARE
from corpus.kinds import KINDS, Kind, Verdict
from corpus.page import PAGE, expected, page
from corpus.run import run

LEAST_KINDS = 300


@pytest.fixture(scope="module")
def found() -> list[tuple[Kind, Verdict]]:
    logger = logging.getLogger("LungUNetSegLib")
    level = logger.level
    verdicts = run(quick=True)
    logger.setLevel(level)  # the run silences it, and later tests look for what it says
    return verdicts


def test_every_kind_is_right_said_or_refused_as_expected(found: list[tuple[Kind, Verdict]]) -> None:
    """Protects patients: a wrong result without a word is the worst that this tool can do."""
    faults = {f"{kind.section}: {kind.name}": verdict.fault for kind, verdict in found if verdict.fault}
    assert faults == {}


def test_the_page_is_what_the_run_gives(found: list[tuple[Kind, Verdict]]) -> None:
    """Protects who reads the page; what the shipped network does is in it as the last `make robustness` found it."""
    tried = {id(kind): verdict for kind, verdict in found}
    written = PAGE.read_text(encoding="utf-8")
    fresh = page([(kind, tried.get(id(kind), expected(kind))) for kind in KINDS], SHARE)
    slow = {kind.name for kind in KINDS if kind.is_slow}
    assert _without(written, slow) == _without(fresh, slow), "run `make robustness`"


def _without(text: str, names: set[str]) -> list[str]:
    """The page's lines but those of some kinds."""
    return [line for line in text.splitlines() if line.split(" | ")[0].removeprefix("| ") not in names]


def test_there_are_enough_kinds_and_each_is_there_once() -> None:
    assert len(KINDS) >= LEAST_KINDS
    assert [name for name, count in Counter((kind.section, kind.name) for kind in KINDS).items() if count > 1] == []
