#!/bin/sh
# Dask distributed 2026.8.0 makes work on arrays of a megabyte in its workers slower than in any other process: its
# nanny sets MALLOC_TRIM_THRESHOLD_=65536 for them, and glibc, once it is given that number, no longer adapts the size
# from which it takes memory by mmap (mallopt(3)). So each such array is taken from the system page by page, and given
# back at once: 51,400 page faults for 200 arrays of 1 MB, one after the other, where a worker without the variable has
# none. Dask's settings say that the variable trims memory, not what it costs. Expected: about as few faults as
# elsewhere. Linux with glibc. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check distributed==2026.8.0 dask==2026.8.0 numpy==2.2.6
cd "$folder"
cat > faults.py <<'PYTHON'
import sys

import dask
from distributed import Client, LocalCluster

NAME = "MALLOC_TRIM_THRESHOLD_"


def faults() -> tuple[str | None, int]:
    import os
    import resource

    import numpy as np

    for _ in range(20):
        np.ones(1 << 17)  # 1 MB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        np.ones(1 << 17)
    return os.environ.get(NAME), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


if __name__ == "__main__":
    settings = {f"distributed.nanny.pre-spawn-environ.{NAME}": None} if sys.argv[1:] == ["unset"] else {}
    with (
        dask.config.set(settings),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        value, count = client.submit(faults, pure=False).result()
    print(f"{NAME}={value}: {count} page faults for 200 arrays of 1 MB")
    expected = value is None and count < 5000 if settings else value == "65536" and count > 200 * 200
    sys.exit(0 if expected else 1)
PYTHON
env -u MALLOC_TRIM_THRESHOLD_ venv/bin/python faults.py
env -u MALLOC_TRIM_THRESHOLD_ venv/bin/python faults.py unset
