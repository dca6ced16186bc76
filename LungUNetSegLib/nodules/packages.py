"""The packages of the extra `nodules`, loaded where they are used."""

from __future__ import annotations

from typing import Any

from LungUNetSegLib.machine import import_extra


def load_package(name: str, title: str) -> Any:
    """Return a package or a module of one.

    Raises:
        MissingDependencyError: It is not installed or does not load.
    """
    return import_extra(name, f"Nodules need {title}", "nodules")
