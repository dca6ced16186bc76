"""What the shipped weights must do on the phantoms, which nobody trained on."""

from __future__ import annotations

import numpy as np
import pytest

from LungUNetSegLib.engines import open_engine
from LungUNetSegLib.metrics import count
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.phantom import Phantom, make_head, phantom_geometry
from LungUNetSegLib.segmentation.segmenter import segment
from LungUNetSegLib.volume import Geometry, Volume


def test_there_is_no_lung_in_a_head(head_phantom: Phantom) -> None:
    """Protects who takes the wrong series: an empty result and a sentence, though sinuses are air as well."""
    result = segment(head_phantom.ct, load_model(), engine="onnxruntime")
    assert not result.labels.array.any()
    assert "no-lung" in [finding.code for finding in result.findings]


@pytest.mark.parametrize("slices", [slice(None), slice(12, 24)], ids=["whole", "cut"])
def test_there_is_no_lung_between_a_head_and_its_holder(slices: slice) -> None:
    """Protects a head CT from 183 ml of lung: the air that a head's holder parts from the room's."""
    head = make_head(phantom_geometry((34, 96, 96)), rng=1, holder=True).ct
    x, y, z = head.geometry.to_lps((slices.start or 0, 0, 0))
    part = head.array[slices]
    ct = Volume(part, Geometry.axial(part.shape, head.geometry.spacing_mm, (x, y, z)))
    result = segment(ct, load_model(), engine="onnxruntime")
    assert not result.labels.array.any()
    assert "no-lung" in [finding.code for finding in result.findings]


def test_both_lungs_are_found_on_their_sides(small_phantom: Phantom) -> None:
    """In its slices with lung: elsewhere the phantom has no organs, and soft tissue alone looks like opaque lung."""
    result = segment(small_phantom.ct, load_model(), engine="onnxruntime")
    with_lung = small_phantom.labels.array.any(axis=(1, 2))
    found, drawn = result.labels.array[with_lung], small_phantom.labels.array[with_lung]
    for label in (1, 2):
        assert count(found == label, drawn == label).dsc > 0.9


@pytest.fixture(scope="module")
def torch_labels(thin: Volume) -> np.ndarray:
    """What torch makes of a few slices, in float32."""
    labels = segment(thin, load_model(), engine="torch", device="cpu").labels.array
    assert all((labels == side).any() for side in (1, 2)), "the tests would see little"
    return labels


def test_the_graph_and_the_weights_are_one_network() -> None:
    """Protects "float32, agrees with torch to 1e-5"."""
    model = load_model()
    noise = np.random.default_rng(0).uniform(-1, 1, (1, model.preprocess.channels, *model.preprocess.size))
    first, second = (
        open_engine(model, engine, "cpu").probabilities(noise.astype(np.float32)) for engine in ("onnxruntime", "torch")
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_masks_are_torch_s_whatever_the_engine_and_its_precision(
    thin: Volume, torch_labels: np.ndarray, engine: str
) -> None:
    """Protects the model's scores: at most 0.2 % of the lungs' voxels differ."""
    pytest.importorskip(engine)
    labels = segment(thin, load_model(), engine=engine, device="cpu").labels.array
    assert np.count_nonzero(labels != torch_labels) <= 0.002 * np.count_nonzero(torch_labels)
