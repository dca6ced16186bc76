"""Asks a PACS by DICOMweb for new studies with CT, and fetches each when it is complete."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO

from LungUNetSegLib.errors import one_line
from LungUNetSegLib.io.dicom.kinds import MULTI_FRAME_CT, SINGLE_FRAME_CT
from LungUNetSegLib.node.config import NodeConfig
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.send import LONGEST_WAIT_S
from LungUNetSegLib.node.store import FullError, Store, TooLargeError, name_of
from LungUNetSegLib.node.web import WebError, WebPacs


@dataclass(frozen=True)
class Seen:
    """A study as the PACS last described it.

    Attributes:
        total: How many instances it had, of any kind.
        series: Its CT series, and how many instances each had.
        since_s: Time of the last change, by the monotonic clock; infinite while it is too large to be fetched.
    """

    total: int | None
    series: dict[str, int | None]
    since_s: float

    @property
    def images(self) -> int:
        """How many CT images there were, as far as the PACS told."""
        return sum(count or 0 for count in self.series.values())


class Poller:
    """Fills a store from a DICOMweb server, in a thread of its own; `stop` ends it.

    A study is fetched once, and again if it has more CT images since. The store's folder records what was fetched, so
    that a node that was killed neither misses a study nor fetches one twice.

    Args:
        config: Settings of the node, with a server (`NodeConfig.web`).
        store: Receives the images.
        journal: Records what happens.
        on_complete: Called with the name of each study that was fetched completely.

    Raises:
        MissingDependencyError: dicomweb-client is not installed.
    """

    def __init__(
        self, config: NodeConfig, store: Store, journal: Journal, on_complete: Callable[[list[str]], None]
    ) -> None:
        assert config.web is not None
        self._config, self._web, self._store, self._journal = config, config.web, store, journal
        self._on_complete, self._pacs = on_complete, WebPacs(config.web.url)
        self._seen: dict[str, Seen] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop asking; a study that is half fetched is fetched again by the next node."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                self.step()
                failures = 0
            except Exception as error:  # whatever a server answers, it may answer correctly the next time
                failures += 1
                event = "no-room" if isinstance(error, FullError) else "not-asked"
                reason = str(error) if isinstance(error, (WebError, FullError)) else one_line(error)
                self._journal.write(event, tries=failures, reason=reason)
            self._stop.wait(min(self._web.poll_s * 2 ** min(failures, 16), max(LONGEST_WAIT_S, self._web.poll_s)))

    def step(self) -> None:
        """Ask once, and fetch what is new and complete.

        Raises:
            WebError: The server does not answer as it should.
            FullError: There is no room for more.
        """
        since = (date.today() - timedelta(days=self._web.days - 1)).strftime("%Y%m%d")
        studies = self._pacs.studies(since)
        for study, total in studies.items():
            if self._stop.is_set():
                return
            seen = self._look(study, total)
            if not seen.series or self._store.taken(study) == seen.images:
                continue
            if self._store.holds(study) and self._store.taken(study) is None:  # killed before it was noted
                self._store.note_taken(study, seen.images)
            elif time.monotonic() - seen.since_s >= self._config.quiet_s:
                self._try(study, seen)
        self._seen = {study: seen for study, seen in self._seen.items() if study in studies}
        self._store.forget_taken(studies, older_than_s=(self._web.days + 1) * 86400)

    def _look(self, study: str, total: int | None) -> Seen:
        """Return what the PACS has of a study; its series are asked for only if the study has changed."""
        before = self._seen.get(study)
        if before is None or total is None or before.total != total:
            series = self._pacs.ct_series(study)
            is_same = before is not None and before.series == series
            self._seen[study] = Seen(total, series, before.since_s if before and is_same else time.monotonic())
        return self._seen[study]

    def _try(self, study: str, seen: Seen) -> None:
        """Fetch a study; one that cannot be fetched waits its quiet time again, and does not stop the others.

        One that is too large is not fetched again before it changes.
        """
        try:
            self._fetch(study, seen)
        except TooLargeError as error:
            self._journal.write("not-fetched", study=name_of(study), reason=str(error))
            self._seen[study] = replace(seen, since_s=math.inf)
        except (FullError, OSError):  # about the disk, and so about all studies
            raise
        except Exception as error:  # whatever is wrong with one study; the text of an error may hold its values
            reason = str(error) if isinstance(error, WebError) else type(error).__name__
            self._journal.write("not-fetched", study=name_of(study), reason=reason)
            self._seen[study] = replace(seen, since_s=time.monotonic())

    def _fetch(self, study: str, seen: Seen) -> None:
        key, taken = uuid.uuid4().hex, 0
        try:
            for series, count in seen.series.items():
                number = 0
                for dataset in self._pacs.objects(study, series):
                    if self._stop.is_set():
                        raise WebError("the node ends")
                    number += 1
                    if str(dataset.get("SOPClassUID")) not in (SINGLE_FRAME_CT, *MULTI_FRAME_CT):
                        continue
                    buffer = BytesIO()
                    dataset.save_as(buffer, enforce_file_format=True)
                    if buffer.tell() > self._config.most_object_bytes:
                        raise TooLargeError("an object is larger than one may be")
                    self._store.add(key, study, str(dataset.SOPInstanceUID), buffer.getvalue())
                    taken += 1
                if number < (count or 1):
                    raise WebError(f"it gave {number} of a series' {count} images")
        except BaseException:
            self._store.ended(key, in_order=False)
            raise
        self._store.ended(key, in_order=True)
        self._store.note_taken(study, seen.images)
        self._journal.write("fetched", study=name_of(study), images=taken)
        if taken:
            self._on_complete([name_of(study)])
