"""A small part of `make faults`: what is killed, starved or crowded leaves a whole result, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import pytest

if os.name != "posix":
    pytest.skip("limits and signals are of another kind here", allow_module_level=True)

from faults import faults
from faults.commands import Ended, Tally, forget_inputs

pytestmark = pytest.mark.slow

TRIED = {
    "killed": partial(faults.killed, "segment", 2),
    "memory": partial(faults.memory, "segment", [450]),
    "descriptors": partial(faults.descriptors, "evaluate", [12]),
    "file size": partial(faults.largest_file, "segment", [1]),
    "index": partial(faults.largest_file, "batch", [1]),
    "two at once": partial(faults.at_once, "evaluate", 2),
    "clock": partial(faults.clock_jumps, "segment", 1),
}


@pytest.fixture(scope="module", autouse=True)
def no_inputs_left() -> Iterator[None]:
    yield
    forget_inputs()


@pytest.mark.parametrize("name", TRIED)
def test_nothing_is_lost_or_left_behind(name: str) -> None:
    """Protects results that a user had, and the folder that they lie in."""
    tally = TRIED[name]()
    assert tally.wrong == [] and tally.left == 0
    assert tally.tries == tally.done + tally.said + tally.ended > 0


def test_the_tally_sees_what_is_lost_and_what_helps_nobody() -> None:
    """Protects the table from being empty of faults because nobody looked."""
    tally = Tally("x", "segment")
    tally.add(Ended(0, ""), state="right", before="old", right="right")
    tally.add(Ended(-9, ""), state="old", before="old", right="right")
    tally.add(Ended(1, "lungunetseg: too little memory"), state="right", before="old", right="right")
    assert (tally.done, tally.ended, tally.said, tally.wrong) == (1, 1, 1, [])
    tally.add(Ended(-9, ""), state="half", before="old", right="right")
    tally.add(Ended(0, ""), state="old", before="old", right="right")
    tally.add(Ended(1, "Traceback ..."), state="old", before="old", right="right")
    tally.add(Ended(999, "it stood still"), state="old", before="old", right="right")
    assert len(tally.wrong) == 4
