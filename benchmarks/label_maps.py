"""Whether label maps are bit for bit what they were before the code was moved about.

``python benchmarks/label_maps.py --data ../shared/data [--write]`` segments the sample, two volumes and twenty single
slices with each engine by the command line, and compares the SHA-256 of each label map with ``label_maps.json``, which
was written with the weights of ADR 0023. Another processor or another release of an engine rounds otherwise: the file
says which they were, and a difference there shows nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[1]
HASHES = Path(__file__).with_suffix(".json")
VOLUMES = ("LIDC-IDRI-0001", "CPTAC-C3N-00247", "POPI-00")
SLICES = 20
ENGINES = ("onnxruntime", "openvino", "torch")
PACKAGES = ("onnxruntime", "openvino", "torch", "numpy", "scipy", "SimpleITK")


def machine() -> dict[str, str]:
    """Return what decides how the last bits are rounded."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next(line for line in lines if line.startswith("flags")).split()
    kinds = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if name in flags]
    return {"processor": " ".join(kinds)} | {name: version(name) for name in PACKAGES}


def label_map_hash(scan: Path, engine: str, code: Path) -> str:
    """Segment a scan with the checkout in `code`, and return the SHA-256 of its label map's grid and voxels."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "lungs.nrrd"
        command = [sys.executable, "-m", "LungUNetSegLib", "segment", str(scan), "-o", str(output)]
        environment = os.environ | {"PYTHONPATH": str(code)}
        subprocess.run(
            [*command, "--engine", engine, "--device", "cpu", "--progress", "none"],
            check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        image = sitk.ReadImage(str(output))
    grid = (image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return hashlib.sha256(repr(grid).encode() + sitk.GetArrayFromImage(image).tobytes()).hexdigest()


def main() -> int:
    """Write or compare; return 1 if a label map differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--code", type=Path, default=ROOT, help="the checkout whose code segments")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only this one")
    parser.add_argument("--write", action="store_true", help="keep the hashes instead of comparing them")
    arguments = parser.parse_args()
    slices = sorted(path for path in (arguments.data / "slices").iterdir() if path.is_dir())[:SLICES]
    scans = [arguments.data / "volumes" / name for name in VOLUMES] + slices
    found = {
        f"{scan.name} {engine}": label_map_hash(scan / "ct", engine, arguments.code)
        for engine in arguments.engine or ENGINES
        for scan in scans
    }
    if arguments.write:
        HASHES.write_text(json.dumps({"machine": machine(), "hashes": found}, indent=1) + "\n")
        return 0
    kept = json.loads(HASHES.read_text())
    if kept["machine"] != machine():
        print(f"written on another machine: {kept['machine']}, here {machine()}")
    different = [name for name, value in found.items() if kept["hashes"][name] != value]
    print(*(f"{name} differs" for name in different), f"{len(found) - len(different)} of {len(found)} equal", sep="\n")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
