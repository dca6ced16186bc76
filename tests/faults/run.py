"""Disturb the commands and print what came of it: ``PYTHONPATH=tests:. python -m faults.run``, or `make faults`.

Takes half an hour; what is done is kept in ``--kept``, so that a run that was stopped goes on. The table is
written to tests/faults/table.md, which docs/robustness.md shows. Linux; a full and a read-only disk are tried as root,
who may mount one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from faults import faults
from faults.commands import COMMANDS, Tally, forget_inputs

TABLE = Path(__file__).resolve().parent / "table.md"
MOMENTS = {"segment": 40, "batch": 20, "train": 25, "export": 20, "evaluate": 15}
MEMORY_MB = [600, 800, 1000, 1500, 2000, 3000, 4000]


def plan() -> dict[str, Callable[[], Tally]]:
    """Return all that is tried, by name."""
    tried: dict[str, Callable[[], Tally]] = {}
    for name in COMMANDS:
        tried |= {
            f"killed {name}": partial(faults.killed, name, MOMENTS[name]),
            f"memory {name}": partial(faults.memory, name, MEMORY_MB),
            f"descriptors {name}": partial(faults.descriptors, name, [8, 12, 16, 32, 64]),
            f"file size {name}": partial(faults.largest_file, name, [0, 1, 4, 16]),
            f"clock {name}": partial(faults.clock_jumps, name, 3),
            f"two {name}": partial(faults.at_once, name, 2),
            f"eight {name}": partial(faults.at_once, name, 8),
        }
        if os.geteuid() == 0:
            tried[f"full disk {name}"] = partial(faults.full_disk, name, [0, 4, 16, 64])
            tried[f"read-only {name}"] = partial(faults.read_only, name)
    return tried


def main() -> int:
    """Try what is not kept yet; write the table when all is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="what holds this in its name; the table is not written")
    parser.add_argument("--kept", type=Path, default=Path("faults.jsonl"), help="what was done before; faults.jsonl")
    arguments = parser.parse_args()
    kept = _read(arguments.kept)
    wanted = {name: act for name, act in plan().items() if arguments.only in name}
    try:
        for name, act in wanted.items():
            if name in kept:
                continue
            kept[name] = tally = act()
            print(line(tally), flush=True)
            for each in tally.wrong:
                print(f"    {each}", flush=True)
            with arguments.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, **asdict(tally)}) + "\n")
    finally:
        forget_inputs()
    tallies = [kept[name] for name in wanted]
    if not arguments.only:
        TABLE.write_text(table(tallies), encoding="utf-8")
    return int(any(each.wrong or each.left for each in tallies))


def _read(path: Path) -> dict[str, Tally]:
    if not path.exists():
        return {}
    rows = [json.loads(each) for each in path.read_text(encoding="utf-8").splitlines()]
    return {row.pop("name"): Tally(**row) for row in rows}


COLUMNS = ("fault", "command", "runs", "done", "said in a line", "ended by the system", "lost or wrong", "left behind")


def line(tally: Tally) -> str:
    """Return a row of the table."""
    cells = (tally.fault, tally.command, tally.tries, tally.done, tally.said, tally.ended, len(tally.wrong), tally.left)
    return "| " + " | ".join(map(str, cells)) + " |"


def table(tallies: list[Tally]) -> str:
    """Return the whole table, in Markdown."""
    total = Tally("all", "")
    for each in tallies:
        for name in ("tries", "done", "said", "ended", "left"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
        total.wrong += each.wrong
    rows = sorted(tallies, key=lambda each: each.fault)
    head = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    return "\n".join([*head, *map(line, rows), line(total)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
