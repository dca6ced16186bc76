"""Manages a batch's folder: which scans are done or failed and why, and which process works on it.

``scans/<name>/`` appears whole when a scan is done. All that names patients or paths where the results do not, and what
only this program needs, lies in ``work/``: the plan, the index of headers, failures, the lock.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LungUNetSegLib.batch.digests import NAME_DIGITS, code_of, digest_of
from LungUNetSegLib.batch.jobs import BatchSettings, Job, job_from_json, job_to_json
from LungUNetSegLib.errors import WriteError
from LungUNetSegLib.files import clear_drafts, replacing, write_json
from LungUNetSegLib.locking import locked

REPORT = "scan.json"
"""The report in each scan's folder, which appears with the rest of it."""


@dataclass(frozen=True)
class Todo:
    """The jobs of a plan that are left.

    Attributes:
        jobs: To be done now.
        done: How many are done already.
        failed: How many failed before and are not tried again.
        changed: How many of `jobs` were done, but their input has changed since.
    """

    jobs: tuple[Job, ...]
    done: int
    failed: int
    changed: int


class Store:
    """Results and states on disk.

    Args:
        folder: OUT.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scans = folder / "scans"
        self.page = folder / "index.html"
        self.table = folder / "results.csv"
        self.work = folder / "work"
        self.plan = self.work / "plan.json"
        self.failures = self.work / "failed"
        self.index = self.work / "index.sqlite"
        self._jobs = self.work / "jobs.jsonl"

    def make(self) -> None:
        """Make the folders.

        Raises:
            WriteError: They cannot be made, or there is something else.
        """
        try:
            for each in (self.folder, self.scans, self.work, self.failures):
                each.mkdir(parents=True, exist_ok=True)
                clear_drafts(each)
        except OSError as error:
            raise WriteError(f"{self.folder}: the folder of results cannot be made: {error.strerror}.") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for this process; the lock ends with the process, however that ends.

        Raises:
            WriteError: Another process holds it.
        """
        path = self.work / "lock"
        with locked(path) as is_ours:
            if not is_ours:
                raise WriteError(
                    f"{self.folder}: another batch writes here ({path.read_text(encoding='utf-8').strip()}). Wait for"
                    f" its end, or stop it; if its machine is gone and this stays, delete {path}."
                )
            about = f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n"
            path.write_text(about, encoding="utf-8")
            yield

    def secret(self) -> str:
        """Return the key of pseudonyms and fingerprints, made when it is first asked for."""
        path = self.work / "secret"
        if not path.exists():
            with replacing(path, "") as draft:
                draft.touch(mode=0o600)
                draft.write_text(secrets.token_hex(16), encoding="ascii")
        return path.read_text(encoding="ascii")

    def begin(self, settings: BatchSettings, *, redo: bool) -> int:
        """Write the settings that decide the results, and return the number of this round.

        Raises:
            WriteError: The results that are there were made with other settings, and all is not to be done again.
        """
        before = self._batch()
        round_, redoing = before.get("round", 0), before.get("redoing", False)
        is_same = before.get("settings") in (None, settings.what_decides())
        if not is_same and not redo:
            names = [name for name, value in settings.what_decides().items() if before["settings"].get(name) != value]
            raise WriteError(
                f"{self.folder}: its results were made with other settings ({', '.join(names)}). Give another folder,"
                " or repeat all scans (--redo on the command line)."
            )
        if redo and before and not (redoing and is_same):
            round_, redoing = round_ + 1, True
        self._note({"settings": settings.what_decides(), "round": round_, "redoing": redoing})
        return int(round_)

    def end(self) -> None:
        """Note that all is done, so that the next `--redo` begins a new round."""
        self._note(self._batch() | {"redoing": False})

    def _batch(self) -> dict[str, Any]:
        return read_json(self.work / "batch.json") or {}

    def _note(self, content: dict[str, Any]) -> None:
        write_json(self.work / "batch.json", content)

    def todo(self, jobs: Sequence[Job], round_: int, *, retry_failed: bool) -> Todo:
        """Return the jobs that are left to do, and forget failures of those that are done.

        A scan whose files have other sizes or dates than before is done again, unless their content is the same; so is
        one whose lungs are no longer in its folder.
        """
        left: list[Job] = []
        done = failed = changed = 0
        for job in jobs:
            report, is_changed = read_json(self.scans / job.name / REPORT), False
            if report is not None and report.get("round", 0) == round_ and self._has_outputs(job, report):
                if self._is_unchanged(job, report):
                    done += 1
                    self.note_done(job.name)  # it may have failed while its files were others
                    continue
                is_changed = True
            failure = read_json(self.failure(job.name)) or {}
            has_failed = (failure.get("fingerprint"), failure.get("round")) == (job.fingerprint, round_)
            if has_failed and not retry_failed:
                failed += 1
            else:
                left.append(job)
                changed += is_changed
        return Todo(tuple(left), done, failed, changed)

    def _has_outputs(self, job: Job, report: dict[str, Any]) -> bool:
        return all((self.scans / job.name / name).exists() for name in report.get("outputs", ()))

    def _is_unchanged(self, job: Job, report: dict[str, Any]) -> bool:
        before = report.get("source", {})
        if before.get("fingerprint") == job.fingerprint:
            return True
        return bool(before.get("digest") == digest_of(job.files, self.secret()))

    def named_as_before(self, jobs: Sequence[Job]) -> list[Job]:
        """Return jobs with the names that their scans had before they got a copy, which may come before the original.

        A scan whose folder has got another name is another one: somebody may have taken a patient's name out of it.
        """
        names = self.names()
        by_digits = {_digits(name): name for name in names}
        return [job if job.name in names else self._named_as_before(job, by_digits) for job in jobs]

    def _named_as_before(self, job: Job, by_digits: dict[str, str]) -> Job:
        # A series has its digits from its UID; an image file from its path, so that its copies have others.
        secret = self.secret() if job.copies else ""
        codes = (code_of(each.name, secret)[:NAME_DIGITS] for each in job.copies)
        names = (by_digits.get(digits) for digits in (_digits(job.name), *codes))
        before = next((name for name in names if name and self._has_copy(name, job)), None)
        return dataclasses.replace(job, name=before) if before else job

    def _has_copy(self, name: str, job: Job) -> bool:
        """Whether what was segmented under a name is now a copy of a job's images."""
        content = read_json(self.scans / name / REPORT) or read_json(self.failure(name)) or {}
        path = content.get("identity", {}).get("path")
        return bool(path) and any(each.name.startswith(path) for each in job.copies)

    def keep_jobs(self, jobs: Sequence[Job]) -> None:
        """Keep which files each scan is made of, so that it can be shown beside its result."""
        with replacing(self._jobs, ".jsonl") as draft, draft.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(job_to_json(job)) + "\n" for job in jobs)

    def job(self, name: str) -> Job | None:
        """Return the job of this name of the latest plan; None where there is none."""
        start = json.dumps({"name": name})[:-1]  # a line's beginning: most lines need not be parsed
        try:
            with self._jobs.open(encoding="utf-8") as file:
                line = next((line for line in file if line.startswith(start)), None)
        except OSError:
            return None
        return None if line is None else job_from_json(json.loads(line))

    def failure(self, name: str) -> Path:
        """Return the file that says why a scan failed."""
        return self.failures / f"{name}.json"

    def note_failure(self, job: Job, error: str, round_: int) -> None:
        """Keep why a scan failed."""
        content = {
            "name": job.name,
            "error": job.public(error),
            "identity": job.identity,
            "scanner": job.scanner,
            "fingerprint": job.fingerprint,
            "round": round_,
        }
        write_json(self.failure(job.name), content)

    def note_done(self, name: str) -> None:
        """Forget an earlier failure of a scan that is done now."""
        self.failure(name).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """Return the names of the scans that are done or failed, of this plan and of earlier ones."""
        done = {path.parent.name for path in self.scans.glob(f"*/{REPORT}")}
        return done | {path.stem for path in self.failures.glob("*.json")}

    def reports(self) -> list[dict[str, Any]]:
        """Return the report or the failure of each scan that is done or failed, ordered by name."""
        found = {path.parent.name: read_json(path) for path in self.scans.glob(f"*/{REPORT}")}
        for path in self.failures.glob("*.json"):
            found[path.stem] = read_json(path)
        return [found[name] or {"name": name, "error": "its report is damaged"} for name in sorted(found)]


def _digits(name: str) -> str:
    return name.rpartition("-")[2]


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a file's JSON object; None where there is none, or a damaged one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
