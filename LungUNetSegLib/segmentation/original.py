"""Keeps a label map as a short text, so that the network's own mask can be stored beside a mask that people change.

Labels are long runs of one value: where each run begins, compressed, takes some hundred kB for both lungs of a scan.
"""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.volume import Geometry, Volume, bounding_box


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
    try:
        packed = json.loads(text)
        shape = tuple(int(size) for size in packed["shape"])
        box = tuple(slice(*bounds) for bounds in packed["box"])
        inside = [axis.stop - axis.start for axis in box]
        values = np.repeat(_unpack(packed["labels"], "u1"), _unpack(packed["lengths"], "<u4"))
        labels = np.zeros(shape, np.uint8)
        labels[box] = values.reshape(inside)
        return Volume(labels, Geometry((shape[0], shape[1], shape[2]), np.array(packed["affine_lps"], float)))
    except (ValueError, KeyError, TypeError, IndexError, zlib.error) as error:
        raise DataError(
            f"The network's own mask, which is kept with the segmentation, is damaged ({error})."
        ) from error


def _pack(values: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 6)).decode("ascii")


def _unpack(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)
