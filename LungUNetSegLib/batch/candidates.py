"""Finds what could be segmented in a set of files (CT series and image files), and names what the rest is."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from LungUNetSegLib.batch.acquired import Acquired, acquired
from LungUNetSegLib.batch.find import SourceFile
from LungUNetSegLib.batch.header_texts import NOT_OPENED, Details, ImageHeader, series_key, study_key
from LungUNetSegLib.batch.index import DAMAGED, HeaderIndex
from LungUNetSegLib.cases.names import IGNORE, MASK_WORDS, is_scan_name
from LungUNetSegLib.errors import ReadError
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.io.dicom.headers import SliceHeader
from LungUNetSegLib.io.dicom.kinds import NOT_DICOM, PACKED, UNREADABLE, named_as
from LungUNetSegLib.io.dicom.series import Series, group_series, merit, namesakes, of_same_uid
from LungUNetSegLib.io.dicom.stack import lay_out
from LungUNetSegLib.io.endings import stem_of
from LungUNetSegLib.io.images.header import data_files
from LungUNetSegLib.volume import Geometry

_HEADERS = ("mhd", "nhdr")
"""Endings of files whose voxels are in others."""

SAMPLED_OF_HALF = 5
"""Slices of each half of a scan by which it is known in another format."""

MASKS = "masks or results, by their names"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A scan that was found and could be segmented.

    Attributes:
        key: What tells it from every other scan, now and in later plans.
        place: Folder, file or archive, for people.
        files: All that is read for it.
        copies: Files with copies of its images, which are compared with them and not used; also image files with all
            of it, which the plan compared.
        series: What `read_scan` needs to choose it among its files; None where there is nothing to choose.
        study: Scans of one study have the same text here; "" of an image file.
        title: Description.
        shape: (slice, row, column).
        spacing_mm: (slice, row, column).
        geometry: Its grid; None where it is not known, or slices of a series would be interpolated to it.
        sampled: Of a series, the slices that `sampled_numbers` names.
        details: What its headers say of scanner, site, patient, kernel and thickness, by DICOM's keywords.
        fault: Why it cannot be a chest CT, or cannot be read; "" if nothing speaks against it.
        names_chest: Whether its description does.
        merit: Greater is better among the scans of a study.
        namesake: The place of another scan whose images have the same identifiers and another geometry; "" without.
        acquired: By which reconstructions of one scan are known.
    """

    key: str
    place: str
    files: tuple[SourceFile, ...]
    copies: tuple[SourceFile, ...] = ()
    series: str | None = None
    study: str = ""
    title: str = ""
    shape: tuple[int, int, int] = (0, 0, 0)
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    geometry: Geometry | None = field(default=None, compare=False)
    sampled: tuple[SliceHeader, ...] = field(default=(), compare=False)
    details: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    names_chest: bool = False
    merit: tuple[float, ...] = ()
    namesake: str = ""
    acquired: Acquired = field(default_factory=Acquired)

    @property
    def thickness_mm(self) -> float:
        """Slice thickness; the distance of slices where the header gives none."""
        try:
            return float(self.details["SliceThickness"])
        except (KeyError, ValueError):
            return self.spacing_mm[0]

    @property
    def fingerprint(self) -> str:
        """A hash that changes when one of its files is renamed, resized, dated anew, added or removed."""
        lines = "\n".join(f"{each.name} {each.size} {each.mtime_ns}" for each in self.files)
        return hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()


