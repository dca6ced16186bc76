"""Folders of cases: layouts, names, and masks that do not belong to their scans."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from corpus.bench import Bench, Trial, codes_of
from corpus.kinds import Section

from LungUNetSegLib.cases.fit import check_on_lung
from LungUNetSegLib.cases.labelled import Case, find_cases
from LungUNetSegLib.cases.reading import read_pair
from LungUNetSegLib.errors import DataError, LungUNetSegError
from LungUNetSegLib.io import write_labels
from LungUNetSegLib.phantom import Phantom, make_head, make_phantom, phantom_geometry
from LungUNetSegLib.volume import Geometry, Volume
from LungUNetSegLib.volume.resample import to_sitk

layouts = Section("Folders of cases")
fits = Section("Masks beside their scans")


def _moved(geometry: Geometry, x_mm: float) -> Geometry:
    affine = geometry.affine_lps.copy()
    affine[0, 3] += x_mm
    return Geometry(geometry.shape, affine)


def touched(b: Bench, *names: str) -> Path:
    for name in names:
        (b.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (b.folder / name).touch()
    return b.folder


def cases(*names: str, expected: str = "p") -> Callable[[Bench], Trial]:
    """The cases that are found among empty files of these names."""

    def attempt(b: Bench) -> Trial:
        found = " ".join(each.case_id for each in find_cases(touched(b, *names)))
        return b.holds(found == expected, f"cases found: {found}")

    return attempt


def _unfit(name: str, words: str, *names: str) -> None:
    layouts.refused(name, words, cases(*names), DataError)


layouts.right("a scan beside its mask", cases("p.nii.gz", "p_mask.nii.gz"))
layouts.right("words appended in capitals, by dashes", cases("p-CT.nrrd", "p-LABEL.seg.nrrd"))
layouts.right("nnU-Net's folders and numbers of channels", cases("imagesTr/p_0000.nii.gz", "labelsTr/p.nii.gz"))
layouts.right("the paper's folders", cases("Images/p/0.dcm", "Segmentations/p_seg.npz"))
layouts.right(
    "hidden files of macOS beside each",
    cases("p.nii.gz", "._p.nii.gz", "p_mask.nii.gz", "._p_mask.nii.gz", ".DS_Store"),
)
layouts.right(
    "hidden folders of other programs", cases("p.nii.gz", "p_mask.nii.gz", ".cache/q.nii.gz", ".cache/q_mask.nii.gz")
)
layouts.right("a result beside scan and mask", cases("p.nii.gz", "p_mask.nii.gz", "p_pred.nii.gz"))
layouts.right("texts and pictures beside the cases", cases("p.nii.gz", "p_mask.nii.gz", "readme.txt", "view.png"))
layouts.right("a case's own folder with an image file for a scan", cases("p/ct.nii.gz", "p/lungs.nii.gz"))
layouts.right("a scan that nobody has drawn on yet, beside others", cases("p.nii.gz", "p_mask.nii.gz", "q.nii.gz"))
_unfit("two masks of one scan", "both masks of p", "p.nii.gz", "p_mask.nii.gz", "p_seg.nii.gz")
_unfit("two scans of one mask", "both scans of p", "p.nii.gz", "p.nrrd", "p_mask.nii.gz")
_unfit("two masks in a case's own folder", "lungs", "p/ct/0.dcm", "p/lungs.nii.gz", "p/lungs.seg.nrrd")
_unfit("a mask without a scan", "q", "p.nii.gz", "p_mask.nii.gz", "q_mask.nii.gz")
_unfit("a scan without a mask", "q", "images/p.nii.gz", "masks/p.nii.gz", "images/q.nii.gz")
_unfit("a case's folder without a mask", "no mask", "p/ct/0.dcm")
_unfit(
    "one name in two folders", "Two cases are named p", "a/p.nii.gz", "a/p_mask.nii.gz", "b/p.nii.gz", "b/p_mask.nii.gz"
)
_unfit("nothing that is a case", "holds no case", "a/readme.txt")
_unfit("results alone", "holds no case", "p.nii.gz", "p_pred.nii.gz")
layouts.refused(
    "a folder that is not there", "no folder", lambda b: b.holds(bool(find_cases(b.folder / "gone")), ""), DataError
)
layouts.refused(
    "a file for a folder", "no folder", lambda b: b.holds(bool(find_cases(b.write("p.nii.gz", b""))), ""), DataError
)
layouts.refused(
    "a meaning that there is none of",
    "middle",
    lambda b: b.holds(bool(find_cases(touched(b, "p.nii.gz", "p_mask.nii.gz"), meanings={"1": "middle"})), ""),
    DataError,
)


# Masks beside their scans


@cache
def chest() -> Phantom:
    return make_phantom(phantom_geometry((40, 96, 96)), rng=1)


def fit(
    spoil: Callable[[np.ndarray], np.ndarray], ct: Callable[[], Volume] = lambda: chest().ct
) -> Callable[[Bench], Trial]:
    """The phantom's mask, spoilt, held against its scan."""

    def attempt(b: Bench) -> Trial:
        labels = Volume(np.ascontiguousarray(spoil(chest().labels.array)), chest().labels.geometry)
        return Trial(codes_of(check_on_lung(ct(), labels, None, Path("mask.nii.gz"))))

    return attempt


