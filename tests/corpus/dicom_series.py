"""DICOM series: which files make a scan, in which order, at which places."""

from __future__ import annotations

import copy
import gzip
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from corpus.bench import STEP_MM, Bench, Trial, thorax
from corpus.dicom_pixels import each
from corpus.kinds import Section
from dicom_files import save, slices_of
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from LungUNetSegLib.io import list_series, read_scan
from LungUNetSegLib.volume import Geometry, Volume

section = Section("DICOM series")
Slices = list[Dataset]


def all_slices(change: Callable[[Dataset], object]) -> Callable[[Bench], Trial]:
    """The clean scan with a change in each slice."""
    return lambda b: b.scan(save(each(b, change), b.folder / "ct"), b.ct)


def series(change: Callable[[Slices], Sequence[Dataset] | None]) -> Callable[[Bench], Trial]:
    """The clean scan with a change of its slices, and perhaps of which there are."""

    def attempt(b: Bench) -> Trial:
        datasets = slices_of(b.ct)
        return b.scan(save(change(datasets) or datasets, b.folder / "ct"), b.ct)

    return attempt


def unlike(change: Callable[[Slices], Sequence[Dataset] | None]) -> Callable[[Bench], Trial]:
    """The same, where the result cannot be the clean scan."""
    return lambda b: b.scan(save(change(datasets := slices_of(b.ct)) or datasets, b.folder / "ct"))


