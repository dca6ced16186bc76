"""Make docs/settings.md from the dataclasses of the settings, which stay the only place where each is explained.

``python tests/documents/settings_page.py`` writes the page anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from LungUNetSegLib.config import to_json
from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.presets import PRESETS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
MAIN_PRESET = "lungs"
WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}

HEAD = f"""# Settings of a training

`python tests/documents/settings_page.py` writes this page from the source; a test fails when it is out of date.

`lungunetseg train --set KEY=VALUE` changes one setting, and `--config FILE` several; the values are JSON. A setting of
a group has a dot in its key, as in `--set augment.flip=0`; `--set pathology=null` switches a group off where that is
possible. "Default" holds where neither the preset nor you say anything; "`{MAIN_PRESET}`" is the preset that is used
unless another is named. `RUN/config.json` holds the settings of a training."""


def settings_page() -> str:
    """Return the whole page."""
    top = PRESETS[MAIN_PRESET]
    hints = typing.get_type_hints(TrainingConfig)
    groups = [name for name, hint in hints.items() if _dataclass_in(hint)]
    single = [field for field in dataclasses.fields(TrainingConfig) if field.name not in groups]
    parts = [HEAD, "## The training itself", _table(TrainingConfig, "", to_json(top), {each.name for each in single})]
    for name in groups:
        explained = attributes(TrainingConfig)[name]
        can_be_off = " It may be null." if types.NoneType in typing.get_args(hints[name]) else ""
        parts.append(f"## `{name}`\n\n{explained}{can_be_off}")
        kinds = _kinds(name, hints[name])
        for kind in kinds:
            chosen = getattr(top, name)
            values = to_json(chosen) if type(chosen) is kind else {}
            first = inspect.getdoc(kind).split("\n\n")[0].replace("\n", " ")  # type: ignore[union-attr]
            if len(kinds) > 1:
                parts.append(f"### {kind.__name__}")
            if first != explained:
                parts.append(first)
            parts.append(_table(kind, f"{name}.", values))
    parts.append("## The other presets\n\nWhat each sets differently from `lungs`.")
    for preset, config in PRESETS.items():
        if preset != MAIN_PRESET:
            parts.append(f"### `--preset {preset}`\n\n{_differences(to_json(top), to_json(config))}")
    return "\n\n".join(parts) + "\n"


def attributes(kind: type) -> dict[str, str]:
    """Return what a dataclass's docstring, and those that it inherits from, say of each field."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        text = inspect.cleandoc(each.__doc__ or "").partition("\nAttributes:\n")[2]
        for line in text.split("\n\n")[0].splitlines():
            start = re.match(r"    (\w+(?:, \w+)*): (.*)", line)
            if start:
                names = start[1].split(", ")
                found |= dict.fromkeys(names, start[2])
            elif line.strip():
                found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def groups_of_settings() -> Iterator[type]:
    """Yield every dataclass of settings that the page explains."""
    yield TrainingConfig
    for name, hint in typing.get_type_hints(TrainingConfig).items():
        if _dataclass_in(hint):
            yield from _kinds(name, hint)


def _kinds(name: str, hint: Any) -> list[type]:
    """Return the dataclasses that a group may be: those of the presets, or the hint's own."""
    base = _dataclass_in(hint)
    assert base is not None
    used = [type(getattr(preset, name)) for preset in PRESETS.values() if getattr(preset, name) is not None]
    return list(dict.fromkeys(used)) or [base]


def _dataclass_in(hint: Any) -> type | None:
    return next((each for each in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(each)), None)


def _table(kind: type, prefix: str, chosen: Mapping[str, Any], names: set[str] | None = None) -> str:
    hints, said = typing.get_type_hints(kind), attributes(kind)
    column = f" `{MAIN_PRESET}` |" if chosen else ""
    rows = [f"| setting | takes | default |{column}{' meaning |' if said else ''}"]
    rows.append("|---" * (rows[0].count("|") - 1) + "|")
    for field in dataclasses.fields(kind):
        if names is not None and field.name not in names:
            continue
        cells = [f"`{prefix}{field.name}`", _takes(hints[field.name]), _default(field)]
        cells += [_shown(chosen[field.name])] if chosen else []
        cells += [said[field.name]] if said else []
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _takes(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        many = "" if inner[-1] is Ellipsis else f"{len(inner)} "
        return f"list of {many}{WORDS[inner[0]]}s" if inner[0] is not str else "list of texts"
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if each is types.NoneType else _takes(each) for each in inner)
    return WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return _shown(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return _shown(field.default_factory())
    return "must be given"


def _shown(value: Any) -> str:
    plain = to_json(value) if dataclasses.is_dataclass(value) else value
    return f"`{json.dumps(plain)}`"


def _differences(usual: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    lines = [f"- `{key}={json.dumps(value)}`" for key, value in _changes(usual, other)]
    return "\n".join(lines)


def _changes(usual: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in other.items():
        before = usual.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            yield from _changes(before, value, f"{prefix}{key}.")
        elif key not in usual or value != before:
            yield f"{prefix}{key}", value


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
