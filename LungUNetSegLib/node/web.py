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

REFUSED = (400, 409, 413, 415, 422)
"""Status codes by which a server refuses an object for ever."""

_STUDY, _SERIES = "0020000D", "0020000E"
_IN_STUDY, _IN_SERIES = "00201208", "00201209"
"""Tags of the number of instances in a study and in a series."""


class WebError(Exception):
    """A request was not answered as it should be; the message contains no URL, since URLs contain identifiers."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.is_refusal = status in REFUSED


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
        self._client: Any = api.DICOMwebClient(url, timeout=timeout, permissive_uid=True)
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
        """Store an object; an existing one stays or is replaced."""
        with _plainly():
            answer = self._client.store_instances([dataset])
        if answer.get("FailedSOPSequence"):
            reason = answer.FailedSOPSequence[0].get("FailureReason", 0)
            raise WebError(f"it refused {dataset.Modality} with {int(reason):04X}H", status=409)


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
            raise WebError(f"it answers with status {status}", status) from error
        raise WebError(f"it does not answer as DICOMweb does ({type(error).__name__})") from error


def _text(found: dict[str, Any], tag: str) -> str:
    return str(found[tag]["Value"][0])


def _count(found: dict[str, Any], tag: str) -> int | None:
    values = found.get(tag, {}).get("Value") or [None]
    return None if values[0] is None else int(values[0])
