#!/bin/sh
# dask-kubernetes 2026.3.0 starts its cluster's scheduler with the command `dask-scheduler`, which Dask distributed
# 2026.8.0, that it accepts, no longer installs: it is `dask scheduler` now. So a pod whose image has the present Dask
# cannot start its scheduler; for workers there is `worker_command`, for the scheduler only a specification of one's own
# (docs/cluster.md). Expected: a command that is there. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    dask-kubernetes==2026.3.0 distributed==2026.8.0 dask==2026.8.0
cat > "$folder/command.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

from dask_kubernetes.operator import make_cluster_spec

spec = make_cluster_spec(name="name", image="image")
command = spec["spec"]["scheduler"]["spec"]["containers"][0]["args"]
is_there = Path(sys.executable).with_name(command[0]).exists()
print("dask-kubernetes", version("dask-kubernetes"), "distributed", version("distributed"))
print("command of the scheduler:", " ".join(command), "- installed" if is_there else "- not installed")
sys.exit(0 if command[0] == "dask-scheduler" and not is_there else 1)
PYTHON
"$folder/venv/bin/python" "$folder/command.py"
