#!/bin/sh
# dbdicom 0.3.21 writes a label map of 0, 1 and 2 as DICOM and reads 0, 0.99998 and 2: any array that is not of int16 or
# uint16 is scaled to 0 to 65535 slice by slice and cut off, not rounded, where the middle is 32767.5. Cast to integers,
# label 1, one lung, is gone. 0 and 1 alone are right, and so are 0 to 3; all other values are up to a step too low, CT
# values by 0.03 HU on average. Expected: rounded numbers, off by half a step either way, or the labels as they are,
# which fit into 16 bits. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dbdicom==0.3.21 vreg==0.0.14 pydicom==3.0.2 \
    numpy==2.2.6
cd "$folder"
mkdir database
venv/bin/python - <<'PYTHON'
import sys
from importlib.metadata import version

import dbdicom
import numpy as np

rng = np.random.default_rng(1)
print(f"dbdicom {version('dbdicom')}, vreg {version('vreg')}, pydicom {version('pydicom')}, numpy {np.__version__}")
lost = {}
for largest, kind in ((1, np.int64), (2, np.int64), (2, np.float32), (2, np.uint16), (3, np.int64)):
    labels = rng.integers(0, largest + 1, (32, 32, 4)).astype(kind)
    name = f"0 to {largest} of {np.dtype(kind).name}"
    series = ["database", "patient", ("study", 0), (name, 0)]
    dbdicom.write_volume((labels, np.eye(4)), series, verbose=0)
    values = dbdicom.volume(series, verbose=0).values
    lost[name] = int((values.astype(int) != labels).sum())
    print(f"labels {name}: read as {np.unique(values)}, {lost[name]} of {labels.size} voxels differ as integers")
ct = rng.integers(-1024, 3000, (32, 32, 4)).astype(np.int32)
series = ["database", "patient", ("study", 0), ("ct", 0)]
dbdicom.write_volume((ct, np.eye(4)), series, verbose=0)
error = dbdicom.volume(series, verbose=0).values - ct
print(f"CT values are {error.min():.3f} to {error.max():.3f} HU off, {error.mean():.3f} HU on average")
counts = list(lost.values())
sys.exit(0 if counts[0] == counts[3] == counts[4] == 0 < min(counts[1:3]) and error.max() <= 0 else 1)
PYTHON
