"""A mask that does not belong to its scan is found before anything is learnt from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dicom_mask_files import outlines, segmentation, structure_set
from phantom_cases import write_image, write_pair

from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import read_pair, tell
from LungUNetSegLib.errors import DataError, LungUNetSegError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.metrics import count
from LungUNetSegLib.phantom import Phantom
from LungUNetSegLib.volume import Geometry, Volume


@pytest.fixture
def case(small_phantom: Phantom, tmp_path: Path) -> Case:
    write_image(small_phantom.ct, tmp_path / "ct.nii.gz")
    write_image(small_phantom.labels, tmp_path / "mask.nii.gz")
    return Case(case_id="p", patient="p", image=tmp_path / "ct.nii.gz", mask=tmp_path / "mask.nii.gz")


def test_scan_and_mask_come_on_one_grid(case: Case, small_phantom: Phantom) -> None:
    pair = read_pair(case)
    np.testing.assert_array_equal(pair.ct.array, small_phantom.ct.array)
    np.testing.assert_array_equal(pair.labels.array, small_phantom.labels.array)
    assert pair.labels.geometry is pair.ct.geometry
    assert pair.ignore is None


def write_npz(path: Path, labels: Volume) -> None:
    np.savez(path, masks=np.moveaxis(labels.array, 0, -1))


MASKS: dict[str, tuple[str, Callable[[Path, Volume], object]]] = {
    "NIfTI, compressed": (".nii.gz", write_labels),
    "NIfTI": (".nii", write_labels),
    "NRRD": (".nrrd", write_labels),
    "MetaImage": (".mha", write_labels),
    "Slicer": (".seg.nrrd", write_labels),
    "the paper": (".npz", write_npz),
    "SEG": (".dcm", segmentation),
    "RTSTRUCT": (".dcm", lambda path, labels: structure_set(path, outlines(labels))),
}


@pytest.mark.parametrize("kind", MASKS)
def test_masks_of_every_kind_are_found_and_read_with_their_sides(
    kind: str, small_phantom: Phantom, tmp_path: Path
) -> None:
    ending, write = MASKS[kind]
    write_image(small_phantom.ct, tmp_path / "p.nii.gz")
    write(tmp_path / f"p_seg{ending}", small_phantom.labels)
    (case,) = find_cases(tmp_path)
    pair = read_pair(case)
    assert pair.has_sides
    for label in (1, 2):
        counts = count(pair.labels.array == label, small_phantom.labels.array == label)
        assert counts.dsc > (0.99 if kind == "RTSTRUCT" else 0.999999)


def test_voxels_that_are_no_number_are_air_in_a_scan_and_refused_in_a_mask(
    case: Case, small_phantom: Phantom, tmp_path: Path
) -> None:
    hu, labels = (volume.array.astype(np.float32) for volume in (small_phantom.ct, small_phantom.labels))
    hu[3, :4, :4] = labels[3, 30, 30] = np.nan
    write_image(Volume(hu, small_phantom.ct.geometry), case.image)
    assert (read_pair(case).ct.array[3, :4, :4] == -1024).all()
    write_image(Volume(labels, small_phantom.labels.geometry), case.mask)
    with pytest.raises(LungUNetSegError, match=r"mask\.nii\.gz: a mask holds 0, 1 .* holds .*nan"):
        read_pair(case)


def test_a_scan_without_any_lung_is_a_case_too(case: Case, head_phantom: Phantom) -> None:
    """Half of what a scanner sees has no lung; a network must learn that as well."""
    write_image(head_phantom.ct, case.image)
    write_image(Volume(np.zeros(head_phantom.ct.array.shape, np.uint8), head_phantom.ct.geometry), case.mask)
    assert not read_pair(case).labels.array.any()


@pytest.mark.parametrize("spoil", [np.zeros_like, lambda mask: mask[::-1].copy(), lambda mask: np.roll(mask, 8, 1)])
def test_a_mask_that_does_not_lie_on_lung_is_refused_by_name(case: Case, small_phantom: Phantom, spoil) -> None:
    """Protects a training from masks that are empty, flipped or moved; `check_on_lung` says where they belong."""
    write_image(Volume(spoil(small_phantom.labels.array), small_phantom.labels.geometry), case.mask)
    with pytest.raises(DataError, match=r"mask\.nii\.gz (is empty|does not lie on the lung)"):
        read_pair(case)


@pytest.mark.parametrize(("axes", "flips"), [((0, 1, 2), (True, False, False)), ((1, 0, 2), (False, False, True))])
def test_a_mask_in_another_order_is_brought_to_that_of_its_scan(
    case: Case, small_phantom: Phantom, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    """Protects a mask that lies where its scan does, stored from the other end: it is right, and read as it is."""
    back = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    array = small_phantom.labels.array.transpose(axes)[back]
    write_labels(case.mask, Volume(array, small_phantom.labels.geometry.reordered(axes, flips)))
    pair = read_pair(case)
    np.testing.assert_array_equal(pair.labels.array, small_phantom.labels.array)
    assert pair.labels.geometry is pair.ct.geometry and not pair.findings


def test_what_is_odd_about_the_scan_is_told_with_what_is_odd_about_the_mask(
    case: Case, small_phantom: Phantom, caplog: pytest.LogCaptureFixture
) -> None:
    """Protects a training from scans whose values or place are in doubt, which the reader says and nobody read."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ small_phantom.ct.geometry.affine_lps[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(small_phantom.ct.array.transpose(2, 1, 0), affine)
    image.set_qform(affine, 1)
    affine[2, 3] += 40
    image.set_sform(affine, 1)
    image.to_filename(case.image)
    place = small_phantom.labels.geometry.affine_lps.copy()
    place[2, 3] += 40
    write_labels(case.mask, Volume(small_phantom.labels.array, Geometry(small_phantom.labels.geometry.shape, place)))
    pair = read_pair(case)
    assert [finding.code for finding in pair.findings] == ["place-in-doubt"]
    tell("p", pair.findings)
    assert "p: The header's qform and sform lie up to 40.0 mm apart; the sform was taken." in caplog.messages


