"""What the shipped weights must do on the phantoms, which nobody trained on."""

from __future__ import annotations

from LungUNetSegLib.inference.model import load_model
from LungUNetSegLib.inference.segmenter import segment
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import Phantom


def test_there_is_no_lung_in_a_head(head_phantom: Phantom) -> None:
    """Protects who takes the wrong series: an empty result and a sentence, though sinuses are air as well."""
    result = segment(head_phantom.ct, load_model(), engine="onnxruntime")
    assert not result.labels.array.any()
    assert "no-lung" in [finding.code for finding in result.findings]


def test_both_lungs_are_found_on_their_sides(small_phantom: Phantom) -> None:
    result = segment(small_phantom.ct, load_model(), engine="onnxruntime")
    for label in (1, 2):
        assert count(result.labels.array == label, small_phantom.labels.array == label).dsc > 0.9
