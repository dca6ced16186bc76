"""Keeps the network's own mask as a short text, which can be stored beside a mask that people change.

Labels are long runs of one value: where each run begins, compressed, takes some hundred kB for both lungs of a scan.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from LungUNetSegLib.errors import DataError, GeometryError
from LungUNetSegLib.volume import GRID_TOLERANCE_MM, Geometry, Volume, bounding_box


def to_text(labels: Volume) -> str:
    """Return a uint8 label map as a text of ASCII characters, for `from_text`."""
    box = bounding_box(labels.array)
    values = labels.array[box].ravel()
    # The first run begins at 0; labels are compared as bytes, without a copy in a larger type.
    begins = np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1)) if values.size else np.zeros(0, int)
    packed = {
        "shape": list(labels.geometry.shape),
        "affine_lps": labels.geometry.affine_lps.tolist(),
        "box": [[axis.start, axis.stop] for axis in box],
        "lengths": _pack(np.diff(begins, append=values.size).astype("<u4")),
        "labels": _pack(values[begins]),
    }
    return json.dumps(packed)


def from_text(text: str) -> Volume:
    """Return the label map that `to_text` was given.

    Raises:
        DataError: It is no such text.
    """
    with _told():
        packed = json.loads(text)
        geometry = _geometry(packed)
        box = tuple(slice(*bounds) for bounds in packed["box"])
        inside = [axis.stop - axis.start for axis in box]
        values = np.repeat(_unpack(packed["labels"], "u1"), _unpack(packed["lengths"], "<u4"))
        labels = np.zeros(geometry.shape, np.uint8)
        labels[box] = values.reshape(inside)
        return Volume(labels, geometry)


def geometry_of(text: str) -> Geometry:
    """Return the grid of the label map that `to_text` was given, without its labels.

    Raises:
        DataError: It is no such text.
    """
    with _told():
        return _geometry(json.loads(text))


def check_grid(original: Volume, labels: Volume) -> None:
    """Raise GeometryError unless the network's labels and those of today lie on one grid."""
    if not original.geometry.matches(labels.geometry, GRID_TOLERANCE_MM):
        raise GeometryError(
            "The network's own mask lies on another grid than the CT: since the run the CT was replaced, resampled, or"
            " moved without its segmentation. Segment it again."
        )


def _geometry(packed: Mapping[str, Any]) -> Geometry:
    depth, height, width = (int(size) for size in packed["shape"])
    return Geometry((depth, height, width), np.array(packed["affine_lps"], float))


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a damaged text raises into a `DataError`."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise DataError(
            f"The network's own mask, which is kept with the segmentation, is damaged ({error})."
        ) from error


def _pack(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 6)).decode("ascii")


def _unpack(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)
