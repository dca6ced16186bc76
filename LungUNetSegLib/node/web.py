"""Queries a PACS by DICOMweb (PS3.18), fetches CT images from it, and stores results in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset

from LungUNetSegLib.machine import import_extra

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 60
PAGE = 200
"""Number of studies in one query: servers limit it."""

REFUSED = (400, 413, 415, 422)
"""Status codes by which a server refuses a request for ever."""

CONFLICT = 409
"""Status code by which a server stores no object, for a reason that the answer may give for each (PS3.18 10.5.3)."""

OUT_OF_RESOURCES = 0xA7
"""First byte of the reason (PS3.4 B.2.3, PS3.18 I.2.2) by which an object may be stored later."""

_JSON = "application/dicom+json"

_STUDY, _SERIES, _OBJECT = "0020000D", "0020000E", "00080018"
_IN_STUDY, _IN_SERIES = "00201208", "00201209"
"""Tags of the number of instances in a study and in a series."""


class WebError(Exception):
    """A request was not answered as it should be; the message contains no URL, since URLs contain identifiers."""

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


class WebPacs:
    """A DICOMweb server.

    Args:
        url: Its base URL, such as ``http://127.0.0.1:8042/dicom-web``.

    Raises:
        MissingDependencyError: dicomweb-client is not installed.
    """

    def __init__(self, url: str) -> None:
        api = import_extra("dicomweb_client.api", "DICOMweb needs dicomweb-client", "node")
        timeout = CONNECT_TIMEOUT_S, READ_TIMEOUT_S
        headers = {"Accept": _JSON}  # of the answer when an object is stored; queries and fetches have their own
        self._client: Any = api.DICOMwebClient(
            url, timeout=timeout, permissive_uid=True, headers=headers, callback=_without_parameters
        )
        self._client.set_http_retry_params(retry=False)  # the callers retry themselves

    def studies(self, since: str) -> dict[str, int | None]:
        """Return the studies with CT since a date (YYYYMMDD), each with its number of instances, if given."""
        found: dict[str, int | None] = {}
        filters = {"ModalitiesInStudy": "CT", "StudyDate": f"{since}-"}
        with _plainly():
            while True:
                page = self._client.search_for_studies(
                    limit=PAGE, offset=len(found), fields=[_IN_STUDY], search_filters=filters
                )
                fresh = {_text(each, _STUDY): _count(each, _IN_STUDY) for each in page}
                if fresh.keys() <= found.keys():  # the end, or a server without offsets
                    return found
                found |= fresh

    def ct_series(self, study: str) -> dict[str, int | None]:
        """Return the CT series of a study, each with its number of instances, if given."""
        with _plainly():
            series = self._client.search_for_series(study, fields=[_IN_SERIES], search_filters={"Modality": "CT"})
            return {_text(each, _SERIES): _count(each, _IN_SERIES) for each in series}

    def objects(self, study: str, series: str) -> Iterator[Dataset]:
        """Yield the objects of a series in their own transfer syntaxes."""
        with _plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about answers that deviate from the standard
            yield from self._client.iter_series(study, series, media_types=(("application/dicom", "*"),))

    def store(self, dataset: Dataset) -> None:
        """Store an object; an existing one stays or is replaced.

        Raises:
            WebError: The server does not answer, or neither stored the object nor has it.
        """
        with _plainly():
            reasons = self._send(dataset)
        if not reasons or self._has(dataset):
            return
        told = f"{reasons[0]:04X}H" if reasons[0] else f"status {CONFLICT}"
        raise WebError(f"it refused {dataset.Modality} with {told}", is_refusal=reasons[0] >> 8 != OUT_OF_RESOURCES)

    def _send(self, dataset: Dataset) -> list[int]:
        """Send an object, and return the reason if it was not stored: 0 if the server gives none."""
        try:
            return _reasons(self._client.store_instances([dataset]))
        except Exception as error:
            answer = getattr(error, "response", None)
            if answer is None or answer.status_code != CONFLICT:
                raise
            try:
                return _reasons(Dataset.from_json(answer.json())) or [0]
            except Exception:  # no JSON, or not as DICOM writes it
                return [0]

    def _has(self, dataset: Dataset) -> bool:
        """Whether an object is there; some servers take none twice, and each gives another reason."""
        study, series, uid = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID
        try:
            found = self._client.search_for_instances(study, series, search_filters={"SOPInstanceUID": uid})
            return any(_text(each, _OBJECT) == uid for each in found)
        except Exception:  # a server that cannot be asked; what it refused counts as refused
            return False


@contextmanager
def _plainly() -> Iterator[None]:
    """Convert all errors of a request to WebError: a server may answer anything."""
    try:
        yield
    except WebError:
        raise
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None:
            raise WebError(f"it answers with status {status}", is_refusal=status in REFUSED) from error
        raise WebError(f"it does not answer as DICOMweb does ({type(error).__name__})") from error


def _without_parameters(answer: Any, **_: Any) -> None:
    """Take ``; charset=utf-8`` and the like from an answer's type: dicomweb-client would read no failure in it.

    See findings/dicomweb_client_content_type.sh.
    """
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind == _JSON:
        answer.headers["Content-Type"] = kind


def _reasons(answer: Dataset) -> list[int]:
    """Return the reason for each object that a server did not store (PS3.18 I.2.2); 0 where it gives none."""
    return [int(each.get("FailureReason") or 0) for each in answer.get("FailedSOPSequence") or ()]


def _text(found: dict[str, Any], tag: str) -> str:
    return str(found[tag]["Value"][0])


def _count(found: dict[str, Any], tag: str) -> int | None:
    values = found.get(tag, {}).get("Value") or [None]
    return None if values[0] is None else int(values[0])
