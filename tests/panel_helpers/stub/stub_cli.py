"""Stands for LungUNetSegLib.cli in the panel's tests: the same files, progress and errors, and no network.

The environment tells what happens: STUB_HOLD is a stage at which it stays until it is ended, STUB_END is what happens
in the middle (fail, crash, print), STUB_FINDINGS are remarks as JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(arguments):
    """Do as `lungunetseg segment SCAN -o LABELS --json RESULT --progress json ...` does."""
    import numpy as np
    import SimpleITK as sitk

    end = os.environ.get("STUB_END")
    scan_path, labels_path, result_path = arguments[1], arguments[3], arguments[5]
    _progress("read", 0, 1)
    hold("read")
    image = sitk.ReadImage(scan_path)
    hu = sitk.GetArrayViewFromImage(image)
    binary = arguments[arguments.index("--labels") + 1] == "binary"
    labels = np.zeros(hu.shape, np.uint8)
    for done in range(len(hu)):
        lung = (hu[done] > -950) & (hu[done] < -500)
        labels[done] = np.where(np.arange(hu.shape[2]) < hu.shape[2] // 2, 1, 1 if binary else 2) * lung
        _progress("segment", done + 1, len(hu))
        if done == len(hu) // 2:
            if end == "fail":
                print(f"lungunetseg: {scan_path}: this is no chest CT. Choose another.", file=sys.stderr)
                return 1
            if end == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if end == "print":
                print("a library says hello", flush=True)
            hold("segment")
    _progress("write", 0, 1)
    out = sitk.GetImageFromArray(labels)
    out.CopyInformation(image)
    sitk.WriteImage(out, labels_path, True)
    Path(result_path).write_text(json.dumps(_result(labels, hu, arguments)), encoding="utf-8")
    _progress("write", 1, 1)
    return 0


def hold(stage):
    """Stay at a stage; with STUB_FAMILY in a child of its own, as PythonSlicer's launcher has one."""
    if os.environ.get("STUB_HOLD") == stage:
        if os.environ.get("STUB_FAMILY"):
            subprocess.run(["sleep", "600"], check=False)
        time.sleep(600)


DENSITY = {
    "laa950_percent": 2.5, "laa910_percent": 14.0, "laa856_percent": 61.25, "haa_percent": 5.0, "perc15_hu": -918.0,
    "perc15_g_per_l": 82.0, "sd_hu": 139.5, "mass_g": 315.0, "air_ml": 1559.0,
    "histogram": {"first_hu": -900, "bin_hu": 10, "percent": [25.0, 75.0]},
}  # fmt: skip
"""Of a lung."""


REGIONS = {"apical_third_by_height": {"volume_ml": 800.5, "mean_hu": -850.0, "laa950_percent": 3.25}}
"""Of a lung."""

DOUBTFUL = [
    {"slice": 12, "height_mm": -31.0, "lung": "right", "doubt_mm2": 310.0, "reason": "dense"},
    {"slice": 4, "height_mm": -71.0, "lung": "left", "doubt_mm2": 120.0, "reason": "unsure"},
]


def _progress(stage, done, total):
    print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)


def _result(labels, hu, arguments):
    return {
        "lungunetseg": "0.1.0",
        "model": {"name": arguments[arguments.index("--model") + 1], "sha256": "0" * 64},
        "engine": "ONNX Runtime 1.20, CPU, float32",
        "device": "cpu",
        "volumes_ml": {"right": 2512.25, "left": 2103.75, "total": 4616.0},
        # The total is true: it tells whether the voxels are still those that were segmented.
        "mean_hu": {"right": -812.4, "left": -801.6, "total": round(float(hu[labels > 0].mean()), 1)},
        "density": {"right": DENSITY, "left": DENSITY | {"laa950_percent": 4.25}, "total": DENSITY},
        "regions": {"right": REGIONS, "left": REGIONS, "total": REGIONS},
        "doubtful_slices": DOUBTFUL,
        "findings": json.loads(os.environ.get("STUB_FINDINGS", "[]")),
        "quality": {},
        "seconds": {"segment": 3.25},
        "arguments": arguments[8:],
        "methods": "Lungs were segmented automatically with LungUNetSeg 0.1.0 (model 'lungs').",
    }
