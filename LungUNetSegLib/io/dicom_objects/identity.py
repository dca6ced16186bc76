"""Defines who made a DICOM object, and makes its identifiers.

Identifiers lie under 2.25, the root that the standard gives to UUIDs (PS3.5 B.2): it needs no registration, and nobody
else can make the same ones. Those that are to be the same again are name-based UUIDs in a name space of our own.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import LungUNetSegLib

NAME = "LungUNetSeg"
NAMESPACE = uuid.UUID("6f1c2b58-7c1b-4b0e-9a53-0d7f3c1e8a42")
"""The namespace of name-based UUIDs; never to be changed, since old objects would get new identifiers."""

IMPLEMENTATION_UID = f"2.25.{NAMESPACE.int}"
"""Marks the file meta information that is ours."""

EARLIEST = datetime(1900, 1, 1)
"""The date of an object that is to be the same again, where its scan tells none."""


@dataclass(frozen=True, kw_only=True)
class Maker:
    """The program and the model that made a result.

    Attributes:
        model: Its name.
        sha256: Of its weights, in hexadecimal.
        version: Of this program.
    """

    model: str
    sha256: str
    version: str = field(default_factory=lambda: LungUNetSegLib.__version__)

    @property
    def software(self) -> list[str]:
        """Software Versions: at most 64 characters each."""
        return [f"{NAME} {self.version}", f"model {self.model[:30]} {self.sha256[:16]}"]

    @property
    def equipment(self) -> dict[str, Any]:
        """The equipment (PS3.3 C.7.5.2), by the names of highdicom's arguments."""
        return {
            "manufacturer": NAME,
            "manufacturer_model_name": NAME,
            "software_versions": self.software,
            "device_serial_number": self.sha256[:64] or "0",
        }


class Identifiers:
    """Makes UIDs: new ones at each run, or the same ones for the same content.

    Args:
        content: What the object is made of: source instances, model, options, voxels. None for new identifiers.
        moment: Date and time of the object.
    """

    def __init__(self, content: tuple[str, ...] | None, moment: datetime) -> None:
        self.moment = moment
        parts = content if content is not None else (uuid.uuid4().hex,)
        self._seed = hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def uid(self, kind: str) -> str:
        """Return the identifier of one thing, such as "series"; the same name gives the same one."""
        return f"2.25.{uuid.uuid5(NAMESPACE, f'{self._seed} {kind}').int}"
