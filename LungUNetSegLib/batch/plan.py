"""Plans which scans of a source are segmented, and says why the others are not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from LungUNetSegLib.batch.candidates import Candidate, candidates_in
from LungUNetSegLib.batch.conversions import conversions
from LungUNetSegLib.batch.find import Found, SourceFile, find_files, written_out
from LungUNetSegLib.batch.image_copies import image_copies
from LungUNetSegLib.batch.index import HeaderIndex
from LungUNetSegLib.batch.lists import LIST_ENDINGS, Row, read_list
from LungUNetSegLib.batch.rules import Rule, left_out
from LungUNetSegLib.errors import DataError, ReadError
from LungUNetSegLib.grouping import grouped
from LungUNetSegLib.progress import Progress, silent

Which = Literal["best", "all"]
WHICH: tuple[Which, ...] = get_args(Which)

LEAST_SLICES = 8
"""A scan of fewer slices is a localizer, a piece or a test, unless the user says otherwise."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The user's choices among the scans that were found.

    Attributes:
        series: The best series of each study, or all that may be a chest CT.
        include: Rules that must all hold.
        exclude: Rules of which none may hold.
        least_slices: A scan with fewer is left out.
    """

    series: Which = "best"
    include: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    least_slices: int = LEAST_SLICES


@dataclass(frozen=True)
class Taken:
    """A scan to segment, what the user's list calls it ("" without one), and why it was taken."""

    scan: Candidate
    why: str
    name: str = ""


@dataclass(frozen=True)
class Skipped:
    """Something that is left out: its place, its name and the reason."""

    place: str
    title: str
    why: str


@dataclass(frozen=True)
class Plan:
    """The scans of a source that are segmented, and what is skipped."""

    source: Path
    taken: tuple[Taken, ...]
    skipped: tuple[Skipped, ...]


def make_plan(source: Path, options: PlanOptions, index: HeaderIndex, progress: Progress = silent) -> Plan:
    """Find the scans of a folder, disc, archive, file or list, and choose among them; all places are absolute.

    Raises:
        ReadError: There is nothing at this place, or nothing in it.
        DataError: A list that cannot be read.
    """
    source = written_out(source)
    if source.is_file() and source.suffix.lower() in LIST_ENDINGS:
        plan = _plan_list(source, options, index, progress)
    else:
        found = find_files(source)
        if not found.files and not found.skipped:
            raise ReadError(f"{source}: the folder is empty.")
        index.update(found.files, progress)
        scans, others = candidates_in(found.files, index)
        taken, skipped = _choose(scans, options, index)
        named = [Skipped(place, "", why) for place, why in (*found.skipped, *others)]
        plan = Plan(source, tuple(taken), (*skipped, *named))
    return replace(plan, taken=tuple(sorted(plan.taken, key=lambda each: _order(each.scan))))


def _order(scan: Candidate) -> tuple[str, str]:
    return scan.place, scan.key


def _plan_list(source: Path, options: PlanOptions, index: HeaderIndex, progress: Progress) -> Plan:
    """Read all rows' files together, and choose in each row by itself."""
    rows = read_list(source)
    found = [_find_row(row) for row in rows]
    files = {file.name: file for each in found for file in each.files}
    index.update(list(files.values()), progress)
    scans, others = candidates_in(list(files.values()), index)
    by_file: dict[str, list[Candidate]] = {}
    for scan in scans:
        for file in (*scan.files, *scan.copies):
            by_file.setdefault(file.name, []).append(scan)
    taken: list[Taken] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for row, each in zip(rows, found, strict=True):
        own = {scan.key: scan for file in each.files for scan in by_file.get(file.name, ())}
        chosen, left = _choose_row(row, list(own.values()), options, index)
        for one in chosen:
            if one.scan.key in seen:
                left.append(Skipped(str(row.path), one.scan.title, "another row of the list names the same scan"))
            elif one.name and one.name in seen:
                left.append(Skipped(str(row.path), one.scan.title, f"another row of the list has the id {one.name}"))
            else:
                taken.append(_known_by_id(one))
                seen |= {one.scan.key, one.name}
        if not own and each.files:
            left.append(Skipped(str(row.path), row.name, "no CT to segment"))
        skipped += left
        skipped += [Skipped(place, row.name, why) for place, why in each.skipped]
    return Plan(source, tuple(taken), (*skipped, *(Skipped(place, "", why) for place, why in others)))


def _known_by_id(taken: Taken) -> Taken:
    """Recognise scans with an id in a later list, wherever their files are by then."""
    return replace(taken, scan=replace(taken.scan, key=f"id|{taken.name}")) if taken.name else taken


def _find_row(row: Row) -> Found:
    path = written_out(row.path)
    try:
        return find_files(path)
    except (ReadError, OSError) as error:
        return Found(skipped=[(str(row.path), str(error).removeprefix(f"{path}: ").rstrip("."))])


def _choose_row(
    row: Row, scans: Sequence[Candidate], options: PlanOptions, index: HeaderIndex
) -> tuple[list[Taken], list[Skipped]]:
    more = {"InstitutionName": row.more["site"]} if "site" in row.more else {}
    scans = [replace(each, details=each.details | more) for each in scans]
    if row.series is not None:
        wanted = [each for each in scans if each.details.get("SeriesInstanceUID") == row.series]
        if not wanted:
            return [], [Skipped(str(row.path), row.name, f"there is no CT series {row.series}")]
        scans = [replace(each, study=row.series) for each in wanted]
    taken, skipped = _choose(scans, options, index)
    names = [row.name] if len(taken) == 1 else [row.name and f"{row.name}-{number}" for number in range(len(taken))]
    return [replace(each, name=name) for each, name in zip(taken, names, strict=True)], skipped


