"""Records what a node does, one JSON object per line, without anything that identifies a patient."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from LungUNetSegLib.errors import ConfigError

RECENT = 50

logger = logging.getLogger(__name__)


class Journal:
    """Writes events to the log and to a file, and keeps the last ones for the status page.

    Args:
        path: File to which JSON lines are appended; None for none.

    Raises:
        ConfigError: The file cannot be written now. If it cannot be written later, the node goes on without it.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            try:
                path.open("a", encoding="utf-8").close()
            except OSError as error:
                raise ConfigError(f"{path}: the journal cannot be written: {error.strerror}.") from error
        self._path, self._lock = path, threading.Lock()
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT)

    def write(self, event: str, **about: Any) -> None:
        """Record an event with plain values; job names must be digests of identifiers."""
        entry = {"time": datetime.now().astimezone().isoformat(timespec="seconds"), "event": event, **about}
        with self._lock:
            self.recent.append(entry)
            logger.info("%s %s", event, " ".join(f"{key}={value}" for key, value in about.items()))
            if self._path is None:
                return
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry, default=str) + "\n")
            except OSError as error:  # a full disk must not stop the node
                logger.warning("%s: the journal cannot be written: %s", self._path, error)
