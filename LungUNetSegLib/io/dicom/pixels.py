"""Pixels of DICOM data sets through pydicom's decoders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from LungUNetSegLib.errors import MissingDependencyError

if TYPE_CHECKING:
    from pydicom.pixels import Decoder

FASTER_PLUGINS = ("pyjpegls",)
"""Decoders of pydicom to try first where they are installed: JPEG-LS in half of GDCM's time."""


def decoded(dataset: Dataset, frames: list[int]) -> Iterator[npt.NDArray[np.integer]]:
    """Yield these frames' stored values, (row, column), one after the other.

    Raises:
        MissingDependencyError: pydicom is older than 3.
        Exception: Whatever broken bytes lead the decoder to.
    """
    decoder = _decoder(dataset)
    plugin = next((each for each in FASTER_PLUGINS if each in decoder.available_plugins), "")
    for frame in frames:
        yield decoder.as_array(dataset, raw=True, index=frame, decoding_plugin=plugin)[0]


def _decoder(dataset: Dataset) -> Decoder:
    # Old files without a file header are in the standard's default transfer syntax.
    syntax = UID(dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian))
    dataset.file_meta.TransferSyntaxUID = syntax
    try:
        # Here and not above, as some Slicers have pydicom 2, which still reads headers.
        from pydicom.pixels import get_decoder
    except ImportError as error:
        raise MissingDependencyError("Reading DICOM images needs pydicom 3: pip install 'pydicom>=3'.") from error
    return get_decoder(syntax)
