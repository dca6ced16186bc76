"""How fast lungs are segmented, beside lungmask 0.2.22 in the same run; what memory it takes; how far from the bound.

    python benchmarks/inference.py [--rounds 3] [--model NAME|FOLDER] [--lungmask-rounds 3] [--data ../shared/data]
                                   [--beside CHECKOUT] [--picture docs/images/profile.png]

Prints the tables of docs/performance.md: medians over rounds in which the contenders take turns, each in a fresh
process. With --beside, another checkout of this program takes its turns too, with the model that it ships. lungmask is
installed from PyPI into a temporary folder. Takes about 10 minutes a round on two cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import inference_runs as runs
import numpy as np
import SimpleITK as sitk
from inference_bound import bound, computed_slices, least_seconds
from inference_picture import profile_figure

from LungUNetSegLib.io import read_scan
from LungUNetSegLib.io.dicom.write import write_dicom_series
from LungUNetSegLib.models.model import DEFAULT_MODEL
from LungUNetSegLib.phantom import make_phantom, phantom_geometry
from LungUNetSegLib.volume.resample import to_sitk

ROOT = Path(__file__).resolve().parents[1]

SLICES = 300
DEPTHS = (50, 300, 1000)
ENGINES = ("auto", "onnxruntime", "openvino", "torch")
SCANS = ("LIDC-IDRI-0001", "LIDC-IDRI-0003", "TCGA-DE-A4MA")
LUNGMASK = ("lungmask==0.2.22", "scikit-image>=0.26", "fill_voids", "fastremap", "more-itertools", "tqdm")
SCIKIT_IMAGE_NEEDS = ("imageio", "tifffile", "lazy-loader", "networkx")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lungmask-rounds", type=int, default=3, help="0 leaves lungmask out")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--data", type=Path, help="folder with volumes/<case>/ct, for the differences between engines")
    parser.add_argument("--beside", type=Path, help="a checkout of an earlier commit, to compare with in the same run")
    parser.add_argument("--picture", type=Path, help="file for a picture of where the time goes")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fresh(_make_phantoms, folder)
        speed(folder, arguments)
        memory(folder, arguments)
        if arguments.data:
            differences(folder, arguments)


def speed(folder: Path, arguments: argparse.Namespace) -> None:
    """Compare engines and lungmask on a volume in memory, and with what the machine could do."""
    volume = folder / f"{SLICES}.npz"
    results: dict[str, list[runs.Run]] = {}
    if arguments.lungmask_rounds:
        _install_lungmask(folder / "lungmask")
    for turn in range(max(arguments.rounds, arguments.lungmask_rounds)):
        if turn < arguments.lungmask_rounds:
            results.setdefault("lungmask", []).append(fresh(runs.lungmask, volume, folder / "lungmask"))
        for engine in ENGINES if turn < arguments.rounds else ():
            if arguments.beside:
                earlier = runs.by_checkout(arguments.beside, volume, DEFAULT_MODEL, engine)
                results.setdefault(f"{arguments.beside.name}, {engine}", []).append(earlier)
            results.setdefault(engine, []).append(runs.by_checkout(ROOT, volume, arguments.model, engine))
    limit = fresh(bound, arguments.model)
    _print_speed(results, limit)
    stages = {
        name: {stage: statistics.median(run["stages"][stage] for run in found) for stage in found[0]["stages"]}
        for name, found in results.items()
        if name != "lungmask"
    }
    titles = {name: _title(name, found) for name, found in results.items()}
    _print_stages(stages, titles)
    _print_bound(stages, titles, limit, fresh(_count_computed, volume, arguments.model))
    if arguments.picture:
        profile_figure(arguments.picture, [(titles[name], seconds) for name, seconds in stages.items()])


def _print_speed(results: dict[str, list[runs.Run]], limit: runs.Run) -> None:
    speeds = ", ".join(f"{speed:.0f} in {precision}" for precision, speed in limit["gflops"].items())
    print(f"{SLICES} x 512 x 512, in memory to final labels.")
    print(f"The network: {limit['weights'] / 1e6:.2f} million weights, {limit['gflop_per_slice']:.2f} GFLOP a slice.")
    print(f"Matrix products, GFLOP/s: {speeds}. Copies in memory: {limit['gb_per_s']:.1f} GB/s.\n")
    print("| | wall s | CPU s | peak MB | CPU, lungmask's over ours |\n|---|---|---|---|---|")
    reference = median(results["lungmask"], "cpu_s") if "lungmask" in results else None
    for name, found in results.items():
        cells = [f"{median(found, key):.{digits}f}" for key, digits in (("wall_s", 1), ("cpu_s", 1), ("peak_mb", 0))]
        ratio = f"{reference / median(found, 'cpu_s'):.0f}" if reference else ""
        print(f"| {_title(name, found)} | {' | '.join(cells)} | {ratio} |")


def _title(name: str, found: list[runs.Run]) -> str:
    if name == "lungmask":
        return "lungmask 0.2.22, R231"
    engine: str = found[0]["engine"]
    return engine if name in ENGINES else f"{name.split(', ')[0]}: {engine}"


def _print_stages(stages: dict[str, dict[str, float]], titles: dict[str, str]) -> None:
    print("\nWhere the time goes, s of wall time:\n")
    names = list(next(iter(stages.values())))
    print(f"| | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for contender, seconds in stages.items():
        print(f"| {titles[contender]} | {' | '.join(f'{seconds[name]:.2f}' for name in names)} |")


def _print_bound(
    stages: dict[str, dict[str, float]], titles: dict[str, str], limit: runs.Run, computed: runs.Run
) -> None:
    print(f"\nThe network computes {computed['slices']} of {SLICES} slices.")
    print("The least that each step can take, s of wall time, and its share of what it takes:\n")
    print("| | segment | clean | restore | measure |\n|---|---|---|---|---|")
    for name in ENGINES:
        title, seconds = titles[name], stages[name]
        precision = next((each for each in ("int8", "bfloat16") if each in title), "float32")
        least = least_seconds(limit, SLICES, computed["slices"], computed["bytes"], precision)
        cells = [f"{each:.3f}, {each / seconds[stage]:.0%}" for stage, each in least.items()]
        print(f"| {title} | {' | '.join(cells)} |")


def _count_computed(volume: Path, model: Path) -> runs.Run:
    scan = runs.load_volume(volume)
    return {"slices": computed_slices(scan, model), "bytes": scan.array.nbytes}


def memory(folder: Path, arguments: argparse.Namespace) -> None:
    """Print time per slice and memory by depth, in memory and of the whole command with its reading and writing."""
    print("\n| the default engine | ms of CPU a slice | peak MB | first slices after s |\n|---|---|---|---|")
    for depth in DEPTHS:
        volume = folder / f"{depth}.npz"
        found: dict[str, list[runs.Run]] = {}
        for _ in range(arguments.rounds):
            if arguments.beside:
                run = runs.by_checkout(arguments.beside, volume, DEFAULT_MODEL, "auto")
                found.setdefault(f"{arguments.beside.name}: ", []).append(run)
            found.setdefault("", []).append(runs.by_checkout(ROOT, volume, arguments.model, "auto"))
        for whose, measured in found.items():
            _print_memory(f"{whose}{depth} slices in memory", depth, measured)
    options = ["-o", str(folder / "labels.nii.gz"), "--model"]
    scans = [(f"{depth} slices, DICOM to NIfTI", depth, folder / f"dicom-{depth}") for depth in DEPTHS]
    for title, depth, scan in (
        *scans,
        (f"{SLICES} slices, NRRD to NIfTI, as the panel does", SLICES, folder / "panel.nrrd"),
    ):
        found = {}
        for _ in range(arguments.rounds):
            if arguments.beside:
                run = runs.command(["segment", str(scan), *options, DEFAULT_MODEL], arguments.beside)
                found.setdefault(f"{arguments.beside.name}: ", []).append(run)
            found.setdefault("", []).append(runs.command(["segment", str(scan), *options, arguments.model]))
        for whose, measured in found.items():
            _print_memory(f"{whose}{title}", depth, measured)


def differences(folder: Path, arguments: argparse.Namespace) -> None:
    """Print how many voxels of lung an engine labels otherwise than float32 torch."""
    print("\n| lung voxels that differ from torch | " + " | ".join(SCANS) + " |\n|" + "---|" * (len(SCANS) + 1))
    shares: dict[str, list[str]] = {}
    for case in SCANS:
        runs.save_volume(read_scan(arguments.data / "volumes" / case / "ct").volume, folder / "scan.npz")
        labels = {}
        for engine in ("torch", *(each for each in ENGINES if each != "torch")):
            run = fresh(runs.ours, folder / "scan.npz", arguments.model, engine, folder / "labels.npy")
            labels[engine] = np.load(folder / "labels.npy")
            if engine != "torch":
                share = np.count_nonzero(labels[engine] != labels["torch"]) / np.count_nonzero(labels["torch"])
                shares.setdefault(run["engine"], []).append(f"{share:.4%}")
    for engine, cells in shares.items():
        print(f"| {engine} | {' | '.join(cells)} |")


def fresh(function: Callable[..., runs.Run], *arguments: object) -> runs.Run:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def median(found: list[runs.Run], key: str) -> float:
    """Return the median of one number over the rounds."""
    return statistics.median(run[key] for run in found)


def _print_memory(title: str, depth: int, found: list[runs.Run]) -> None:
    first = f"{median(found, 'first_slice_s'):.1f}" if "first_slice_s" in found[0] else ""
    print(f"| {title} | {median(found, 'cpu_s') / depth * 1000:.1f} | {median(found, 'peak_mb'):.0f} | {first} |")


def _make_phantoms(folder: Path) -> runs.Run:
    for depth in DEPTHS:
        scan = make_phantom(phantom_geometry((depth, 512, 512)), rng=1).ct
        runs.save_volume(scan, folder / f"{depth}.npz")
        write_dicom_series(scan, folder / f"dicom-{depth}")
        if depth == SLICES:
            sitk.WriteImage(to_sitk(scan), str(folder / "panel.nrrd"))
    return {}


def _install_lungmask(folder: Path) -> None:
    """Install it, and what it needs beside this environment, where nothing else sees it."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, *LUNGMASK, *SCIKIT_IMAGE_NEEDS], check=True)


if __name__ == "__main__":
    main()