def candidates_in(files: Sequence[SourceFile], index: HeaderIndex) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """Return the scans among files, and for everything else its place and its kind.

    Args:
        files: From `find_files`.
        index: Updated with them.
    """
    by_name = {each.name: each for each in files}
    found: list[Candidate] = []
    kinds: dict[tuple[str, str], int] = {}
    lost: dict[str, list[SourceFile]] = {}
    strange: dict[str, list[SourceFile]] = {}
    others_of = list(index.others(files))
    beside = {file.name: _beside(file, by_name) for file, what in others_of if isinstance(what, ImageHeader)}
    voxels = {each.name for files_beside in beside.values() for each in files_beside}
    for file, what in others_of:
        if file.name in voxels:
            continue
        path = Path(file.name)
        if isinstance(what, ImageHeader):
            if may_be_scan(path):
                found.append(_from_image(file, what, beside[file.name]))
                continue
            what = MASKS
        if what == NOT_DICOM:
            strange.setdefault(str(path.parent), []).append(file)
        if what in PACKED:  # within another archive, or of a kind that `find_files` does not open
            what = f"{what}, which are not searched: unpack them"
        if what in UNREADABLE or what == DAMAGED:
            # Without its size: when it can be opened, its scan is another one than before.
            lost.setdefault(str(path.parent), []).append(replace(file, size=-1) if what == NOT_OPENED else file)
        kinds[str(path.parent), what] = kinds.get((str(path.parent), what), 0) + 1
    others = [(folder.removesuffix("!"), f"{kind} ({number})") for (folder, kind), number in kinds.items()]
    for study in index.studies(files):
        series, faults = _series_of(study.slices)
        others += faults + _copies_in(series)
        found += [_from_series(each, series, by_name, study.details, lost, strange) for each in series]
    return found, others


def _series_of(slices: list[SliceHeader]) -> tuple[list[Series], list[tuple[str, str]]]:
    """Group the slices of a study; a series that cannot be grouped is named and costs the others nothing."""
    try:
        return group_series(slices), []
    except ReadError:
        pass
    found: list[Series] = []
    faults: list[tuple[str, str]] = []
    for own in grouped(slices, lambda each: each.series_uid):
        try:
            found += group_series(own)
            continue
        except ReadError as error:
            reason = str(error)
        for part in grouped(own, lambda each: str(each.path.parent)):  # two series with one UID lie apart, if at all
            try:
                found += group_series(part)
            except ReadError:
                faults.append((str(part[0].path.parent), reason))
    return found, faults


def _copies_in(series: Iterable[Series]) -> list[tuple[str, str]]:
    """Return the folders that hold copies of images of these series, and of what they are copies."""
    folders = ((str(each.copy.path.parent), str(each.original.path.parent)) for one in series for each in one.copies)
    numbers = Counter((copy.removesuffix("!"), original.removesuffix("!")) for copy, original in folders)
    return [
        (copy, f"{'copies of others in the folder' if copy == original else f'a copy of {original}'} ({number})")
        for (copy, original), number in numbers.items()
    ]


def _from_series(
    series: Series,
    others: Sequence[Series],
    by_name: dict[str, SourceFile],
    details: Details,
    lost: dict[str, list[SourceFile]],
    strange: dict[str, list[SourceFile]],
) -> Candidate:
    own = series.stack.slices
    first = own[0]
    alike = of_same_uid(series, others)
    paths = {header.path for each in alike for header in each.slices}
    copies = {pair.copy.path for each in alike for pair in each.copies} - paths
    folders = {str(path.parent) for path in paths}
    # Files that may be lost slices go along: the reader then says so.
    files = {by_name[str(path)] for path in paths} | {each for folder in folders for each in lost.get(folder, ())}
    beside = {Path(each.name): each for folder in folders for each in strange.get(folder, ())}
    files |= {beside[path] for path in named_as(paths, beside)}
    folder = _common_folder({str(header.path.parent) for header in series.slices})
    key = f"{study_key(first)}\n{series.uid}"
    if len({each.uid for each in alike}) < len(alike):
        key += f"\n{folder}"
    own_details = dict(details.get(series_key(first), {}))
    if first.thickness_mm:
        own_details["SliceThickness"] = f"{first.thickness_mm:g}"
    geometry, why_not = _grid(series)
    return Candidate(
        key=key,
        place=folder,
        files=_in_order(files),
        copies=_in_order(by_name[str(path)] for path in copies),
        series=series.uid if len(alike) > 1 else None,
        study=study_key(first),
        title=series.title,
        shape=(len(own), first.rows, first.columns),
        spacing_mm=(series.spacing_mm, *first.pixel_spacing_mm),
        geometry=geometry,
        sampled=tuple(own[number] for number in sampled_numbers(len(own))),
        details=own_details | {"SeriesInstanceUID": series.uid},
        fault=_fault(series) or why_not,
        names_chest=series.region > 0,
        merit=merit(series),
        namesake=_common_folder(
            {str(header.path.parent) for each in namesakes(series, others) for header in each.slices}
        ),
        acquired=acquired(series),
    )


