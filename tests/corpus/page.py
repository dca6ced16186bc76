"""docs/robustness.md out of a run of the corpus, and of the table of faults that the last run of these left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpus.kinds import Kind, Verdict

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "robustness.md"
FAULTS = ROOT / "tests" / "faults" / "table.md"

RESULTS = ("right", "said", "refused", "wrong")

HEAD = """# Robustness

What becomes of awkward input. `make robustness` makes each of the inputs below out of a phantom, reads it, and writes
this page; a test of the suite runs all but those of the shipped network, and compares.

- **Right**: the result is the clean one's. Scans: values, place and sides; masks: each lung's Dice coefficient within
  {share} of 1 and its volume within {share} of the clean reference's.
- **Said**: there is a result, and a finding says what is odd about it. Where the clean result can be had, it is that.
- **Refused**: one line that names the file or value, and what to do.
- **Wrong**: a wrong result without a word, or an error that is not ours.
"""

FAULTS_HEAD = """## Faults

What becomes of commands that are killed, starved of memory, disk or descriptors, whose clock jumps, and that run beside
each other: the last whole `make faults`. Nothing may be lost, wrong or left behind.
"""


def page(found: Iterable[tuple[Kind, Verdict]], share: float) -> str:
    """Return the whole page."""
    by_section: dict[str, list[tuple[Kind, Verdict]]] = {}
    for kind, verdict in found:
        by_section.setdefault(kind.section, []).append((kind, verdict))
    sections = list(by_section.items())
    lines = [HEAD.format(share=f"{share:g}"), "| kinds of | tried | right | said | refused | wrong |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    every = [pair for _, pairs in sections for pair in pairs]
    for name, pairs in [*sections, ("**all**", every)]:
        counts = [sum(verdict.result == result for _, verdict in pairs) for result in RESULTS]
        lines.append(f"| {name} | {len(pairs)} | {' | '.join(map(str, counts))} |")
    lines += ["", *_faults(), "## Each kind"]
    for name, pairs in sections:
        lines += ["", f"### {name}", "", "| what is awkward | what comes of it |", "| --- | --- |"]
        lines += [f"| {kind.name} | {_outcome(verdict)} |" for kind, verdict in pairs]
    return "\n".join(lines) + "\n"


def expected(kind: Kind) -> Verdict:
    """What a kind comes to if it comes to what is expected: for those that a quick run leaves out."""
    return Verdict(kind.expected, " ".join(kind.codes) or kind.error.__name__)


def _outcome(verdict: Verdict) -> str:
    if verdict.result == "said":
        return "said: " + ", ".join(f"`{code}`" for code in verdict.told.split())
    return verdict.result


def _faults() -> list[str]:
    """What the last whole `make faults` found."""
    if not FAULTS.is_file():
        return []
    return [FAULTS_HEAD, FAULTS.read_text(encoding="utf-8")]
