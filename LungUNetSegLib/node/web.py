"""A PACS as DICOMweb shows it (PS3.18): what studies it has, their CT images, and a place for results."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset

from LungUNetSegLib.machine import import_extra

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10, 60
PAGE = 200
"""Studies asked for at a time: servers give only so many at once."""

REFUSED = (400, 409, 413, 415, 422)
"""Answers by which a server says that it will not take an object, now or later."""

_STUDY, _SERIES = "0020000D", "0020000E"
_IN_STUDY, _IN_SERIES = "00201208", "00201209"
"""Numbers of related instances."""


class WebError(Exception):
    """A request that was not answered as it should be; the message names no URL, since those hold identifiers."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.is_refusal = status in REFUSED


class WebPacs:
    """A DICOMweb server.

    Args:
        url: Under which its studies are, such as ``http://127.0.0.1:8042/dicom-web``.

    Raises:
        MissingDependencyError: dicomweb-client is not installed.
    """

    def __init__(self, url: str) -> None:
        api = import_extra("dicomweb_client.api", "DICOMweb needs dicomweb-client", "node")
        timeout = CONNECT_TIMEOUT_S, READ_TIMEOUT_S
        self._client: Any = api.DICOMwebClient(url, timeout=timeout, permissive_uid=True)
        self._client.set_http_retry_params(retry=False)  # who asks here asks again

    def studies(self, since: str) -> dict[str, int | None]:
        """Return the studies with CT of a date (YYYYMMDD) or later, and how many instances each has, if told."""
        found: dict[str, int | None] = {}
        filters = {"ModalitiesInStudy": "CT", "StudyDate": f"{since}-"}
        with _plainly():
            while True:
                page = self._client.search_for_studies(
                    limit=PAGE, offset=len(found), fields=[_IN_STUDY], search_filters=filters
                )
                fresh = {_text(each, _STUDY): _count(each, _IN_STUDY) for each in page}
                if fresh.keys() <= found.keys():  # the end, or a server that knows no offsets
                    return found
                found |= fresh

    def ct_series(self, study: str) -> dict[str, int | None]:
        """Return the CT series of a study, and how many instances each has, if told."""
        with _plainly():
            series = self._client.search_for_series(study, fields=[_IN_SERIES], search_filters={"Modality": "CT"})
            return {_text(each, _SERIES): _count(each, _IN_SERIES) for each in series}

    def objects(self, study: str, series: str) -> Iterator[Dataset]:
        """Yield the objects of a series, one after another, in the transfer syntaxes that they have."""
        with _plainly(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of answers that are not quite the standard's
            yield from self._client.iter_series(study, series, media_types=(("application/dicom", "*"),))

    def store(self, dataset: Dataset) -> None:
        """Store an object; one that is there already stays or is replaced."""
        with _plainly():
            answer = self._client.store_instances([dataset])
        if answer.get("FailedSOPSequence"):
            reason = answer.FailedSOPSequence[0].get("FailureReason", 0)
            raise WebError(f"it refused {dataset.Modality} with {int(reason):04X}H", status=409)


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn whatever a request leads to into a WebError: a server may answer anything."""
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
