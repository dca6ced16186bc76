#!/bin/sh
# Importing CCMetrics 0.0.3 (scores per connected component, for a validation) turns PyTorch's gradients off for the
# whole process: its module calls torch.set_grad_enabled(False) when it is loaded. A training that imports it fails at
# the first backward() with "does not require grad", which names neither the package nor a cause. MONAI's metrics, on
# which it builds, leave gradients alone. Expected: the same of CCMetrics. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check monai==1.6.1 torch==2.13.0 scipy==1.15.3 \
    connected-components-3d==4.1.1 nibabel==5.4.2 tqdm==4.67.1 numpy==2.2.6
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ccmetrics==0.0.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib import import_module
from importlib.metadata import version

import torch

print(f"CCMetrics {version('ccmetrics')}, MONAI {version('monai')}, PyTorch {torch.__version__}")
found = []
for name in ("monai.metrics", "CCMetrics"):
    import_module(name)
    layer = torch.nn.Conv3d(1, 1, kernel_size=3)
    try:
        layer(torch.ones(1, 1, 5, 5, 5)).mean().backward()
        found.append("a gradient")
    except RuntimeError as error:
        found.append("no gradient")
        print(f"RuntimeError: {error}")
    print(f"after import {name}: gradients enabled: {torch.is_grad_enabled()}, backward gives {found[-1]}")
sys.exit(0 if found == ["a gradient", "no gradient"] else 1)
PYTHON
