"""Sides are taken from codes and names as people and standards write them, and nothing else is taken for a lung."""

from __future__ import annotations

import pytest
from pydicom.sr._concepts_dict import concepts

from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io.masks import lung_names
from LungUNetSegLib.io.masks.choice import check_meanings, lungs_among
from LungUNetSegLib.io.masks.lung_names import BOTH, lung_part, part_by_codes, terminology_codes
from LungUNetSegLib.segments import LUNGS


def label_of(name: str, *codes: str) -> int | None:
    part = lung_part(name, codes)
    return part.label if part else None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Lung_R", 1), ("Lung_L", 2), ("Right Lung", 1), ("left lung", 2), ("LUNG_LT", 2), ("RLung", 1), ("LungL", 2),
        ("R Lung", 1), ("rt_lung", 1), ("rightlung", 1), ("LLUNG", 2), ("LUNGR", 1), ("Lung, left", 2),
        ("left lung segmentation", 2), ("Right lung (OAR)", 1), ("Whole right lung", 1), ("pulmo dexter", 1),
        ("lung_upper_lobe_left", 2), ("Left upper lobe", 2), ("superior lobe of right lung", 1), ("RUL", 1),
        ("right middle lobe", 1), ("Middle lobe of lung", 1), ("Lung_L_lower", 2), ("Segment_3 Left lung", 2),
        ("Lungs", BOTH), ("Lung", BOTH), ("Total Lung", BOTH), ("Lungs bilateral", BOTH),
        ("left and right lungs", BOTH), ("Lung_Both", BOTH), ("lung mask", BOTH),
        ("Lung upper lobe", None), ("upper lobe", None), ("Lung lobes", None), ("lower lobes bilateral", None),
        ("Right lobe", None), ("Left lobe of liver", None), ("Lung tumour right", None), ("Lungs-PTV", None),
        ("lung_vessels", None), ("Left Lung (copy)", None), ("Left lung nodule", None), ("Heart", None),
        ("Liver", None), ("Right breast", None), ("Left", None), ("trachea", None), ("Polmone dx", None), ("", None),
        ("Left lung segment 3", None), ("肺 right lung", None),
    ],
)  # fmt: skip
def test_names(name: str, label: int | None) -> None:
    """Protects sides: names as people and programs write them; a lobe without a side is no lung."""
    assert label_of(name) == label


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        (("39607008", "24028007"), 1),
        (("39607008", "7771000"), 2),
        (("T-28000", "G-A101"), 2),
        (("3341006",), 1),
        (("44029006",), 2),
        (("7309",), 1),
        (("7310",), 2),
        (("39607008", "51440002"), BOTH),
        (("39607008",), BOTH),
        (("45653009", "24028007"), 1),
        (("90572001", "7771000"), 2),
        (("44714003",), 2),
        (("72481006",), 1),
        (("266005",), 1),
        (("45653009",), None),
        (("31094006",), None),
        (("80891009", "24028007"), None),
        ((), None),
    ],
)
def test_codes(codes: tuple[str, ...], label: int | None) -> None:
    """Protects sides: codes of lungs and lobes, with the side in them or in a modifier."""
    assert label_of("", *codes) == label


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("39607008", "Lung"), ("45653009", "Upper lobe of lung"), ("90572001", "Lower lobe of lung"),
        ("72481006", "Middle lobe of right lung"), ("31094006", "Lobe of lung"), ("24028007", "Right"),
        ("44714003", "Structure of upper lobe of left lung (body structure)"), ("7771000", "Left"),
        ("40020002", "Structure of middle lobe of lung (body structure)"), ("72674008", "Segment of lung"),
        ("51440002", "Bilateral"), ("86598002", "Apex of Lung"), ("278983006", "Fissure of lung"),
    ],
)  # fmt: skip
def test_codes_mean_what_the_standard_says(code: str, meaning: str) -> None:
    """Protects the table from a slip: pydicom's copy of the standard's dictionary."""
    known = {(value, name) for entry in concepts["SCT"].values() for value, (name, _) in entry.items()}
    assert (code, meaning) in known
    assert lung_names._PARTS.get(code) or lung_names._SIDES.get(code) or code in lung_names._IN_A_LUNG


def test_names_tell_what_codes_leave_open() -> None:
    """Protects a perfect pair of segments, both coded as lung without a side: it scored .73 and .00."""
    assert (label_of("Right lung", "39607008"), label_of("Left lung", "39607008")) == (1, 2)
    assert label_of("Segment 1, left", "39607008") == 2
    assert label_of("Segment 1", "39607008") == BOTH
    assert label_of("Lung upper lobe", "39607008") is None
    assert label_of("RUL", "45653009") == 1
    assert label_of("left lung", "27925004") is None, "a nodule in it"


