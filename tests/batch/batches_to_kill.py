"""Batches in processes of their own, to be killed.

Each line on stdin is a list in JSON: a named pipe, to which the batch tells its progress, and the command's words. For
each a batch is forked, which costs no imports, and its process's number is printed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from LungUNetSegLib.batch import worker  # noqa: F401
from LungUNetSegLib.cli import batch, batch_work, main, report  # noqa: F401
from LungUNetSegLib.machine import import_package

import_package("onnxruntime", "ONNX Runtime")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pipe, *words = json.loads(line)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(pipe, os.O_WRONLY), 1)
        os._exit(main(words))
    print(child, flush=True)
