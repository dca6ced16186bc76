"""Sides are taken from codes and names as people and standards write them, and nothing else is taken for a lung."""

from __future__ import annotations

import pytest

from LungUNetSegLib.io.lung_names import lung_by_codes, lung_by_name


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
        ("Lungs", 1),
        ("Lung", 1),
        ("Total Lung", 1),
        ("left and right lungs", 1),
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
        (("39607008", "51440002"), 1),
        (("39607008",), 1),
        (("80891009", "24028007"), None),
        ((), None),
    ],
)
def test_codes(codes: tuple[str, ...], label: int | None) -> None:
    assert lung_by_codes(codes) == label
