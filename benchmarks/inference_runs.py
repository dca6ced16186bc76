"""What benchmarks/inference.py measures, each function called in a fresh process."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from peak_memory import own_peak_mb, watched

from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.segmentation.segmenter import segment
from LungUNetSegLib.volume import Geometry, Volume

Run = dict[str, Any]


def save_volume(volume: Volume, path: Path) -> None:
    """Keep a volume for the other processes."""
    np.savez(path, array=volume.array, affine=volume.geometry.affine_lps)


def load_volume(path: Path) -> Volume:
    """Return a volume that `save_volume` kept."""
    with np.load(path) as file:
        array = file["array"]
        return Volume(array, Geometry(array.shape, file["affine"]))


def ours(volume_path: Path, model: Path, engine: str, labels_path: Path | None = None) -> Run:
    """Segment a volume in memory, from opening the engine to the final labels."""
    volume = load_volume(volume_path)
    with _measured() as run:
        result = segment(volume, load_model(model), engine=engine, device="cpu")
    if labels_path is not None:
        np.save(labels_path, result.labels.array)
    return run | {"engine": result.engine, "stages": result.seconds}


def by_checkout(checkout: Path, volume_path: Path, model: str, engine: str) -> Run:
    """Do the same with the program of a checkout, this or another, whose own benchmark measures it.

    Its process loads nothing else: a new process of a pool loads what the benchmark imports, 130 MB with SimpleITK.
    """
    script = (
        "import json, sys; from pathlib import Path; import inference_runs;"
        "print(json.dumps(inference_runs.ours(Path(sys.argv[1]), *sys.argv[2:])))"
    )
    folders = os.pathsep.join(map(str, (checkout, checkout / "benchmarks")))
    child = subprocess.run(
        [sys.executable, "-c", script, volume_path, model, engine],
        check=True, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": folders}, cwd=checkout,
    )  # fmt: skip
    result: Run = json.loads(child.stdout.splitlines()[-1])
    return result


def lungmask(volume_path: Path, installed: Path) -> Run:
    """Segment the same with lungmask's R231 network at random weights; making the network is not counted.

    Random weights would give random masks, on which lungmask's postprocessing takes minutes. So the network computes,
    and its answer is replaced by one as a trained network gives it: two lungs, by thresholds.
    """
    sys.path.append(str(installed))
    import torch
    from lungmask.mask import LMInferer
    from lungmask.resunet import UNet

    torch.manual_seed(0)
    network = UNet(n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True, residual=False)
    weights = volume_path.with_suffix(f".{os.getpid()}.pth")
    torch.save(network.state_dict(), weights)
    inferer = LMInferer(modelpath=str(weights), force_cpu=True, tqdm_disable=True)
    weights.unlink()
    compute = inferer.model

    def computed_then_known(slices: torch.Tensor) -> torch.Tensor:
        compute(slices)
        air = ((slices > 0.045) & (slices < 0.25)).float()  # -950 to -620 HU on its scale
        lung = torch.nn.functional.max_pool2d(-torch.nn.functional.max_pool2d(-air, 5, 1, 2), 5, 1, 2)
        on_right = torch.arange(slices.shape[-1]) < slices.shape[-1] // 2
        return torch.cat((1 - lung, lung * on_right, lung * ~on_right), dim=1)

    inferer.model = computed_then_known
    array = load_volume(volume_path).array
    with _measured() as run:
        labels = inferer.apply(array)
    assert len(np.unique(labels)) == 3, "lungmask's postprocessing had nothing to do"
    return run


def command(arguments: list[str], checkout: Path | None = None) -> Run:
    """Run the command line, of this checkout or another, in its own process; also say when the first slices were done.

    A result that is there is removed before, as recognising it takes time.
    """
    Path(arguments[arguments.index("-o") + 1]).unlink(missing_ok=True)
    environment = os.environ | ({"PYTHONPATH": str(checkout)} if checkout else {})
    # Python looks for a module in the folder in which it is started first.
    started = time.perf_counter()
    first_slice_s = None
    with subprocess.Popen(
        [sys.executable, "-m", "LungUNetSegLib", *arguments, "--progress", "json"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=checkout,
    ) as child:
        assert child.stdout is not None
        with watched(child.pid) as peak:
            for line in child.stdout:
                step = json.loads(line)
                if step["stage"] == "segment" and step["done"] and first_slice_s is None:
                    first_slice_s = time.perf_counter() - started
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"lungunetseg {' '.join(arguments)} ended with {child.returncode}")
    return {
        "wall_s": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": peak.mb,
        "first_slice_s": first_slice_s,
    }


@contextmanager
def _measured() -> Iterator[Run]:
    """Measure wall and CPU seconds, those of all threads and children included, and the process's peak memory."""
    run: Run = {}
    before, started = _cpu_s(), time.perf_counter()
    yield run
    run["wall_s"], run["cpu_s"] = time.perf_counter() - started, _cpu_s() - before
    run["peak_mb"] = own_peak_mb()


def _cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