def put(**attributes: object) -> Callable[[Dataset], object]:
    """Set attributes, or remove those that are None."""

    def change(dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return change


def folder(change: Callable[[Path], object]) -> Callable[[Bench], Trial]:
    """The clean scan's folder with a change in it."""

    def attempt(b: Bench) -> Trial:
        place = save(slices_of(b.ct), b.folder / "ct")
        found = change(place)
        return b.scan(found if isinstance(found, (Path, list)) else place, b.ct)

    return attempt


def at(heights_mm: Sequence[float]) -> Callable[[Slices], None]:
    """Put slices at other heights."""

    def change(datasets: Slices) -> None:
        for dataset, height in zip(datasets, heights_mm, strict=False):
            dataset.ImagePositionPatient = [*dataset.ImagePositionPatient[:2], f"{height:.6g}"]

    return change


# Files and folders

section.right(
    "names without an ending, in folders of folders",
    lambda b: b.scan(save(slices_of(b.ct), b.folder, lambda n: f"{n % 3}/a/{n}").parent / b.folder.name, b.ct),
)
section.right("names in the opposite order of the slices", series(lambda s: s[::-1]))
section.right(
    "numbers of the instances in the opposite order",
    series(lambda s: [put(InstanceNumber=99 - i)(d) for i, d in enumerate(s)] and None),
)
section.right(
    "letters, a report and a picture beside the slices",
    folder(
        lambda f: (
            [(f / name).write_bytes(b"Dear colleague") for name in ("letter.txt", "report.pdf", "view.jpg")] and None
        )
    ),
)
section.right(
    "the hidden files of macOS and Windows beside the slices",
    folder(
        lambda f: (
            [(f / name).write_bytes(bytes(82)) for name in (".DS_Store", "._0001.dcm", "Thumbs.db", "desktop.ini")]
            and None
        )
    ),
)
section.right(
    "names in other alphabets, with spaces, or that begin with a dash",
    lambda b: b.scan(
        save(slices_of(b.ct), b.folder / "Müller 北京", lambda n: ["-{}", "снимок {}", "a b {}"][n % 3].format(n)), b.ct
    ),
)
section.right(
    "a folder of links to the slices",
    folder(
        lambda f: (
            [
                (f.parent / "links").mkdir(exist_ok=True),
                *((f.parent / "links" / p.name).symlink_to(p) for p in f.iterdir()),
            ]
            and f.parent / "links"
        )
    ),
)
section.right("a link back to the folder itself", folder(lambda f: (f / "again").symlink_to(f)))
section.right("a pipe beside the slices", folder(lambda f: os.mkfifo(f / "0099.dcm")))
section.said(
    "a link that leads nowhere beside the slices",
    "unreadable-files",
    folder(lambda f: (f / "0099.dcm").symlink_to(f / "gone")),
)
for what, content in (
    ("a file full of zeros", bytes(3000)),
    ("a web page of an error", b"<html>502 Bad Gateway</html>" * 20),
    ("the pointer of a version control", b"version https://git-lfs.github.com/spec/v1\nsize 1404\n"),
):
    section.said(
        f"{what} in place of the last slice", "unreadable-files", lambda b, content=content: _spoilt(b, content, 12)
    )
section.said("the last slice compressed with gzip, beside the others", "unreadable-files", lambda b: _last_packed(b))
section.said("an archive of the last slices, beside the others", "unreadable-files", lambda b: _last_zipped(b))
section.right("a list of the files instead of the folder", folder(lambda f: sorted(f.iterdir(), reverse=True)))
section.right("a directory of the disc beside the slices", folder(lambda f: _directory(f)))
section.said(
    "a copy of all files in a folder below",
    "copied-files",
    folder(lambda f: shutil.copytree(f, f / "backup") and None),
)
section.said(
    "a copy of all files, moved by 7 mm",
    "several-series copies-differ",
    folder(lambda f: _moved_copy(f)),
)
section.refused(
    "a copy of all files with one other pixel", "other pixels, or is damaged", folder(lambda f: _changed_copy(f))
)
section.said("an empty file among the slices", "unreadable-files missing-slices", lambda b: _spoilt(b, b""))
section.said("a file full of zeros among the slices", "missing-slices", lambda b: _spoilt(b, bytes(3000)))
section.said(
    "a web page of an error in place of a slice",
    "missing-slices",
    lambda b: _spoilt(b, b"<html>502 Bad Gateway</html>" * 20),
)
section.refused("no files", "the folder is empty", lambda b: b.scan(b.folder))
section.refused("nothing there", "no such file", lambda b: b.scan(b.folder / "gone"))
section.refused("an empty list", "No file was given", lambda b: b.scan([]))
section.refused(
    "a list with a file that is not there",
    "gone.dcm",
    lambda b: b.scan([*sorted(save(slices_of(b.ct), b.folder / "ct").iterdir()), b.folder / "gone.dcm"]),
)
section.refused("a folder of links that lead nowhere", "lead nowhere", lambda b: b.scan(_dangling(b)))
section.refused("a zip archive of the slices", "Unpack", lambda b: b.scan(_zipped(b)))
section.refused("a directory of the disc alone", "DICOMDIR", lambda b: b.scan(_directory(b.folder)))
section.refused("slices compressed one by one with gzip", ("compressed files", "Unpack"), lambda b: b.scan(_gzipped(b)))
section.refused(
    "an image file that is called .dcm", "not DICOM", lambda b: b.scan(b.write("scan.dcm", b"\x5c\1\0\0" + bytes(600)))
)
section.refused(
    "a file of voxels alone",
    (".nii.gz, .nii, .nrrd", ".mhd"),
    lambda b: b.scan(b.write("scan.raw", b"\1\2" * 300)),
)
section.refused(
    "a folder of image files",
    ("image files of other formats", "Give the file itself"),
    lambda b: b.scan(b.write("scans/scan.nii.gz", b"\1\2" * 300).parent),
)
section.refused(
    "a folder of halves of .hdr/.img pairs",
    ".nii",
    lambda b: b.scan([b.write("a.hdr", bytes(348)), b.write("a.img", bytes(900))][0].parent),
)
section.refused("a pipe in place of a file", "pipe", lambda b: b.scan(_pipe(b)))
section.refused(
    "a series that is not there",
    "1.2.3.4",
    lambda b: b.scan(save(slices_of(b.ct), b.folder / "ct"), series_uid="1.2.3.4"),
)
section.right("a series with spaces around its identifier", all_slices(put(SeriesInstanceUID="1.2.3 ")))


def _spoilt(b: Bench, content: bytes, number: int = 6) -> Trial:
    place = save(slices_of(b.ct), b.folder / "ct")
    (place / f"{number:04}.dcm").write_bytes(content)
    return b.scan(place)


def _last_packed(b: Bench) -> Trial:
    place = save(slices_of(b.ct), b.folder / "ct")
    (place / "0012.dcm.gz").write_bytes(gzip.compress((place / "0012.dcm").read_bytes()))
    (place / "0012.dcm").unlink()
    return b.scan(place)


def _last_zipped(b: Bench) -> Trial:
    place = save(slices_of(b.ct), b.folder / "ct")
    with zipfile.ZipFile(place / "rest.zip", "w") as archive:
        for number in range(9, 13):
            archive.write(place / f"{number:04}.dcm", f"{number:04}.dcm")
            (place / f"{number:04}.dcm").unlink()
    return b.scan(place)


def _dangling(b: Bench) -> Path:
    (b.folder / "0001.dcm").symlink_to(b.folder / "gone")
    return b.folder


def _directory(place: Path) -> Path:
    entry = Dataset()
    entry.SOPClassUID, entry.SOPInstanceUID = uid.MediaStorageDirectoryStorage, generate_uid()
    entry.file_meta = copy.deepcopy(slices_of(thorax().ct)[0].file_meta)
    entry.file_meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    entry.save_as(place / "DICOMDIR", enforce_file_format=True)
    return place


def _zipped(b: Bench) -> Path:
    place = save(slices_of(b.ct), b.folder / "ct")
    with zipfile.ZipFile(b.folder / "ct.zip", "w") as archive:
        for path in place.iterdir():
            archive.write(path)
    return b.folder / "ct.zip"


def _gzipped(b: Bench) -> Path:
    place = save(slices_of(b.ct), b.folder / "ct")
    for path in list(place.iterdir()):
        path.with_suffix(".dcm.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return place


def _pipe(b: Bench) -> Path:
    os.mkfifo(b.folder / "pipe")
    return b.folder / "pipe"


# Headers

section.right("no preamble and no file header", lambda b: b.scan(_raw(b), b.ct))
section.right("no SOP class", all_slices(put(SOPClassUID=None)))
section.said("an animal on four legs", "not-human", all_slices(put(AnatomicalOrientationType="QUADRUPED")))
section.said("a pig", "not-human", all_slices(put(PatientSpeciesDescription="Sus scrofa domesticus")))
section.said("a test object, by the header", "not-human", all_slices(put(QualityControlImage="YES")))
section.said(
    "pixels halved in size, and the pixel spacing of before",
    "spacing-in-doubt",
    lambda b: b.scan(
        save(
            slices_of(
                Volume(np.ascontiguousarray(b.ct.array[:, ::2, ::2]), Geometry.axial((13, 12, 14), (10.0, 12.0, 12.0))),
                ReconstructionDiameter="336",
            ),
            b.folder / "ct",
        )
    ),
)
section.right("no modality", all_slices(put(Modality=None)))
section.right("no SOP instance", all_slices(put(SOPInstanceUID=None)))
section.right("one SOP instance for all slices", all_slices(put(SOPInstanceUID="1.2.3")))
section.right(
    "no identifiers of patient, study and frame of reference",
    all_slices(put(PatientID=None, StudyInstanceUID=None, FrameOfReferenceUID=None)),
)
section.right("no identifier of the series", all_slices(put(SeriesInstanceUID=None)))
section.right(
    "no numbers of slices, series and acquisition",
    all_slices(put(InstanceNumber=None, SeriesNumber=None, AcquisitionNumber=None)),
)
section.right("words for numbers of slices", lambda b: b.scan(_spelt(b, "InstanceNumber", "first"), b.ct))
section.right("a thickness in words", lambda b: b.scan(_spelt(b, "SliceThickness", "thin"), b.ct))
section.right(
    "a slice location that contradicts the positions",
    all_slices(lambda d: d.add_new("SliceLocation", "DS", str(-3 * float(d.ImagePositionPatient[2])))),
)
section.right("a spacing between slices that contradicts the positions", all_slices(put(SpacingBetweenSlices="1.25")))
section.right("positions rounded to a tenth", series(at([round(-60 + STEP_MM * n + 0.04, 1) for n in range(13)])))
section.right(
    "directions rounded to three digits",
    all_slices(put(ImageOrientationPatient=["0.999", "0", "0", "0", "0.999", "0"])),
)
section.right("control characters in names", all_slices(put(PatientName="A\x1b[2J", SeriesDescription="a\x1b]0;b\x07")))
section.right(
    "text in an unknown character set",
    all_slices(put(SpecificCharacterSet="ISO_IR 999", SeriesDescription="Brustkorb")),
)
section.right(
    "private elements, nested and without a creator",
    all_slices(lambda d: (d.add_new(0x00191010, "LO", "x"), d.add_new(0x00191011, "SQ", [copy.deepcopy(d)]))),
)
section.right(
    "a frame of reference of its own in each slice",
    series(lambda s: [put(FrameOfReferenceUID=generate_uid())(d) for d in s] and None),
)
section.right("lengths of groups, as of old", all_slices(lambda d: d.add_new(0x00080000, "UL", 4)))
section.right(
    "the patient given without identifier in some slices",
    series(lambda s: [put(PatientID="")(d) for d in s[::3]] and None),
)
section.right(
    "a patient's identifier with spaces in some slices",
    series(lambda s: [put(PatientID=" Phantom ")(d) for d in s[::3]] and None),
)
section.refused("no position", "place or size is not given", all_slices(put(ImagePositionPatient=None)))
section.refused("a position of two numbers", "place or size is not given", all_slices(put(ImagePositionPatient=[1, 2])))
section.refused("no directions", "place or size is not given", all_slices(put(ImageOrientationPatient=None)))
section.refused(
    "directions of length 0", "place or size is not given", all_slices(put(ImageOrientationPatient=[0, 0, 0, 0, 1, 0]))
)
section.refused(
    "rows and columns that are parallel", "right angles", all_slices(put(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]))
)
section.refused(
    "rows and columns at 60 degrees", "right angles", all_slices(put(ImageOrientationPatient=[1, 0, 0, 0.5, 0.866, 0]))
)
section.refused(
    "no pixel spacing, but that of the detector",
    "place or size is not given",
    all_slices(lambda d: (put(PixelSpacing=None)(d), d.add_new("ImagerPixelSpacing", "DS", [12, 12]))),
)
section.refused("a pixel spacing of one number", "place or size is not given", all_slices(put(PixelSpacing="12")))
section.refused("a pixel spacing of 0", "place or size is not given", all_slices(put(PixelSpacing=["0", "0"])))
section.refused("a negative pixel spacing", "place or size is not given", all_slices(put(PixelSpacing=["-12", "12"])))
section.refused(
    "a pixel spacing that is no number", "no CT to segment", lambda b: b.scan(_spelt(b, "PixelSpacing", "12,5\\12,5"))
)
section.refused("a pixel spacing in metres", "spacing", all_slices(put(PixelSpacing=["0.0007", "0.0007"])))
section.refused("a pixel spacing of 1e-9", "spacing", all_slices(put(PixelSpacing=["1e-9", "1e-9"])))
section.refused("slices evenly 106 mm apart", "106", series(at([106.0 * n for n in range(13)])))
section.refused("no rows", "place or size is not given", all_slices(put(Rows=None)))
section.refused(
    "images of two by two pixels",
    "no CT is so small",
    lambda b: b.scan(
        save(slices_of(Volume(b.ct.array[:, :2, :2], Geometry.axial((13, 2, 2), (10, 50, 50)))), b.folder / "ct")
    ),
)
section.said(
    "one slice without a position",
    "unreadable-files missing-slices",
    unlike(lambda s: put(ImagePositionPatient=None)(s[5])),
)
section.said("the last slice without a size", "unreadable-files", unlike(lambda s: put(Rows=None)(s[-1])))
section.said(
    "directions that jitter by a fifth of a degree",
    "jittering-slices",
    lambda b: b.scan(save([_turned(d, 0.2 * (-1) ** i) for i, d in enumerate(slices_of(b.ct))], b.folder / "ct")),
)
section.said(
    "half of the slices turned by three degrees",
    "several-series",
    unlike(lambda s: [_turned(d, 3.0) for d in s[::2]] and None),
)
section.refused(
    "slices shifted sideways by 5 cm",
    "shifted sideways",
    series(
        lambda s: (
            [
                put(
                    ImagePositionPatient=[
                        *[str(float(x) + 50 * (i % 2)) for x in d.ImagePositionPatient[:2]],
                        d.ImagePositionPatient[2],
                    ]
                )(d)
                for i, d in enumerate(s)
            ]
            and None
        )
    ),
)


def _raw(b: Bench) -> Path:
    place = save(slices_of(b.ct), b.folder / "ct")
    for path in place.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[132 + 12 + int.from_bytes(content[140:144], "little") :])
    return place


