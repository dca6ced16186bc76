"""Summarises a segmentation as plain values for programs (`--json`, the panel) and as a sentence for papers."""

from __future__ import annotations

import dataclasses
from typing import Any

import LungUNetSegLib
from LungUNetSegLib.measures.peel import PEEL_MM
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.segmentation.result import Segmentation


def report(result: Segmentation, model: Model) -> dict[str, Any]:
    """Return a result without its labels as values for JSON.

    Volumes and means of the separate lungs are None if the model or the output has one label for both.
    """
    return {
        "lungunetseg": LungUNetSegLib.__version__,
        "model": {"name": model.name, "sha256": model.sha256},
        "engine": result.engine,
        "device": result.device,
        **result.measures.record(),
        "acquisition": result.acquisition,
        "findings": [dataclasses.asdict(finding) for finding in result.findings],
        "quality": result.quality,
        "doubtful_slices": [dataclasses.asdict(each) for each in result.doubts.worst()],
        "seconds": result.seconds,
        "correction": None,
        "methods": methods_sentence(result, model),
    }


def methods_sentence(result: Segmentation, model: Model) -> str:
    """Return sentences for a paper's methods section, with versions, citation and the regions that were measured."""
    named = "right and left lung" if "right" in result.volumes_ml else "both lungs as one"
    context_mm = model.preprocess.context_mm
    seen = f", each between its neighbours about {context_mm:g} mm above and below" if context_mm else ""
    return (
        f"Lungs ({named}) were segmented automatically with LungUNetSeg {LungUNetSegLib.__version__} (model "
        f"{model.name!r}, SHA-256 {model.sha256[:12]}), which runs a 2D U-Net (Ronneberger et al. 2015, "
        f"doi:10.1007/978-3-319-24574-4_28) on slices of {model.preprocess.spacing_mm:g} mm pixels{seen}; computed "
        f"with {result.engine}. Density and regions were measured on the scan's own voxels: thirds by height and by "
        f"volume, ventral and dorsal halves, and a peel of {PEEL_MM:g} mm below the lungs' surface around the core."
    )
