"""Settings from JSON: what is no number, or no sane JSON, is refused where it is read."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from LungUNetSegLib.cases.splits import load_split
from LungUNetSegLib.cli import export
from LungUNetSegLib.config import MAX_DEPTH, check_at_least, check_shares, parse_json
from LungUNetSegLib.errors import ConfigError, LungUNetSegError
from LungUNetSegLib.models.manifest import read_manifest
from LungUNetSegLib.training.presets import read_config

DEEP = 100_000


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "1" + "0" * 400])
def test_a_number_without_end_is_no_setting(number: str) -> None:
    """Protects a training from a learning rate of infinity, which JSON's 1e400 is in Python."""
    with pytest.raises(LungUNetSegError, match=r"learning_rate must be a finite number, got -?(inf|nan|10000)"):
        read_config("lungs", None, [f"learning_rate={number}"])


def test_a_setting_outside_its_range_is_named_with_both_values() -> None:
    """Protects every configuration's limits, which are inclusive and hold for NaN, too."""
    settings = SimpleNamespace(folds=2, seed=0, share=1.0, other=0, rate=float("nan"))
    check_at_least(settings, folds=2, seed=0)
    check_shares(settings, "share", "other")
    with pytest.raises(ConfigError, match=r"^folds must be at least 3, got 2\.$"):
        check_at_least(settings, seed=0, folds=3)
    with pytest.raises(ConfigError, match=r"^folds must lie between 0 and 1, got 2\.$"):
        check_shares(settings, "share", "folds")
    for check in (lambda: check_at_least(settings, rate=0), lambda: check_shares(settings, "rate")):
        with pytest.raises(ConfigError, match=r"rate must .*, got nan"):
            check()


def _deep(kind: str, depth: int) -> str:
    return {"list": "[" * depth + "]" * depth, "object": '{"a":' * depth + "1" + "}" * depth}[kind]


@pytest.mark.parametrize("kind", ["list", "object"])
def test_json_nested_beyond_reason_is_refused_where_it_is_read(kind: str, tmp_path: Path) -> None:
    """Protects every reader of JSON from a RecursionError, which is no error of the user's in their eyes."""
    assert json.dumps(parse_json(_deep(kind, MAX_DEPTH - 2))).replace(" ", "") == _deep(kind, MAX_DEPTH - 2)
    path = tmp_path / "deep.json"
    readers = (
        read_manifest,
        load_split,
        export._read_about,
        lambda path: read_config("lungs", path, []),
        lambda path: read_config("lungs", None, [f"augment={path.read_text()}"]),
    )
    for depth in (MAX_DEPTH + 1, DEEP):
        path.write_text(_deep(kind, depth))
        for reader in readers:
            with pytest.raises(LungUNetSegError, match=r"deep\.json|augment"):
                reader(path)
