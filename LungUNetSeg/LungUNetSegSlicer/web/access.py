"""Decides who may use the server: a token, given once, and a cookie that scripts cannot read."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict

COOKIE = "lungunetseg"
TOKEN_BYTES = 24
MOST_VISITORS = 1000
"""Cookies that are remembered; the oldest is forgotten first."""

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Access:
    """Keeps the token, and the cookies of the visitors who gave it.

    Args:
        needs_token: Whether other machines can reach the server. If not, a visitor who opens the page by this
            machine's own address is let in without a token; one who opens it by another name is not, as another site
            may have pointed its name at this machine (DNS rebinding).
    """

    def __init__(self, *, needs_token: bool) -> None:
        self.token = secrets.token_urlsafe(TOKEN_BYTES) if needs_token else None
        self._visitors: OrderedDict[str, None] = OrderedDict()

    def admits(self, cookie: str | None) -> bool:
        """Whether a cookie is one that was given here; it has 256 random bits, so that nobody can guess it."""
        return cookie in self._visitors

    def new_cookie(self) -> str:
        """Let somebody in; return the cookie."""
        cookie = secrets.token_urlsafe(32)
        self._visitors[cookie] = None
        if len(self._visitors) > MOST_VISITORS:
            self._visitors.popitem(last=False)
        return cookie

    def is_token(self, given: str) -> bool:
        """Compare what was given with the token, in a time that does not depend on how much of it is right."""
        return self.token is not None and hmac.compare_digest(given.strip().encode(), self.token.encode())

    def allows_host(self, host: str) -> bool:
        """Whether a request's Host header, with or without a port, may be served."""
        if self.token is not None:
            return True
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return name in LOCAL_HOSTS


def is_same_origin(origin: str | None, host: str) -> bool:
    """Whether a request comes from our own page, by its Origin header; programs other than browsers send none."""
    return origin is None or origin.partition("://")[2] == host
