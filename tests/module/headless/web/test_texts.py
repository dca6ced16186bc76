"""What the page is told about a result."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.phantom import phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

AFFINE = np.array([[0, 0, 2.0, 10], [0, 2.0, 0, 20], [5.0, 0, 0, -30], [0, 0, 0, 1]])


@pytest.fixture
def labels() -> Volume:
    """Six slices of 3 x 5 voxels of 5 x 2 x 2 mm; the fourth has lung that neither neighbour has."""
    array = np.zeros((6, 3, 5), np.uint8)
    array[3, 1, 2] = 1
    return Volume(array, Geometry((6, 3, 5), AFFINE))


def test_the_list_of_the_result_is_shown(core: Any, labels: Volume) -> None:
    """Protects a jump: the middle of slice 2, at LPS (14, 22, -20); each slice once, with its first reason."""
    from LungUNetSegSlicer.web.viewer.texts import doubtful_places

    listed = [
        {"slice": 2, "height_mm": -20.0, "reason": "dense"},
        {"slice": 0, "height_mm": -30.0, "reason": "cleaned"},
        {"slice": 2, "height_mm": -20.0, "reason": "unsure"},
    ]
    assert doubtful_places(labels, {"doubtful_slices": listed}) == [
        {"title": "Slice 1: Parts that cleaning removed or added", "ras": [-14.0, -22.0, -30.0]},
        {"title": "Slice 3: Dense: hilum, wall, diaphragm, lesion", "ras": [-14.0, -22.0, -20.0]},
    ]


def test_a_slice_of_an_oblique_scan_is_found_by_its_height(core: Any) -> None:
    """Protects a jump: its slices are counted along the body, and the scan's own are others, or not as many."""
    from LungUNetSegSlicer.web.viewer.texts import doubtful_places

    scan = phantom_geometry((12, 32, 32), oblique_degrees=20)
    listed = [{"slice": 30, "height_mm": 40.0, "reason": "dense"}]
    (place,) = doubtful_places(Volume(np.zeros(scan.shape, np.uint8), scan), {"doubtful_slices": listed})
    assert place["ras"] == pytest.approx([0.0, 0.0, 40.0], abs=1e-6)
    assert place["title"].startswith("Slice 31: ")


def test_disagreements_are_told_with_the_place_to_jump_to(core: Any) -> None:
    """Protects the page's list: slices from 1, as its slider counts, and RAS, as its views do."""
    from LungUNetSegLib.evaluation.disagreements import Disagreement, Disagreements
    from LungUNetSegLib.evaluation.evaluate import EvaluatedCase
    from LungUNetSegSlicer.web.viewer.texts import SHOWN, disagreements_of

    part = Disagreement(kind="other-side", lung="left", third="basal", volume_ml=12.34, distance_mm=float("inf"),
                        slice=4, point_lps=(10.0, -20.0, 30.0))  # fmt: skip
    rest = {"left-out": 0.0, "taken-in": 0.0, "other-side": 0.0}
    case = EvaluatedCase(name="x", disagreements=Disagreements(parts=(part,) * (SHOWN + 1), rest_ml=rest))
    rows = disagreements_of(case)
    assert len(rows) == SHOWN
    assert rows[0] == {
        "title": "Slice 5: to the other lung, Left lung, basal third",
        "values": ["12.3", "∞"],
        "ras": [-10.0, 20.0, 30.0],
    }


def test_scores_below_zero_have_a_real_minus(core: Any, labels: Volume) -> None:
    """Protects the table of scores: its hyphens stood beside the minus signs of the densities. 7 of 8 voxels less."""
    from LungUNetSegLib.evaluation.compare import compare
    from LungUNetSegLib.evaluation.evaluate import EvaluatedCase
    from LungUNetSegSlicer.web.viewer.texts import comparison_of

    whole = np.zeros_like(labels.array)
    whole[2:4, 0:2, 1:3] = 1
    found = compare(labels, Volume(whole, labels.geometry))
    node = SimpleNamespace(GetName=lambda: "mask")
    scene = SimpleNamespace(comparison=found, reference_node=node, case=EvaluatedCase(name="x"), findings=())
    told = comparison_of(SimpleNamespace(comparison=scene))
    assert told is not None
    minus = "\N{MINUS SIGN}87.5"
    assert told["rows"][-1] == {"title": "Volume difference, %", "values": [minus, "–", minus]}


def test_the_legend_of_local_density_has_values_with_their_colours(core: Any) -> None:
    """Protects what the colours mean; by hand: 0.13, 0.40, 0.67 of 255 are 33, 102, 171, or 21 66 ab in hexadecimal."""
    from LungUNetSegSlicer.web.viewer.texts import density_legend

    assert density_legend() == {
        "text": "Mean density of about 10 mm around each place, from −1000 HU (blue) to −600 HU (red).",
        "points": [
            {"value": "−1000 HU", "colour": "#2166ab", "place": 0.0},
            {"value": "−800 HU", "colour": "#f7f7f7", "place": 0.5},
            {"value": "−600 HU", "colour": "#b2172b", "place": 1.0},
        ],
    }


def test_errors_name_no_path_of_the_server(core: Any) -> None:
    """Protects the server: a user sees the names of his own files only, and a full disk is told as such."""
    from LungUNetSegSlicer.web.viewer.opening import told

    folder, scans = Path("/tmp/session"), Path("/srv/scans")
    for text, said in (
        (f"{folder}/uploads/0003/scan.nii: is damaged", "scan.nii: is damaged"),
        (f"{folder}/uploads/0003: no CT", "No CT"),
        (f"{scans}: no CT", "No CT"),
        (f"{scans}/a/b.nii: is damaged", "a/b.nii: is damaged"),
    ):
        assert told(ReadError(text), folder, scans) == said
    assert told(OSError(errno.ENOSPC, "x"), folder, None).startswith("The server's disk is full.")
