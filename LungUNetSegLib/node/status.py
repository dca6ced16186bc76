"""Serves the status page of a node on this machine: numbers of studies and recent events, no patient data."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.node.config import LOCALHOST
from LungUNetSegLib.node.journal import Journal


class StatusPage:
    """A server of ``/`` for people and ``/status.json`` for programs.

    Args:
        port: Its port; 0 for any free one.
        counts: Returns the number of studies at each step.
        journal: Contains the last events.

    Raises:
        ConfigError: The port is taken.
    """

    def __init__(self, port: int, counts: Callable[[], dict[str, int]], journal: Journal) -> None:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer."""
                page._answer(self)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._counts, self._journal = counts, journal
        try:
            self._server = ThreadingHTTPServer((LOCALHOST, port), Handler)
        except OSError as error:
            raise ConfigError(f"The status page cannot use port {port}: {error.strerror}.") from error
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        content = {"studies": self._counts(), "events": list(self._journal.recent)}
        if request.path == "/status.json":
            kind, body = "application/json", json.dumps(content, default=str)
        elif request.path == "/":
            kind, body = "text/html; charset=utf-8", _page(content)
        else:
            request.send_error(404)
            return
        data = body.encode()
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)


def _page(content: dict[str, Any]) -> str:
    counts = "".join(f"<tr><th>{name}</th><td>{number}</td></tr>" for name, number in content["studies"].items())
    lines = "".join(f"<li>{html.escape(json.dumps(each, default=str))}</li>" for each in reversed(content["events"]))
    return (
        '<!doctype html><html lang="en"><meta http-equiv="refresh" content="10"><title>LungUNetSeg node</title>'
        f"<h1>LungUNetSeg node</h1><p>For research only.</p><table>{counts}</table><ul>{lines}</ul></html>"
    )
