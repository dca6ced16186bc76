"""Networks of another kind: a sentence in the panel, which then goes on with a good one."""

from __future__ import annotations

import json
import shutil

import pytest

pytestmark = pytest.mark.usefixtures("nothing_left")

LOBE = {"label": 1, "segment_id": "Lobe", "name": "Right upper lobe", "colour": [1, 0, 0], "terminology": ""}


def of_another_program(manifest):
    return {"name": "another program's", "version": 3}


def without_files(manifest):
    return {key: value for key, value in manifest.items() if key not in ("files", "network")}


def of_lobes(manifest):
    return {**manifest, "structures": [LOBE, {**LOBE, "label": 2, "name": "Right lower lobe"}]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_another_program, "unknown setting 'version'"),
        (without_files, "these settings are missing: network, files"),
        (of_lobes, "only lungs"),
    ],
)
def test_a_network_of_another_kind_is_told_and_the_panel_goes_on(
    panel, phantom_node, window_model, tmp_path, change, words
):
    """Protects who picks the wrong file: what is wrong, no traceback, and the next run works."""
    other = shutil.copytree(window_model.parent, tmp_path / "other") / window_model.name
    other.write_text(json.dumps(change(json.loads(other.read_text()))))
    panel.parameters.model = str(other)
    panel.run()
    assert words in panel.ui.statusLabel.text and "Traceback" not in panel.ui.statusLabel.text
    assert panel.parameters.outputSegmentation is None
    panel.parameters.model = str(window_model)
    panel.run()
    assert panel.parameters.outputSegmentation is not None