def test_what_was_left_out_of_a_mask_is_told(case: Case, small_phantom: Phantom, tmp_path: Path) -> None:
    lungs = outlines(small_phantom.labels)
    path = structure_set(tmp_path / "rs.dcm", {**lungs, "Left Lung (copy)": lungs["Left Lung"]})
    pair = read_pair(dataclasses.replace(case, mask=path))
    assert [finding.code for finding in pair.findings] == ["structures-left-out"]


def test_somebody_says_which_structure_is_which(small_phantom: Phantom, tmp_path: Path) -> None:
    write_image(small_phantom.ct, tmp_path / "p.nii.gz")
    lungs = outlines(small_phantom.labels)
    structure_set(tmp_path / "p_seg.dcm", {"Polmone dx": lungs["Right Lung"], "Polmone sx": lungs["Left Lung"]})
    (case,) = find_cases(tmp_path, meanings={"Polmone dx": "right", "Polmone sx": "left"})
    pair = read_pair(case)
    assert pair.has_sides and count(pair.labels.array == 2, small_phantom.labels.array == 2).dsc > 0.99
    with pytest.raises(DataError, match="'Polmone dx' cannot be 'rechts'"):
        find_cases(tmp_path, meanings={"Polmone dx": "rechts"})


def test_the_ignore_mask_is_read(case: Case, small_phantom: Phantom, tmp_path: Path) -> None:
    undecided = np.zeros_like(small_phantom.labels.array)
    undecided[3, 10:20, 10:20] = 1
    write_image(Volume(undecided, small_phantom.labels.geometry), tmp_path / "ignore.nii.gz")
    pair = read_pair(dataclasses.replace(case, ignore=tmp_path / "ignore.nii.gz"))
    assert pair.ignore is not None
    np.testing.assert_array_equal(pair.ignore.array, undecided == 1)


def swap_sides(labels: Volume) -> Volume:
    return Volume(np.choose(labels.array, (0, 2, 1)).astype(np.uint8), labels.geometry)


