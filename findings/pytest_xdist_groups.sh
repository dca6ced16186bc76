#!/bin/sh
# pytest-xdist keeps tests marked with `xdist_group` in one process by adding the group to the id of a test. With
# pytest 9.2 the id that it then reads lacks the group, so that `--dist loadgroup` scatters the tests, without a
# word. With pytest 9.1.1 they stay together. Ends with 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > test_group.py <<'PYTHON'
import os
import time
from pathlib import Path

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(8))
def test_it(number):
    time.sleep(0.2)
    Path(f"ran-{number}").write_text(os.environ["PYTEST_XDIST_WORKER"])
PYTHON
workers() {
    python3 -m venv "venv-$1"
    "venv-$1/bin/pip" install --quiet --disable-pip-version-check "pytest==$1" pytest-xdist==3.8.0
    rm -f ran-*
    "venv-$1/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist loadgroup test_group.py >log || cat log
    cat ran-* | sed 's/gw/\ngw/g' | sort -u | grep -c gw
}
before=$(workers 9.1.1)
now=$(workers 9.2.0)
echo "pytest-xdist 3.8.0: one group ran in $before process(es) with pytest 9.1.1, in $now with 9.2.0"
[ "$before" = 1 ] && [ "$now" = 2 ]
