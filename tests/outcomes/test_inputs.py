"""What the network of outcomes sees, and tables of outcomes that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.outcomes.inputs import InputConfig, network_input, read_outcomes
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.region import crop, lung_box_of_wang, suppress_outside, whole_lung_input
from LungUNetSegLib.volume import Volume

SIZE = (12, 24, 30)


def test_the_input_is_the_papers_four_steps(phantom: Phantom) -> None:
    """Box, suppression, one size, mean 0 and deviation 1; each of the first two may be left out."""
    box = lung_box_of_wang(phantom.labels)
    scan, lungs = crop(phantom.ct, box).array, crop(phantom.labels, box).array > 0
    expected = {
        (True, True): whole_lung_input(suppress_outside(scan, lungs), SIZE),
        (True, False): whole_lung_input(scan.astype(np.float32), SIZE),
        (False, True): whole_lung_input(suppress_outside(phantom.ct.array, phantom.labels.array > 0), SIZE),
        (False, False): whole_lung_input(phantom.ct.array.astype(np.float32), SIZE),
    }
    for (cropped, suppressed), values in expected.items():
        config = InputConfig(crop=cropped, suppress=suppressed, size=SIZE)
        np.testing.assert_array_equal(network_input(phantom.ct, phantom.labels, config), values)


def test_a_scan_stored_in_another_order_gives_the_same_input(phantom: Phantom) -> None:
    """Protects training: the network must not see a lung upside down because of its file."""
    axes, flips = (1, 2, 0), (True, False, True)
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    turned = [
        Volume(each.array.transpose(axes)[steps], each.geometry.reordered(axes, flips))
        for each in (phantom.ct, phantom.labels)
    ]
    config = InputConfig(size=SIZE)
    np.testing.assert_array_equal(network_input(*turned, config), network_input(phantom.ct, phantom.labels, config))


def case(name: str, patient: str = "") -> Case:
    """Return a case without files."""
    return Case(case_id=name, patient=patient or name, image=Path(name), mask=Path(name))


def test_a_table_names_each_case_s_outcome(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Either way of writing it, also as a spreadsheet saves it; rows of other cases are told of."""
    path = tmp_path / "outcomes.csv"
    path.write_text("﻿case,outcome,age\na,1,70\nb, No ,60\nother,yes,50\n", encoding="utf-8")
    assert read_outcomes(path, [case("a"), case("b")]) == {"a": True, "b": False}
    assert f"{path}: 1 of 3 cases have no scan in the data: other." in caplog.messages


def test_an_input_without_voxels_is_refused() -> None:
    """`lungunetseg outcomes --size 0 16 16` ended in an internal error of PyTorch's, after every scan was read."""
    with pytest.raises(ConfigError, match=r"size.*at least 1.*\(0, 16, 16\)"):
        InputConfig(size=(0, 16, 16))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("", "needs the columns"),
        ("name,outcome\na,1\n", "needs the columns"),
        ("case,outcome\na,maybe\nb,0\n", "'a'.*'maybe'"),
        ("case,outcome\na,1\n", "no outcome for 'b'"),
        ("case,outcome\na,1\na,0\nb,1\n", "'a' is listed twice"),
        ("case,outcome\na\nb,1\n", "the outcome of 'a'"),
        ("case,outcome\na,1\nb,0\n", "patient 'x' has scans of different outcomes"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    """Before anything is trained on it."""
    path = tmp_path / "outcomes.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_outcomes(path, [case("a", "x"), case("b", "x")])
