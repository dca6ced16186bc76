"""A mask that does not lie on the lung of its scan is found before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from LungUNetSegLib.cases.fit import check_on_lung, inside_air
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.phantom import Phantom, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume

PATH = Path("mask.nii.gz")


@pytest.fixture(scope="module")
def thorax() -> Phantom:
    """80 x 128 x 128, as in the issue."""
    return make_phantom(phantom_geometry((80, 128, 128)), rng=1)


def shifted(array: np.ndarray, slices: int) -> np.ndarray:
    moved = np.zeros_like(array)
    moved[max(slices, 0) : len(array) + min(slices, 0)] = array[max(-slices, 0) : len(array) - max(slices, 0)]
    return moved


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda mask: mask[::-1], "slices in the opposite order"),
        (lambda mask: mask[:, ::-1], "front and back exchanged"),
        (lambda mask: mask[:, :, ::-1], "left and right exchanged"),
        (lambda mask: mask.swapaxes(1, 2), "rows and columns exchanged"),
        (lambda mask: np.rot90(mask, 1, (1, 2)), "rotated by 90 degrees"),
        (lambda mask: np.rot90(mask, 2, (1, 2)), "rotated by 180 degrees"),
        (lambda mask: shifted(mask, 6), "6 slices towards the feet"),
        (lambda mask: shifted(mask, -6), "6 slices towards the head"),
        (lambda mask: np.roll(mask, 10, 1), "towards the front"),
        (lambda mask: np.roll(mask, -10, 2), "towards the left"),
    ],
)
def test_masks_at_another_place_are_refused_with_the_right_one(
    spoil: Callable[[np.ndarray], np.ndarray], word: str, thorax: Phantom
) -> None:
    """Protects a training from masks that were transposed, flipped or moved on their way."""
    labels = Volume(np.ascontiguousarray(spoil(thorax.labels.array)), thorax.labels.geometry)
    with pytest.raises(DataError, match=rf"mask\.nii\.gz does not lie on the lung of its scan: .*{word}"):
        check_on_lung(thorax.ct, labels, None, PATH)


def test_the_right_mask_passes_whatever_the_scans_axes(
    thorax: Phantom, sick_phantom: Phantom, oblique_phantom: Phantom, small_phantom: Phantom
) -> None:
    for phantom in (thorax, sick_phantom, oblique_phantom, small_phantom):
        assert check_on_lung(phantom.ct, phantom.labels, None, PATH) == ()


def test_an_empty_mask_is_refused_where_there_is_lung_and_right_where_there_is_none(
    thorax: Phantom, head_phantom: Phantom
) -> None:
    """Protects from a mask that was never drawn; half of what a scanner sees has no lung, and is learnt as well."""
    empty = Volume(np.zeros_like(thorax.labels.array), thorax.labels.geometry)
    with pytest.raises(DataError, match=r"mask\.nii\.gz is empty, but the scan shows up to \d+ cm2 of lung"):
        check_on_lung(thorax.ct, empty, None, PATH)
    everywhere = Volume(np.ones_like(empty.array), empty.geometry)
    assert check_on_lung(thorax.ct, empty, everywhere, PATH) == (), "nobody could decide anything"
    none = Volume(np.zeros(head_phantom.ct.array.shape, np.uint8), head_phantom.ct.geometry)
    assert check_on_lung(head_phantom.ct, none, None, PATH) == ()


def test_a_mask_of_something_else_is_refused_and_a_poor_fit_said(thorax: Phantom) -> None:
    """The soft tissue around the lungs, which no other place explains; then a fifth of both."""
    lung = thorax.labels.array > 0
    body = (thorax.ct.array > -200) & ~lung
    with pytest.raises(DataError, match=r"only 0 % of the mask is air in the body, and it covers only 0 %"):
        check_on_lung(thorax.ct, Volume(body.astype(np.uint8), thorax.ct.geometry), None, PATH)
    some = np.random.default_rng(0).random(lung.shape) < 0.2
    mixed = (lung | body) & some
    (finding,) = check_on_lung(thorax.ct, Volume(mixed.astype(np.uint8), thorax.ct.geometry), None, PATH)
    assert finding.code == "mask-off-lung"


@pytest.mark.parametrize(
    "leave_out",
    [
        lambda mask: mask * (np.arange(len(mask)) % 2 == 0)[:, None, None],
        lambda mask: mask * (np.arange(len(mask)) == 40)[:, None, None],
        lambda mask: mask * (np.arange(len(mask)) != 40)[:, None, None],
        lambda mask: mask * (mask == 1),
        lambda mask: mask * (mask == 2),
    ],
    ids=["every second slice", "one slice", "all but one slice", "right lung", "left lung"],
)
def test_a_mask_of_a_part_of_the_lungs_is_told(leave_out: Callable[[np.ndarray], np.ndarray], thorax: Phantom) -> None:
    """All of such a mask is lung, so that it fits; but a training would learn that the rest is none."""
    labels = Volume(leave_out(thorax.labels.array), thorax.labels.geometry)
    (finding,) = check_on_lung(thorax.ct, labels, None, PATH)
    assert finding.code == "mask-incomplete"
    undecided = Volume((labels.array == 0) & (thorax.labels.array > 0), labels.geometry)
    assert check_on_lung(thorax.ct, labels, undecided, PATH) == (), "who left it out on purpose said so"


def test_the_remark_on_a_part_says_how_much_is_missing() -> None:
    """By hand, on pixels of 4 mm: each of five slices shows 20 x 20 pixels of lung, 64 cm2; one has no mask."""
    hu = np.full((5, 40, 40), -1000, np.int16)
    hu[:, 5:35, 5:35] = 0
    hu[:, 10:30, 10:30] = -800
    mask = (hu == -800).astype(np.uint8)
    mask[2] = 0
    grid = Geometry(hu.shape, np.diag([4.0, 4.0, 4.0, 1.0])[:, [2, 1, 0, 3]])
    (finding,) = check_on_lung(Volume(hu, grid), Volume(mask, grid), None, PATH)
    assert finding.message.startswith("In 1 of 5 slices the scan shows lung outside the mask, up to 64 cm2.")


def test_air_in_the_body_does_not_reach_the_edge_of_its_slice() -> None:
    """By hand: a body with a hole, air around it."""
    hu = np.full((1, 7, 7), -1000, np.int16)
    hu[0, 1:6, 1:6] = 0
    hu[0, 3, 3] = -800
    assert np.argwhere(inside_air(hu)).tolist() == [[0, 3, 3]]


def test_one_slice_can_be_checked(thorax: Phantom) -> None:
    grid = Geometry((1, *thorax.ct.geometry.shape[1:]), thorax.ct.geometry.affine_lps)
    ct, mask = (Volume(each.array[40:41], grid) for each in (thorax.ct, thorax.labels))
    assert check_on_lung(ct, mask, None, PATH) == ()
    with pytest.raises(DataError, match="front and back"):
        check_on_lung(ct, Volume(mask.array[:, ::-1], grid), None, PATH)
