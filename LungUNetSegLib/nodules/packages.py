"""Loads the packages of the extra `nodules` when they are used."""

from __future__ import annotations

from typing import Any

from LungUNetSegLib.machine import import_extra


def load_package(name: str, title: str) -> Any:
    """Return a package, or a module of a package.

    Raises:
        MissingDependencyError: It is not installed, or cannot be loaded.
    """
    return import_extra(name, f"Nodules need {title}", "nodules")
