#!/bin/sh
# miblab-ssa 0.0.37 gives an empty mask the distance 0 to every other: surface_distances returns (0, 0), the values of
# two equal masks, where one of the two is empty. A kidney that a reconstruction has lost altogether thus has a better
# Hausdorff distance than one that is a voxel off (0 and 1), in recon_error and reconstruction_fidelity, which write one
# beside the other into a table, as well as in hausdorff_matrix, where an empty sample is the twin of all.
# dice_coefficient says 0 for the same two masks. The docstring names no such case. Expected: infinity, NaN or an error.
# Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.2.6 scipy==1.15.3 scikit-image==0.26.0 \
    dask==2026.1.1 zarr==2.18.7 tqdm==4.67.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps miblab-ssa==0.0.37
cd "$folder"
venv/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import distribution, version
from types import ModuleType

import numpy as np
import zarr

package = ModuleType("miblab_ssa")  # without its principal components and its plots
package.__path__ = [str(distribution("miblab-ssa").locate_file("miblab_ssa"))]
sys.modules["miblab_ssa"] = package
from miblab_ssa.metrics import dice_coefficient, hausdorff_matrix, surface_distances

print(f"miblab-ssa {version('miblab-ssa')}, numpy {np.__version__}, zarr {zarr.__version__}")
kidney = np.zeros((30, 30, 30), dtype=bool)
kidney[8:20, 8:20, 8:20] = True
masks = {"the kidney": kidney, "one voxel off": np.roll(kidney, 1, axis=0), "lost": np.zeros_like(kidney)}
found = []
for name, mask in masks.items():
    hausdorff, mean = surface_distances(kidney, mask)
    found.append((float(hausdorff), round(float(dice_coefficient(kidney, mask)), 2)))
    print(f"{name}: Hausdorff distance {hausdorff:.1f}, mean distance {mean:.2f}, Dice {found[-1][1]}")
group = zarr.open("masks.zarr", mode="w")
group.create_dataset("masks", data=np.stack(list(masks.values())), chunks=(1, 30, 30, 30))
matrix = hausdorff_matrix("masks.zarr")
print(f"hausdorff_matrix: {matrix.tolist()}")
right = [(0.0, 1.0), (1.0, 0.92), (0.0, 0.0)]
sys.exit(0 if found == right and matrix.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]] else 1)
PYTHON