def move(labels: Volume) -> Volume:
    affine = labels.geometry.affine_lps.copy()
    affine[0, 3] += 400
    return Volume(labels.array, Geometry(labels.geometry.shape, affine))


def add_a_value(labels: Volume) -> Volume:
    array = labels.array.copy()
    array[0, 0, 0] = 7
    return Volume(array, labels.geometry)


def crop(labels: Volume) -> Volume:
    shape = (3, *labels.geometry.shape[1:])
    return Volume(labels.array[:3], Geometry(shape, labels.geometry.affine_lps))


@pytest.mark.parametrize("spoil", [swap_sides, move, add_a_value, crop])
def test_a_mask_of_something_else_is_refused_by_name(case: Case, small_phantom: Phantom, spoil) -> None:
    write_image(spoil(small_phantom.labels), case.mask)
    with pytest.raises(LungUNetSegError, match=r"mask\.nii\.gz"):
        read_pair(case)


def test_a_text_file_for_a_mask_is_refused_by_name(tmp_path: Path) -> None:
    case = write_pair(tmp_path, "p")
    case.mask.write_text("lungs", encoding="utf-8")
    with pytest.raises(LungUNetSegError, match=r"p_seg\.nii\.gz"):
        read_pair(case)


def test_one_label_for_both_lungs_is_told_from_one_lung(case: Case, small_phantom: Phantom) -> None:
    labels = small_phantom.labels
    left = np.where(labels.array == 2, 2, 0)
    for array, has_sides in (
        (labels.array > 0, False),
        ((labels.array > 0) * 2, False),
        (labels.array == 1, True),
        (left, True),
        (labels.array, True),
    ):
        write_image(Volume(array.astype(np.uint8), labels.geometry), case.mask)
        pair = read_pair(case)
        assert pair.has_sides is has_sides
        if not has_sides:
            np.testing.assert_array_equal(pair.labels.array, labels.array > 0, "1 stands for both")


def test_a_label_on_both_sides_is_told_where_there_is_another(case: Case, small_phantom: Phantom) -> None:
    """Protects from 1 for both lungs beside 2 for a nodule or the trachea, and from two lobes as 1 and 2."""
    array = small_phantom.labels.array
    head = np.indices(array.shape)[0] >= np.median(np.nonzero(array == 1)[0])
    nodule = (array == 2) & (np.indices(array.shape)[0] == np.median(np.nonzero(array == 2)[0]))
    for labels, words in ((1 * (array > 0) + nodule, "--map 1=both"), ((array == 1) * (1 + head), "--map 2=right")):
        write_image(Volume(labels.astype(np.uint8), small_phantom.labels.geometry), case.mask)
        told = {finding.code: finding.message for finding in read_pair(case).findings}
        assert words in told["label-across"]
    write_image(small_phantom.labels, case.mask)
    assert not read_pair(case).findings


def test_one_lung_with_the_others_label_is_refused(case: Case, small_phantom: Phantom) -> None:
    """Protects a training from a left lung as 1: with two labels their order tells, with one only the body does."""
    labels = small_phantom.labels
    for side, value, where in ((2, 1, "label 1 on the patient's left"), (1, 2, "label 2 on the patient's right")):
        write_image(Volume(((labels.array == side) * value).astype(np.uint8), labels.geometry), case.mask)
        with pytest.raises(DataError, match=where):
            read_pair(case)


def test_the_papers_npz_lies_on_its_scan(case: Case, small_phantom: Phantom, tmp_path: Path) -> None:
    """Slices along the last axis by rising z; sides are not told apart in it."""
    both = np.moveaxis(small_phantom.labels.array > 0, 0, -1)
    np.savez(tmp_path / "mask_seg.npz", masks=both)
    pair = read_pair(dataclasses.replace(case, mask=tmp_path / "mask_seg.npz"))
    np.testing.assert_array_equal(pair.labels.array > 0, small_phantom.labels.array > 0)
    assert not pair.has_sides
