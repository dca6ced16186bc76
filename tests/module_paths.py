"""Where the module lies, for tests that start children."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
MODULE_FOLDER = CHECKOUT / "LungUNetSeg"
