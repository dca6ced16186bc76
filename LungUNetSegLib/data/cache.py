"""Caches preprocessed slices on disk: each case is resampled to the network's grid once, then only read.

An entry is a folder named by a hash of the case's files and the parameters. It is built under another name and renamed
when complete, so that an interrupted run leaves no incomplete entry, and two runs at once at worst build the same entry
twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from LungUNetSegLib.cases.labelled import Case
from LungUNetSegLib.cases.reading import files_behind, read_pair
from LungUNetSegLib.config import to_json
from LungUNetSegLib.data.network_slices import network_slices
from LungUNetSegLib.errors import DataError, GeometryError, LungUNetSegError, ReadError, WriteError
from LungUNetSegLib.findings import Finding
from LungUNetSegLib.machine import cache_folder, cores, usable_threads
from LungUNetSegLib.preprocessing import PreprocessConfig
from LungUNetSegLib.progress import Progress, silent
from LungUNetSegLib.texts import listed
from LungUNetSegLib.volume.memory import voxels_in_files
from LungUNetSegLib.volume.resample import limited_threads

logger = logging.getLogger(__name__)

FORMAT = 4
"""Part of every hash; increase it when the contents of entries change."""

READ_BYTES = 1 << 20

LEFTOVER_S = 24 * 3600
"""An unfinished entry older than this does not belong to a running process."""


class StoredArray:
    """An array in a .npy file, memory-mapped only while it is read.

    An open memory map holds a file descriptor, and a process may have as few as 256, too few for a large data set.
    Access to single numbers is slow, as each access opens the file (0.2 ms).

    Args:
        path: Its file.

    Raises:
        OSError, ValueError, EOFError: The file is missing or incomplete.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shape: tuple[int, ...] = self._map().shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | slice | npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        return np.array(self._map()[key])

    def _map(self) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return array


@dataclass(frozen=True, eq=False)
class CachedCase:
    """A case on the network's grid.

    Attributes:
        case: The original case.
        digest: Hash of its files and of the preprocessing.
        hu: (D, h, w) int16.
        target: (D, 3, h, w) uint8; the fraction of each pixel that is right lung and left lung
            (255 = all of it), and 255 for decided pixels, 0 for undecided ones.
        slice_mm: Distance between slices.
        has_sides: Whether its mask distinguishes right and left; if not, both are in the first channel.
        findings: What was left out of its masks or filled in.
    """

    case: Case
    digest: str
    hu: npt.NDArray[np.int16] | StoredArray
    target: npt.NDArray[np.uint8] | StoredArray
    slice_mm: float
    has_sides: bool = True
    findings: tuple[Finding, ...] = ()


def default_cache_folder() -> Path:
    """Return the user's cache folder for preprocessed slices."""
    return cache_folder() / "slices"


