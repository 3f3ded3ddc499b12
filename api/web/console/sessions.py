"""Who is at the console: cookies, and the officer behind one.

Owns the cookies' names and flags. The value of a session's cookie is random and is stored nowhere
but in the browser; tokens of the sign-in service are in no cookie at all.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from api.ports.identity import RelyingParty
from api.services.authorising import Caller, officer_caller
from api.services.node import Node
from api.services.operations import console_sessions
from api.services.operations.console_sessions import Present

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{40,60}")
_RETURN: Final = re.compile(r"/(en|fr)/[A-Za-z0-9/_:.-]*(\?[A-Za-z0-9/_:.=&%+-]*)?")
_SIGN_IN_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Console:
    """What the door needs beside the node.

    Attributes:
        relying_party: the sign-in service.
        public_url: address under which officers reach this node.
        ministry: id of this ministry; nodes on one host share its cookies.
    """

    relying_party: RelyingParty
    public_url: str
    ministry: str

    @property
    def secure(self) -> bool:
        """Whether cookies travel on TLS alone; plain http is for loopback."""
        return self.public_url.startswith("https:")

    @property
    def session_cookie(self) -> str:
        """Name of the session's cookie; ``__Host-`` binds it to this host (RFC 6265bis)."""
        return f"{'__Host-' if self.secure else ''}comity-{self.ministry}"

    @property
    def sign_in_cookie(self) -> str:
        """Name of the cookie that binds a sign-in to its browser."""
        return f"{self.session_cookie}-sign-in"

    @property
    def callback(self) -> str:
        """Where the sign-in service sends browsers back to."""
        return f"{self.public_url.rstrip('/')}/console/sign-in/done"

    @property
    def provider(self) -> str:
        """Origin of the sign-in service."""
        parts = urlsplit(self.relying_party.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def set_session(self, answer: Response, value: str) -> None:
        """Give the browser its session."""
        answer.set_cookie(
            self.session_cookie,
            value,
            max_age=int(console_sessions.LIFE.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def set_sign_in(self, answer: Response, value: str) -> None:
        """Bind a sign-in to the browser."""
        answer.set_cookie(
            self.sign_in_cookie,
            value,
            max_age=_SIGN_IN_SECONDS,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def clear(self, answer: Response, name: str) -> None:
        """Take a cookie away."""
        answer.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")


def cookie_of(request: Request, name: str) -> str:
    """Return a cookie's value, or empty if there is none of the right form."""
    value = request.cookies.get(name, "")
    return value if _COOKIE.fullmatch(value) else ""


def safe_return(path: str) -> str:
    """Return a path to go back to if it is one of the console's pages, else empty."""
    fits = _RETURN.fullmatch(path) is not None and "//" not in path and len(path) <= 2000  # noqa: PLR2004
    return path if fits else ""


def present(node: Node, cookie: str, *, touch: bool = True) -> Present | None:
    """Return the session behind a cookie, if it is in force; ``touch`` notes that it was used."""
    return console_sessions.resume(node, cookie, touch=touch) if cookie else None


def caller_of(node: Node, found: Present, request_id: str) -> Caller:
    """Return the officer behind a session.

    Raises:
        NotSignedIn: ``officer.unknown``: the account is nobody's here.
    """
    session = found.session
    return officer_caller(node, session.iss, session.sub, origin="console", request=request_id)