def moved(by: tuple[int, int, int]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda a: np.roll(a, by, (0, 1, 2))


fits.right("the right mask", fit(lambda a: a))
fits.said("a right lung alone", "mask-incomplete", fit(lambda a: np.where(a == 2, 0, a)))
fits.said("every second slice alone", "mask-incomplete", fit(lambda a: a * (np.arange(len(a)) % 2)[:, None, None]))
fits.right(
    "no mask where there is no lung", fit(lambda a: a * 0, lambda: make_head(phantom_geometry((40, 96, 96)), rng=1).ct)
)
for name, words, spoil in (
    ("slices in the opposite order", "opposite order", lambda a: a[::-1]),
    ("front and back exchanged", "front and back", lambda a: a[:, ::-1]),
    ("left and right exchanged", "left and right", lambda a: a[:, :, ::-1]),
    ("rows and columns exchanged", "rows and columns", lambda a: a.swapaxes(1, 2)),
    ("turned by a quarter", "rotated by 90 degrees", lambda a: np.rot90(a, 1, (1, 2))),
    ("slices shifted towards the head", "towards the feet", moved((4, 0, 0))),
    ("3 cm towards the left", "towards the right", moved((0, 0, 9))),
    ("5 cm towards the back", "front", moved((0, 13, 0))),
    ("an empty mask", "is empty", lambda a: a * 0),
    (
        "a mask of the body's air around",
        "does not lie on the lung",
        lambda a: np.where(np.indices(a.shape)[1] < 12, 1, 0),
    ),
):
    fits.refused(name, ("mask.nii.gz", words), fit(spoil), DataError)
fits.said(
    "the whole body for a mask",
    "mask-off-lung",
    fit(
        lambda a: (
            (np.indices(a.shape)[1] > 10)
            & (np.indices(a.shape)[1] < 80)
            & (np.indices(a.shape)[2] > 5)
            & (np.indices(a.shape)[2] < 90)
        )
    ),
)


def pair(change: Callable[[Bench, Path, Path], object], both: bool | None = False) -> Callable[[Bench], Trial]:
    """A scan and its mask as a case for training, with a change.

    `both` says whether one label stands for both lungs; with None the mask is taken as it is.
    """

    def attempt(b: Bench) -> Trial:
        image, mask = b.folder / "p.nii.gz", b.folder / "p_mask.nii.gz"
        sitk.WriteImage(to_sitk(chest().ct), str(image))
        write_labels(mask, chest().labels)
        changed = change(b, image, mask)
        read = read_pair(
            changed if isinstance(changed, Case) else Case(case_id="p", patient="p", image=image, mask=mask)
        )
        expected = chest().labels.array
        same = np.array_equal(read.labels.array, expected > 0 if both else expected) and read.has_sides is not both
        return b.holds(both is None or same, "the mask is another", codes_of(read.findings))

    return attempt


def _raised(image: Path) -> None:
    sitk.WriteImage(to_sitk(Volume(chest().ct.array + np.int16(1024), chest().ct.geometry)), str(image))


def rewritten(spoil: Callable[[np.ndarray], np.ndarray]) -> Callable[[Bench, Path, Path], None]:
    return lambda b, image, mask: write_labels(
        mask, Volume(np.ascontiguousarray(spoil(chest().labels.array)), chest().labels.geometry)
    )


fits.right("scan and mask as they are", pair(lambda b, i, m: None))
fits.refused(
    "sides exchanged in the mask",
    "label 1 on the patient's left",
    pair(rewritten(lambda a: np.choose(a, (0, 2, 1)))),
    DataError,
)
fits.refused(
    "a mask of another size",
    "voxels, its scan",
    pair(lambda b, i, m: write_labels(m, make_phantom(phantom_geometry((20, 48, 48)), rng=1).labels)),
    DataError,
)
fits.refused(
    "a mask that lies elsewhere, of the same size",
    "another position",
    pair(lambda b, i, m: write_labels(m, Volume(chest().labels.array, _moved(chest().labels.geometry, x_mm=30)))),
    DataError,
)
fits.right(
    "a mask whose voxels are stored in another order",
    pair(
        lambda b, i, m: write_labels(
            m,
            Volume(
                np.ascontiguousarray(chest().labels.array[:, :, ::-1]),
                phantom_geometry((40, 96, 96), flips=(False, False, True)),
            ),
        )
    ),
)
fits.refused(
    "a left lung alone that is labelled as the right one",
    "label 1 on the patient's left",
    pair(rewritten(lambda a: (a == 2).astype("u1"))),
    DataError,
)
fits.right("2 as the label of both lungs", pair(rewritten(lambda a: (a > 0).astype("u1") * 2), both=True))
fits.said(
    "1 for both lungs, and 2 for a nodule",
    "label-across",
    pair(
        rewritten(lambda a: np.where((a == 2) & (np.arange(len(a)) == 20)[:, None, None], 2, a > 0).astype("u1")), None
    ),
)
fits.said(
    "1 and 2 for parts of one lung",
    "label-across",
    pair(
        rewritten(lambda a: np.where((a == 1) & (np.arange(len(a)) > 20)[:, None, None], 2, a == 1).astype("u1")), None
    ),
)
fits.said("a scan of stored numbers without the intercept", "no-air", pair(lambda b, i, m: _raised(i)))
fits.refused(
    "a scan for a mask", "this one holds", pair(lambda b, i, m: m.write_bytes(i.read_bytes())), LungUNetSegError
)
