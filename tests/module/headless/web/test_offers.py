"""What the page offers of several series, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dicom_files import save, slices_of

from LungUNetSegLib.phantom import make_phantom, phantom_geometry


def test_of_equal_reconstructions_the_softer_is_proposed_and_the_sharp_one_says_why(core: Any, tmp_path: Path) -> None:
    """Protects the page's choice, which is that of a batch and of `segment`: the sharp one has the lower number."""
    from LungUNetSegSlicer.web.viewer.offers import offers_in

    ct = make_phantom(phantom_geometry((12, 16, 16)), rng=1).ct
    for number, kernel in ((1, "LUNG"), (2, "STANDARD")):
        own = {"SeriesInstanceUID": f"1.{number}", "SeriesNumber": number, "ConvolutionKernel": kernel}
        save(slices_of(ct, **own), tmp_path / str(number))
    soft, sharp = offers_in(tmp_path)
    assert soft.series_uid == "1.2" and soft.reason == "Proposed: axial, made by the scanner itself, 12 slices."
    assert sharp.reason == "Reconstructed with a sharp kernel, which distorts density."
