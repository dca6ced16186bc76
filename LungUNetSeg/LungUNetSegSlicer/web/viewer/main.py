"""A user's own process: ``python -m LungUNetSegSlicer.web.viewer.main FOLDER SETTINGS``, started by the server.

It serves one page at a time through a socket in its folder, and ends, with its folder, when the server does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from LungUNetSegSlicer.run.guard import end_with_parent


def main(arguments: Sequence[str]) -> int:
    """Serve until the server ends."""
    folder, settings = Path(arguments[0]), json.loads(arguments[1])
    end_with_parent(folder)
    from LungUNetSegSlicer import server

    core = server.start()
    # Only possible once Slicer's core has started.
    from LungUNetSegSlicer.web.viewer.service import serve

    asyncio.run(serve(core, folder, settings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