def _in_order(files: Iterable[SourceFile]) -> tuple[SourceFile, ...]:
    """Return files in the order of their names, in which they were grouped: of equal scans the first has no number."""
    return tuple(sorted(files, key=lambda each: each.name))


def sampled_numbers(count: int) -> list[int]:
    """Return the slices by which a scan is known in another format: the first, the last and a few between.

    They are the same from either end, and at most ten.
    """
    half = np.linspace(0, (count - 1) // 2, SAMPLED_OF_HALF).astype(int).tolist()
    return sorted({*half, *(count - 1 - each for each in half)})


def _grid(series: Series) -> tuple[Geometry | None, str]:
    """Return a series' grid, None where slices would be interpolated to it, and why it cannot have one, or ""."""
    try:
        layout = lay_out(series.stack, series.title)
    except ReadError as error:
        return None, str(error).removeprefix(f"{series.title}: ")
    return (layout.geometry if layout.is_exact else None), ""


def _fault(series: Series) -> str:
    if not series.is_axial:
        return "its slices are not axial (a coronal or sagittal reformation)"
    if series.is_projected:
        return "its images are projections (MIP) of many slices"
    if series.region < 0:
        first = series.stack.slices[0]
        return f"its headers name another part of the body: {' '.join(filter(None, (first.title, first.body_part)))}"
    return ""


def _common_folder(folders: Iterable[str]) -> str:
    """Return the deepest folder or archive that holds all of these folders; "" if there is none."""
    ordered = sorted(folders)
    if not ordered:
        return ""
    first, last = Path(ordered[0]), Path(ordered[-1])
    while not last.is_relative_to(first):
        first = first.parent
    return str(first).removesuffix("!")


def _from_image(file: SourceFile, header: ImageHeader, beside: Sequence[SourceFile]) -> Candidate:
    result = Candidate(key=file.name, place=file.name, files=(file, *beside), title=Path(file.name).name)
    if header.geometry is None:
        return replace(result, fault=header.error.rstrip("."))
    return replace(result, shape=header.geometry.shape, spacing_mm=header.geometry.spacing_mm, geometry=header.geometry)


def may_be_scan(path: Path) -> bool:
    """Whether a file's name does not say that it is a mask; as a whole name a word such as ``lungs`` says it."""
    return is_scan_name(path) and stem_of(path).lower() not in (*MASK_WORDS, IGNORE)


def _beside(file: SourceFile, by_name: dict[str, SourceFile]) -> tuple[SourceFile, ...]:
    """Return the files that hold the voxels of an image file; in an archive those of its name only."""
    if file.member:
        stem, dot, ending = file.name.rpartition(".")
        beside = [f"{stem}{dot}{each}" for each in ("raw", "zraw", "raw.gz")] if ending.lower() in _HEADERS else []
        return tuple(by_name[each] for each in beside if each in by_name)
    try:
        targets = data_files(file.path)
    except ReadError:  # its header has an error then, too
        return ()
    folder = file.path.resolve().parent
    inside = [(file.path.parent / each.relative_to(folder), each) for each in targets if each.is_relative_to(folder)]
    names = {target: path for path, target in inside if path.is_file()}  # as they are found, not where links lead
    found = [(names.get(each, each), each.stat()) for each in targets]
    return tuple(SourceFile(path, state.st_size, state.st_mtime_ns) for path, state in found)
