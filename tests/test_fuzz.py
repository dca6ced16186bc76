"""Damaged and hostile files: whatever their bytes, a reader gives a value or an error of ours, never another one.

`LUNGUNETSEG_FUZZ=5000 pytest tests/test_fuzz.py` tries as many files of each kind; a few, always the same, otherwise.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from LungUNetSegLib.cases.splits import load_split
from LungUNetSegLib.cli import export
from LungUNetSegLib.errors import LungUNetSegError
from LungUNetSegLib.io import read_scan, write_dicom_series
from LungUNetSegLib.models.checkpoint import read_checkpoint
from LungUNetSegLib.models.manifest import read_manifest
from LungUNetSegLib.models.model import load_model, sha256_of
from LungUNetSegLib.models.onnx_graph import read_graph
from LungUNetSegLib.models.safetensors import read_weights
from LungUNetSegLib.phantom import make_phantom
from LungUNetSegLib.training.checkpoint import load_checkpoint
from LungUNetSegLib.training.presets import read_config
from LungUNetSegLib.volume import Geometry
from LungUNetSegLib.volume.resample import to_sitk

EXAMPLES = int(os.environ.get("LUNGUNETSEG_FUZZ", "0"))
bounded = settings(
    max_examples=EXAMPLES or 30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Reader = Callable[[Path], object]
READERS: dict[str, tuple[str, tuple[Reader, ...]]] = {
    "manifest": ("manifest.json", (read_manifest,)),
    "split": ("split.json", (load_split,)),
    "settings": ("settings.json", (lambda path: read_config("lungs", path, []),)),
    "about": ("about.json", (export._read_about,)),
    "weights": ("weights.safetensors", (read_weights,)),
    "graph": ("network.onnx", (read_graph,)),
    "checkpoint": ("best.pt", (read_checkpoint, load_checkpoint)),
    "DICOM": ("slice.dcm", (read_scan,)),
}
"""Kind of file -> its name, and what reads it."""


@pytest.fixture(scope="module")
def whole(tiny_model: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    geometry = Geometry.axial((1, 24, 28), (10.0, 12.0, 12.0), (-165.0, -141.0, -60.0))
    ct = make_phantom(geometry, rng=1).ct
    write_dicom_series(ct, folder / "series")
    sitk.WriteImage(to_sitk(ct), str(folder / "scan.nrrd"))
    return {
        "manifest": (tiny_model / "manifest.json").read_bytes(),
        "split": json.dumps({"training": ["a", "b"], "test": ["c"]}).encode(),
        "settings": json.dumps({"epochs": 3, "augment": {"flip": 0.5}, "pathology": None}).encode(),
        "about": json.dumps({"description": "A model.", "training": {"cases": []}, "scores": {"dsc": 0.9}}).encode(),
        "weights": (tiny_model / "weights.safetensors").read_bytes(),
        "graph": (tiny_model / "network.onnx").read_bytes(),
        "checkpoint": tiny_checkpoint.read_bytes(),
        "DICOM": next((folder / "series").iterdir()).read_bytes(),
    }


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut, overwritten, doubled or lengthened at a few places, mostly near the start, where headers are."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.one_of(st.integers(0, min(400, len(content))), st.integers(0, len(content))))
        length = draw(st.integers(0, 16))
        middle = draw(st.one_of(st.binary(max_size=12), st.just(content[place : place + length] * 2)))
        content = content[:place] + middle + content[place + length :]
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 3)) == 0 else content


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.filterwarnings("ignore")
def test_no_damage_leads_to_an_error_that_is_not_ours(kind: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Protects whoever opens a stranger's file: an error of another kind is a fault that nobody thought of."""
    name, readers = READERS[kind]
    path = tmp_path / name

    @bounded
    @given(content=damaged(whole[kind]))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        for reader in readers:
            with suppress(LungUNetSegError):
                reader(path)

    path.write_bytes(whole[kind])
    for reader in readers:
        reader(path)
    check()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", ["manifest", "split", "settings", "about"])
def test_no_value_in_a_json_file_leads_to_an_error_that_is_not_ours(
    kind: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """Protects from values that nobody thought of, wherever they stand."""
    name, readers = READERS[kind]
    path, good = tmp_path / name, json.loads(whole[kind])

    @bounded
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        content = json.loads(whole[kind])
        place, keys = content, list(good)
        while True:
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
                place, keys = place[key], list(place[key])
                continue
            place[key] = data.draw(JSON)
            break
        path.write_text(json.dumps(content), encoding="utf-8")
        for reader in readers:
            with suppress(LungUNetSegError):
                reader(path)

    check()


@bounded
@given(data=st.data())
def test_no_change_of_a_graph_or_its_weights_is_taken_for_a_whole_model(
    data: st.DataObject, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """Protects from rubbish with the right hashes: `load_model` refuses with an error of ours, or the parts fit."""
    for kind, name in (("graph", "network.onnx"), ("weights", "weights.safetensors")):
        (tmp_path / name).write_bytes(data.draw(damaged(whole[kind])))
    manifest = json.loads(whole["manifest"])
    for entry in filter(None, manifest["files"].values()):
        entry["sha256"] = sha256_of(tmp_path / entry["file"])
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with suppress(LungUNetSegError):
        load_model(tmp_path)
