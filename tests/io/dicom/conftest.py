"""A scan for tests of the reader of DICOM."""

from __future__ import annotations

import pytest
from dicom_files import chest

from LungUNetSegLib.volume import Volume


@pytest.fixture(scope="module")
def ct() -> Volume:
    """A small thorax in 13 slices of 10 mm."""
    return chest()