def _choose(scans: Sequence[Candidate], options: PlanOptions, index: HeaderIndex) -> tuple[list[Taken], list[Skipped]]:
    """Choose among the scans of each study; of image files that are no copies each is a study of its own."""
    wanted: list[Candidate] = []
    originals, copies = _without_copies(scans, options, index)
    skipped: list[Skipped] = []
    for each in originals:
        if why := _unfit(each, options):
            skipped.append(Skipped(each.place, each.title, why))
        else:
            wanted.append(each)
    taken: list[Taken] = []
    for study in grouped(wanted, lambda each: each.study or each.key):
        best = max(study, key=lambda each: each.merit)
        for each in study:
            if options.series == "all" or each is best:
                taken.append(Taken(each, _why(each, study, options)))
            else:
                skipped.append(Skipped(each.place, each.title, _worse(each, best)))
    return taken, skipped + copies


def _without_copies(
    scans: Sequence[Candidate], options: PlanOptions, index: HeaderIndex
) -> tuple[Sequence[Candidate], list[Skipped]]:
    """Leave out image files that are copies of others, or of DICOM series; series' own copies have been left out.

    What speaks against a series speaks against the files that were made of it, unless it is one of the user's rules.
    """
    images = sorted((each for each in scans if not each.study and not _unfit(each, options)), key=_order)
    scans, copies = _less(scans, image_copies(images, index), "a copy of")
    series = [each for each in scans if each.study and not left_out(each, options.include, options.exclude)]
    images = [each for each in images if each.key not in copies]
    scans, converted = _less(
        scans, conversions([*sorted(series, key=_order), *images], index), "a copy in another format of"
    )
    return scans, [*copies.values(), *converted.values()]


def _less(
    scans: Sequence[Candidate], found: Iterable[tuple[Candidate, list[Candidate]]], what: str
) -> tuple[list[Candidate], dict[str, Skipped]]:
    """Return scans without the copies that were found, which their originals name, and by key what these are."""
    files: dict[str, tuple[SourceFile, ...]] = {}
    skipped: dict[str, Skipped] = {}
    for original, copies in found:
        title = f" ({original.title})" if original.study else ""
        for each in copies:
            files[original.key] = (*files.get(original.key, ()), each.files[0], *each.copies)
            skipped[each.key] = Skipped(each.place, each.title, f"{what} {original.place}{title}")
    left = [each for each in scans if each.key not in skipped]
    return [replace(each, copies=each.copies + files.get(each.key, ())) for each in left], skipped


def _unfit(scan: Candidate, options: PlanOptions) -> str:
    """Return why a scan is not wanted, whatever lies beside it; "" if it may be."""
    slices = scan.shape[0]
    if 0 < slices < options.least_slices:
        return f"only {slices} slice{'s' * (slices > 1)}"
    return scan.fault or left_out(scan, options.include, options.exclude)


def _why(scan: Candidate, study: Sequence[Candidate], options: PlanOptions) -> str:
    if not scan.study:
        return "an image file"
    if options.series == "all":
        return "every series that may be a chest CT is taken"
    words = ["axial"] + (["its description names the chest"] if scan.names_chest else [])
    if len(study) == 1:
        return f"the only chest CT of its study: {', '.join(words)}"
    words.append(f"{scan.shape[0]} slices")
    if kernel := scan.details.get("ConvolutionKernel"):
        words.append(f"kernel {kernel}")
    return f"the best of {len(study)} in its study: {', '.join(words)}"


def _worse(scan: Candidate, best: Candidate) -> str:
    if scan.namesake:
        return f"has the SOP Instance UIDs of {scan.namesake}, but another position, size or spacing"
    better = f"{best.title} ({best.shape[0]} slices of {best.spacing_mm[0]:.3g} mm)"
    if scan.acquired.shares_region(best.acquired):
        differs = scan.acquired.differs_by(best.acquired)
        if differs:
            return f"another scan of the region of {better}, by its {differs}"
        kernel = scan.details.get("ConvolutionKernel", "")
        return f"another reconstruction{f' (kernel {kernel})' if kernel else ''} of {better}"
    return f"its study has a better series: {better}"


def check_places(source: Path, output: Path) -> None:
    """Raise DataError if results would come to lie among the scans, where they would be taken for some."""
    inside = _real(output)
    is_list = source.is_file() and source.suffix.lower() in LIST_ENDINGS
    for each in [row.path for row in read_list(source)] if is_list else [source]:
        if each.is_dir() and inside.is_relative_to(_real(each)):
            raise DataError(
                f"{output}: lies inside of {each}, so that its results would be taken for scans. Give a folder"
                " elsewhere."
            )
        if each.is_dir() and _real(each).is_relative_to(inside):
            raise DataError(f"{each}: lies inside of {output}, where results are written. Give a folder elsewhere.")


def _real(path: Path) -> Path:
    """Return a path without links; unlike `Path.resolve`, a loop of links is no error here."""
    return Path(os.path.realpath(path))