def test_terminology_entries_give_their_codes() -> None:
    assert terminology_codes(LUNGS[1].terminology) == ["123037004", "39607008", "7771000"]
    assert terminology_codes("") == []
    assert part_by_codes(terminology_codes("x~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~y~^^~^^")) is None


def choice(*names: str, **meanings: str) -> tuple[dict[str, int], list[str]]:
    told = {name.replace("_", " "): meaning for name, meaning in meanings.items()}
    found = lungs_among({name: (name, ()) for name in names}, check_meanings(told))
    return found.labels, [finding.code for finding in found.findings]


@pytest.mark.parametrize(
    ("names", "labels", "findings"),
    [
        (("Lungs", "Heart"), {"Lungs": BOTH}, []),
        (("Lungs", "Lung_R", "Lung_L", "Heart"), {"Lung_R": 1, "Lung_L": 2}, []),
        (("Heart",), {}, []),
        (("Lungs", "Lung_R"), {"Lungs": 2, "Lung_R": 1}, ["lung-from-both"]),
        (("RUL", "RML", "RLL", "LUL", "LLL"), {"RUL": 1, "RML": 1, "RLL": 1, "LUL": 2, "LLL": 2}, []),
        (("RUL", "RLL", "Left lung"), {"RUL": 1, "RLL": 1, "Left lung": 2}, ["lobes-missing"]),
        (("RUL", "Lungs"), {"Lungs": BOTH}, []),
        (("RUL", "Right lung", "Left lung"), {"Right lung": 1, "Left lung": 2}, []),
        (("Lung_R", "Right lung", "Lung_L"), {"Lung_R": 1, "Right lung": 1, "Lung_L": 2}, ["several-structures"]),
        (("Lung_R", "Left Lung (copy)"), {"Lung_R": 1}, ["structures-left-out"]),
        (("Lung_R", "Lung_L", "Lung upper lobe"), {"Lung_R": 1, "Lung_L": 2}, ["structures-left-out"]),
    ],
)
def test_what_is_taken_of_several_structures(
    names: tuple[str, ...], labels: dict[str, int], findings: list[str]
) -> None:
    """Protects from counting twice, from losing a lung, and from losing one without a word."""
    assert choice(*names) == (labels, findings)


def test_the_lung_that_has_its_own_structure_is_painted_last() -> None:
    assert list(choice("Lung_R", "Lungs")[0]) == ["Lungs", "Lung_R"]


def test_a_left_out_structure_is_named() -> None:
    (finding,) = lungs_among({1: ("Lung_R", ()), 2: ("Left Lung (copy)", ())}).findings
    assert finding.message.endswith("mean something else or give no side: 'Left Lung (copy)'.")


def test_somebody_can_say_which_structure_is_which() -> None:
    """Protects names in other languages, and copies: what is said by hand counts more than names and codes."""
    names = ("Polmone dx", "Polmone sx", "Cuore")
    assert choice(*names, polmone_dx="right", POLMONE_SX="left") == ({"Polmone dx": 1, "Polmone sx": 2}, [])
    assert choice("Left Lung", "Left Lung (copy)", **{"left lung (copy)": "left"})[0] == {"Left Lung (copy)": 2}
    assert choice("Lung_R", "Lung_L", lung_l="none")[0] == {"Lung R".replace(" ", "_"): 1, "Lung_L": 2}
    assert lungs_among({"a": ("Lung_L", ()), "b": ("Lung_R", ())}, {"Lung_L": "none"}).labels == {"b": 1}
    assert lungs_among({"a": ("x", ()), "b": ("Lung_R", ())}, {"x": "both"}).labels == {"a": BOTH}
    assert choice("Polmone dx", "Lung L", polmone_dx="right", polmone_sx="left")[1] == ["unknown-structure"]
    assert choice("Lung R", "Lung L", polmone_dx="right")[1] == [], "a map for the other file of a pair"
    with pytest.raises(DataError, match="'x' cannot be 'middle'; a structure is right, left, both, none"):
        check_meanings({"x": "middle"})


def test_codes_count_more_than_the_name_and_it_is_said() -> None:
    found = lungs_among({"a": ("Lung_R", ("39607008", "7771000"))})
    assert found.labels == {"a": 2}
    assert [finding.code for finding in found.findings] == ["code-against-name"]