def _spelt(b: Bench, keyword: str, text: str) -> Path:
    """Put a text where the standard has numbers; pydicom would not write it."""
    datasets = slices_of(b.ct)
    for dataset in datasets:
        vr = dataset[keyword].VR
        delattr(dataset, keyword)
        dataset.add_new(keyword, "LO", text)
    place = save(datasets, b.folder / "ct")
    for path in place.iterdir():
        content, tag = path.read_bytes(), datasets[0][keyword].tag
        head = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little")
        path.write_bytes(content.replace(head + b"LO", head + vr.encode()))
    return place


def _turned(dataset: Dataset, degrees: float) -> Dataset:
    turn = np.radians(degrees)
    dataset.ImageOrientationPatient = [
        f"{v:.6f}" for v in (np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0)
    ]
    return dataset


# Places and orientation


def oriented(b: Bench, axes: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Trial:
    """The same patient, stored in another order of axes."""
    steps = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    stored = Volume(np.ascontiguousarray(b.ct.array.transpose(axes)[steps]), b.ct.geometry.reordered(axes, flips))
    return b.scan(save(slices_of(stored), b.folder / "ct"), b.ct)


section.right("slices from head to feet", lambda b: oriented(b, (0, 1, 2), (True, False, False)))
section.right("rows from the left to the right", lambda b: oriented(b, (0, 1, 2), (False, False, True)))
section.right("columns from the back to the front", lambda b: oriented(b, (0, 1, 2), (False, True, False)))
section.right("rows and columns exchanged", lambda b: oriented(b, (0, 2, 1), (False, False, False)))
section.right("coronal slices", lambda b: oriented(b, (1, 0, 2), (False, True, False)))
section.right("sagittal slices", lambda b: oriented(b, (2, 0, 1), (True, True, False)))
section.right(
    "pixels that are no squares",
    lambda b: b.scan(
        save(slices_of(v := Volume(b.ct.array[:, ::2], Geometry.axial((13, 12, 28), (10, 24, 12)))), b.folder / "ct"), v
    ),
)
section.said(
    "a tilted gantry",
    "gantry-tilt",
    unlike(
        lambda s: (
            [
                put(
                    ImagePositionPatient=[
                        d.ImagePositionPatient[0],
                        str(float(d.ImagePositionPatient[1]) + 2.0 * i),
                        d.ImagePositionPatient[2],
                    ]
                )(d)
                for i, d in enumerate(s)
            ]
            and None
        )
    ),
)
section.said("one slice missing", "missing-slices", unlike(lambda s: s[:5] + s[6:]))
section.said("every third slice missing", "uneven-slices", unlike(lambda s: [d for i, d in enumerate(s) if i % 3 != 1]))
section.said(
    "slices further apart towards the feet",
    "uneven-slices",
    unlike(at([-60 + 10 * n + n * n * 0.6 for n in range(13)])),
)
section.said("slices at the places of others", "duplicate-slices", series(lambda s: [*s, *_copies(s[:4])]))
section.said("one slice alone", "single-slice", unlike(lambda s: s[6:7]))
section.said("slices all at one place", "several-series", unlike(at([0.0] * 13)))
section.refused("a gap of 60 mm", "gap of 60.0 mm", unlike(lambda s: s[:4] + s[9:]))
section.refused("a gap where slices cannot be opened", ("gap", "0005.dcm"), lambda b: b.scan(_holes(b)))


def _copies(slices: Slices) -> Slices:
    copies = copy.deepcopy(slices)
    for dataset in copies:
        dataset.SOPInstanceUID = generate_uid()
    return copies


def _moved_copy(place: Path) -> None:
    for path in sorted(shutil.copytree(place, place / "moved").iterdir()):
        dataset = dcmread(path)
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, z + 7]
        dataset.save_as(path)


def _changed_copy(place: Path) -> None:
    path = shutil.copytree(place, place / "changed") / "0005.dcm"
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"\x01\x00")


def _holes(b: Bench) -> Path:
    place = save(slices_of(b.ct), b.folder / "ct")
    for number in range(4, 9):
        (place / f"{number:04}.dcm").write_bytes((place / f"{number:04}.dcm").read_bytes()[:200])
    return place


def every(b: Bench, place: Path, *volumes: Volume) -> Trial:
    """Each of several scans is there whole; which was taken is said."""
    uids = [each.uid for each in list_series(place)]
    found = {read_scan(place, uid).volume.array.tobytes() for uid in uids}
    codes = b.scan(place).codes
    whole = found == {volume.array.tobytes() for volume in volumes}
    return b.holds(whole, f"{len(uids)} series, and not the {len(volumes)} scans that there are", codes)
