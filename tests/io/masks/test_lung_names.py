"""Sides are taken from codes and names as people and standards write them, and nothing else is taken for a lung."""

from __future__ import annotations

import pytest

from LungUNetSegLib.io.masks.lung_names import BOTH_LUNGS, lung_by_codes, lung_by_name, lungs_among


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Lung_R", 1),
        ("Lung_L", 2),
        ("Right Lung", 1),
        ("left lung", 2),
        ("LUNG_LT", 2),
        ("RLung", 1),
        ("LungL", 2),
        ("R Lung", 1),
        ("rt_lung", 1),
        ("lung_upper_lobe_left", 2),
        ("Lungs", BOTH_LUNGS),
        ("Lung", BOTH_LUNGS),
        ("Total Lung", BOTH_LUNGS),
        ("left and right lungs", BOTH_LUNGS),
        ("Lung tumour right", None),
        ("Lungs-PTV", None),
        ("lung_vessels", None),
        ("Heart", None),
        ("Liver", None),
        ("Right breast", None),
        ("", None),
    ],
)
def test_names(name: str, label: int | None) -> None:
    assert lung_by_name(name) == label


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        (("39607008", "24028007"), 1),
        (("39607008", "7771000"), 2),
        (("T-28000", "G-A101"), 2),
        (("3341006",), 1),
        (("44029006",), 2),
        (("39607008", "51440002"), BOTH_LUNGS),
        (("39607008",), BOTH_LUNGS),
        (("80891009", "24028007"), None),
        ((), None),
    ],
)
def test_codes(codes: tuple[str, ...], label: int | None) -> None:
    assert lung_by_codes(codes) == label


def test_a_mask_of_both_lungs_counts_only_where_no_lung_has_its_own() -> None:
    both, right, left, heart = ("Lungs", ()), ("Lung_R", ()), ("Lung_L", ()), ("Heart", ())
    assert lungs_among({1: both, 2: heart}) == {1: 1}
    assert lungs_among({1: both, 2: right, 3: left, 4: heart}) == {2: 1, 3: 2}
    assert lungs_among({1: heart}) == {}


def test_codes_count_more_than_the_name() -> None:
    assert lungs_among({"a": ("Lung_R", ("39607008", "7771000"))}) == {"a": 2}
