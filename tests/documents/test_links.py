"""The documents' links lead to files and headings that exist, and the options that they name are options."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from LungUNetSegLib.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(path for folder in ("docs", "examples", "findings") for path in sorted((ROOT / folder).rglob("*.md"))),
]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def headings_of(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(document: Path) -> list[str]:
    """Return the relative links that lead nowhere."""
    text = document.read_text(encoding="utf-8")
    broken = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in headings_of(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    """Protects the reader of a document whose neighbour was renamed, or a heading of it."""
    assert broken_links(document) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# Where, and why\n[a](#where-and-why) [b](#where) [c](b.md) [d](https://example.org/x.md)\n")
    assert broken_links(document) == ["#where", "b.md"]


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each command."""
    found = {}
    for name, (module, _) in COMMANDS.items():
        parser = argparse.ArgumentParser()
        importlib.import_module(module).add_arguments(parser)
        found[name] = {"--progress", "--debug", "--help"} | {
            option for action in parser._actions for option in action.option_strings
        }
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_in_a_command_exists(document: Path, options: dict[str, set[str]]) -> None:
    """Protects who copies a command from a document, as far as no other test runs it."""
    for line in document.read_text(encoding="utf-8").splitlines():
        for name, rest in re.findall(r"lungunetseg ([a-z][a-z-]*)([^`#]*)", line):
            assert name not in options or set(OPTION.findall(rest)) <= options[name], line


BENCHMARK = re.compile(r"benchmarks/(\w+\.py)((?:\\\n|[^`\n#])*)")
"""A benchmark and what follows it in its line, or in those that a backslash joins."""


def unknown_in_benchmarks(text: str) -> list[str]:
    """Return the benchmarks that do not exist, and the options that they do not have."""
    unknown = []
    for name, rest in BENCHMARK.findall(text):
        program = ROOT / "benchmarks" / name
        source = program.read_text(encoding="utf-8") if program.exists() else ""
        unknown += [name] * (not source) + [each for each in OPTION.findall(rest) if f'"{each}"' not in source]
    return unknown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_benchmark_in_a_document_exists_with_its_options(document: Path) -> None:
    """Protects who measures again what a document says: benchmarks are run by nobody here."""
    assert unknown_in_benchmarks(document.read_text(encoding="utf-8")) == []


def test_an_unknown_benchmark_and_option_are_noticed() -> None:
    text = "`python benchmarks/no.py` and\npython benchmarks/int8.py --data DATA \\\n    --mad 2   # --good\n"
    assert unknown_in_benchmarks(text) == ["no.py", "--mad"]
