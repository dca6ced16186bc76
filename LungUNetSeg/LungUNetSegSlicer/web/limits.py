"""What the users of the server may take, so that each can work."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from LungUNetSegLib.errors import ConfigError

GB = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server.

    Attributes:
        sessions: Users at a time.
        segmentations: Segmentations at a time, of all users; the others wait in order.
        scans: Scans that one user has open.
        upload_gb: Disk for one user's uploads, unpacked.
        memory_gb: Memory of one user's processes together.
        idle_minutes: A session without a click for so long ends; one that segments or uploads is not.
        grace_s: A session without a page ends after this time; a reload is quicker.
    """

    sessions: int = 10
    segmentations: int = 1
    scans: int = 4
    upload_gb: float = 4.0
    memory_gb: float = 8.0
    idle_minutes: float = 60.0
    grace_s: float = 60.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise ConfigError(f"The limit {name} is {value}; it has to be above 0.")

    @property
    def upload_bytes(self) -> int:
        """Disk for one user's uploads."""
        return int(self.upload_gb * GB)
