"""What a model's channels stand for comes from its manifest, up to the segments of the result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from LungUNetSegLib.errors import ModelError
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.segmentation.segmenter import segment
from LungUNetSegLib.segments import BOTH_LUNGS


def test_segments_are_the_models_own_and_other_structures_are_refused(tiny_model: Path, small_phantom: Phantom) -> None:
    """Protects names and codes that a manifest gives, and a model of lobes from being cleaned as if it found lungs."""
    model = load_model(tiny_model)
    renamed = tuple(replace(structure, name=f"Own {structure.name}") for structure in model.structures)
    assert segment(small_phantom.ct, replace(model, structures=renamed)).segments == renamed
    assert segment(small_phantom.ct, replace(model, structures=renamed), labels="binary").segments == BOTH_LUNGS
    lobes = tuple(replace(structure, segment_id=f"{structure.segment_id}Lobe") for structure in renamed)
    with pytest.raises(ModelError, match=r"finds Own Right lung, Own Left lung.*only lungs"):
        segment(small_phantom.ct, replace(model, structures=lobes))
