"""Stands for LungUNetSegLib.cli in the panel's tests: the same files, progress and errors, and no network.

The environment tells what happens: STUB_SECONDS a slice, STUB_END (done, fail, crash, hang, print), and the
STUB_FINDINGS as JSON.
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

    end = os.environ.get("STUB_END", "done")
    scan_path, labels_path, result_path = arguments[1], arguments[3], arguments[5]
    _progress("read", 0, 1)
    image = sitk.ReadImage(scan_path)
    hu = sitk.GetArrayViewFromImage(image)
    binary = arguments[arguments.index("--labels") + 1] == "binary"
    labels = np.zeros(hu.shape, np.uint8)
    # A child of the child, as the launcher PythonSlicer has.
    grandchild = subprocess.Popen(["sleep", "60"]) if end == "hang" else None
    for done in range(len(hu)):
        lung = (hu[done] > -950) & (hu[done] < -500)
        labels[done] = np.where(np.arange(hu.shape[2]) < hu.shape[2] // 2, 1, 1 if binary else 2) * lung
        time.sleep(float(os.environ.get("STUB_SECONDS", "0")))
        _progress("segment", done + 1, len(hu))
        if done == len(hu) // 2:
            if end == "fail":
                print(f"lungunetseg: {scan_path}: this is no chest CT. Choose another.", file=sys.stderr)
                return 1
            if end == "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            if end == "print":
                print("a library says hello", flush=True)
            if grandchild:
                grandchild.wait()
    _progress("write", 0, 1)
    out = sitk.GetImageFromArray(labels)
    out.CopyInformation(image)
    sitk.WriteImage(out, labels_path, True)
    Path(result_path).write_text(json.dumps(_result(labels, arguments)), encoding="utf-8")
    _progress("write", 1, 1)
    return 0


def _progress(stage, done, total):
    print(json.dumps({"stage": stage, "done": done, "total": total}), flush=True)


def _result(labels, arguments):
    return {
        "lungunetseg": "0.1.0",
        "model": {"name": arguments[arguments.index("--model") + 1], "sha256": "0" * 64},
        "engine": "onnxruntime",
        "device": "cpu",
        "volumes_ml": {"right": 2512.25, "left": 2103.75, "total": 4616.0},
        "mean_hu": {"right": -812.4, "left": -801.6},
        "findings": json.loads(os.environ.get("STUB_FINDINGS", "[]")),
        "quality": {},
        "seconds": {"total": 3.25},
        "methods": "The lungs were segmented with LungUNetSeg 0.1.0 (model lungs, ONNX Runtime, CPU).",
    }