def cache_cases(
    cases: Sequence[Case],
    config: PreprocessConfig,
    folder: Path,
    *,
    threads: int | None = None,
    progress: Progress = silent,
) -> list[CachedCase]:
    """Return every case preprocessed, from the cache if possible.

    Args:
        cases: What to preprocess.
        config: The network's grid.
        folder: The cache; created if missing.
        threads: Number of cases to process at once; by default the number of cores.
        progress: Called as ``("cache", done, total)``.

    Raises:
        LungUNetSegError: Cases cannot be used, see `read_pair`; found when all others are in the cache.
        WriteError: The cache cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The cache {folder} cannot be made: {error.strerror}; choose another folder for it."
        raise WriteError(message) from error
    _remove_leftovers(folder)
    results: dict[str, CachedCase] = {}
    refused: dict[str, LungUNetSegError] = {}
    # Cases run in parallel, so each is resampled on one thread.
    with limited_threads(1), ThreadPoolExecutor(usable_threads(threads) or cores()) as pool:
        jobs = {pool.submit(cache_case, case, config, folder): case.case_id for case in cases}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                try:
                    results[jobs[job]] = job.result()
                except (DataError, GeometryError, ReadError) as error:
                    refused[jobs[job]] = error
                progress("cache", done, len(cases))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if refused:
        raise _all_in_one(refused, len(cases))
    return [results[case.case_id] for case in cases]


def _all_in_one(refused: Mapping[str, LungUNetSegError], count: int) -> LungUNetSegError:
    """Return the only error, or log all of them and return one that names the cases."""
    names = sorted(refused)
    first = refused[names[0]]
    if len(names) == 1:
        return first
    for name in names:
        logger.warning("%s: %s", name, refused[name])
    return DataError(f"{len(names)} of {count} cases cannot be used ({listed(names)}). The first one: {first}")


def cache_case(case: Case, config: PreprocessConfig, folder: Path) -> CachedCase:
    """Return one case from the cache; a missing or broken entry is built."""
    digest = case_digest(case, config)
    entry = folder / digest
    cached = _open(case, digest, entry)
    if cached is None:
        _build(case, config, entry)
        cached = _open(case, digest, entry)
    if cached is None:
        raise DataError(f"The cache entry {entry} cannot be read right after it was written; check the disk.")
    return cached


def case_digest(case: Case, config: PreprocessConfig) -> str:
    """Return the hash of everything that determines a cache entry: the case's files and the parameters.

    Raises:
        ReadError: A header names a data file that lies elsewhere, or is no ordinary file.
    """
    parameters = to_json(config)
    parameters["meanings"] = dict(case.meanings)
    for name in ("context_mm", "coarse_mm"):
        del parameters[name]  # an entry holds all slices, independent of which are seen together later
    digest = hashlib.sha256(json.dumps([FORMAT, parameters], sort_keys=True).encode())
    for path in (case.image, case.mask, case.ignore):
        for file in [] if path is None else files_behind(path):
            digest.update(f"\0{file.name}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
            with file.open("rb") as content:
                while part := content.read(READ_BYTES):
                    digest.update(part)
    return digest.hexdigest()[:32]


def _open(case: Case, digest: str, entry: Path) -> CachedCase | None:
    """Open an entry; a broken one is removed and treated as missing."""
    if not entry.is_dir():
        return None
    try:
        hu, target = StoredArray(entry / "hu.npy"), StoredArray(entry / "target.npy")
        about = json.loads((entry / "case.json").read_text(encoding="utf-8"))
        findings = tuple(Finding(str(code), str(message)) for code, message in about["findings"])
        return CachedCase(case, digest, hu, target, float(about["slice_mm"]), bool(about["has_sides"]), findings)
    except (OSError, ValueError, KeyError, EOFError) as error:
        logger.warning("The cache entry %s is broken (%s) and is built again.", entry, error)
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _remove_leftovers(folder: Path) -> None:
    """Remove old unfinished entries of killed runs."""
    for unfinished in folder.glob("*.tmp"):
        if time.time() - unfinished.stat().st_mtime > LEFTOVER_S:
            shutil.rmtree(unfinished, ignore_errors=True)


def _build(case: Case, config: PreprocessConfig, entry: Path) -> None:
    with voxels_in_files(entry.parent):
        pair = read_pair(case)
        depth, parts = network_slices(pair, config)
    about = {
        "case": case.case_id,
        "slice_mm": pair.ct.canonical().geometry.spacing_mm[0],
        "has_sides": pair.has_sides,
        "findings": [[each.code, each.message] for each in pair.findings],
        "config": to_json(config),
    }
    unfinished = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", suffix=".tmp", dir=entry.parent))
    try:
        with (unfinished / "hu.npy").open("wb") as hu_file, (unfinished / "target.npy").open("wb") as target_file:
            _write_header(hu_file, (depth, *config.size), np.int16)
            _write_header(target_file, (depth, 3, *config.size), np.uint8)
            for hu, target in parts:
                hu_file.write(hu.tobytes())
                target_file.write(target.tobytes())
        (unfinished / "case.json").write_text(json.dumps(about), encoding="utf-8")
        if not entry.exists():
            unfinished.rename(entry)
    except OSError as error:
        if not entry.exists():  # another process may have finished the same entry between the check and the rename
            raise WriteError(
                f"The cache {entry.parent} cannot be written: {error.strerror}; free some space or choose "
                "another folder for it."
            ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    logger.debug("Cached %s: %d slices.", case.case_id, depth)


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    """Begin a .npy file, so that an array may follow in parts."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
