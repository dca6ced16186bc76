#!/bin/sh
# pynetdicom closes a socket only if shutting it down works, which fails where the other side refused the connection:
# then the socket of each attempt is left to Python's garbage collector, with a ResourceWarning. A program that counts
# warnings as errors sees one later, at a place that has nothing to do with it. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pynetdicom==3.0.4 pydicom==3.0.2
cd "$folder"
venv/bin/python - <<'PYTHON'
import gc
import socket
import sys
import warnings

import pynetdicom

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ResourceWarning)
    for _ in range(3):
        entity = pynetdicom.AE()
        entity.add_requested_context("1.2.840.10008.1.1")
        association = entity.associate("127.0.0.1", port)
        assert not association.is_established
        del association, entity
        gc.collect()
left = [str(each.message).split(", laddr")[0] for each in caught if "unclosed <socket" in str(each.message)]
print(f"pynetdicom {pynetdicom.__version__}: of 3 refused connections {len(left)} were left open, as {left[:1]}")
sys.exit(0 if left else 1)
PYTHON
