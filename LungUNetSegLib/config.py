"""Converts frozen dataclasses to and from JSON; all settings are read and saved in this way.

A configuration lives beside the code it configures (`PreprocessConfig` in preprocessing/config.py, `UNetConfig` in
networks/unet.py, ...), validates itself in ``__post_init__`` and is kept whole in every checkpoint.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from LungUNetSegLib.errors import ConfigError

ConfigT = TypeVar("ConfigT")


def to_json(config: Any) -> dict[str, Any]:
    """Return a configuration dataclass as plain dicts, lists and scalars that `json.dump` takes."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, (tuple, list)):
            return [plain(item) for item in value]
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, enum.Enum):
            return value.value
        return str(value) if isinstance(value, Path) else value

    result = plain(config)
    assert isinstance(result, dict)
    return result


def check_at_least(config: Any, **least: float) -> None:
    """Refuse a setting below its least value, as in ``check_at_least(self, folds=2, seed=0)``.

    Raises:
        ConfigError: Names the setting and both values.
    """
    for name, value in least.items():
        if not getattr(config, name) >= value:
            raise ConfigError(f"{name} must be at least {value}, got {getattr(config, name)}.")


def check_shares(config: Any, *names: str) -> None:
    """Refuse a setting that does not lie between 0 and 1.

    Raises:
        ConfigError: Names the setting and its value.
    """
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(f"{name} must lie between 0 and 1, got {getattr(config, name)}.")


MAX_DEPTH = 64
"""Deepest nesting of a JSON text: far more than ours need, and less than Python's recursion limit."""


def parse_json(text: str) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: It is not JSON, has a key twice in one object, or is nested deeper than `MAX_DEPTH`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return value
        level = [item for each in level for item in _items(each)]
    raise ValueError("it is nested too deeply")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; Python would take the last of two values of one key without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return found


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def from_json(config_type: type[ConfigT], values: Mapping[str, Any], where: str = "configuration") -> ConfigT:
    """Build `config_type` from the output of `to_json`, refusing unknown keys and wrong types.

    Args:
        config_type: A dataclass with keyword-only fields; or a base class of several, whose classmethod
            ``choose(values, where)`` returns the right class and its values.
        values: Keys are field names; absent fields keep their defaults.
        where: Source of the values for error messages, e.g. the path of the JSON file.

    Raises:
        ConfigError: An unknown key, a missing one without default, or a value of the wrong type.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: expected an object with settings, got {type(values).__name__}.")
    choose = getattr(config_type, "choose", None)
    if choose is not None:
        config_type, values = choose(values, where)
    hints = typing.get_type_hints(config_type)
    fields = dataclasses.fields(config_type)  # type: ignore[arg-type]
    known = [field.name for field in fields]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{where}: unknown setting {unknown[0]!r}; known are {', '.join(known)}.")
    missing = [field.name for field in fields if _is_required(field) and field.name not in values]
    if missing:
        raise ConfigError(f"{where}: these settings are missing: {', '.join(missing)}.")
    return config_type(**{key: _coerce(hints[key], value, f"{where}: {key}") for key, value in values.items()})


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _coerce(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the type that `hint` names, or raise ConfigError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _coerce(next(item for item in arguments if item is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{where} must be a list, got {value!r}.")
        items = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(items) != len(value):
            raise ConfigError(f"{where} must have {len(items)} values, got {len(value)}.")
        return tuple(_coerce(item, each, where) for item, each in zip(items, value, strict=True))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} must be an object, got {value!r}.")
        return dict(value)
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(f"{where} must be one of {', '.join(map(str, arguments))}, got {value!r}.")
        return value
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type, hint), value, where)
    if isinstance(hint, type):
        return _scalar(hint, value, where)
    raise TypeError(f"{where}: settings of type {hint} are not supported")


def _scalar(hint: type, value: Any, where: str) -> Any:
    if issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError:
            allowed = ", ".join(str(member.value) for member in hint)
            raise ConfigError(f"{where} must be one of {allowed}, got {value!r}.") from None
    if hint is Path and isinstance(value, str):
        return Path(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float and is_number:
        try:
            number = float(value)
        except OverflowError:  # an integer of hundreds of digits
            number = math.inf
        if not math.isfinite(number):
            raise ConfigError(f"{where} must be a finite number, got {str(value)[:40]}.")
        return number
    if hint in (int, str, bool, float) and type(value) is not hint:
        raise ConfigError(f"{where} must be of type {hint.__name__}, got {value!r}.")
    return value
