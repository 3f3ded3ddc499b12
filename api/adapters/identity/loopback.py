"""The loopback address a browser brings the sign-in answer to (RFC 8252 section 7.3).

Owns one short-lived listener on 127.0.0.1; must not judge the answer (see ``oauth_client``).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import ClassVar
from urllib.parse import urlsplit

from typing_extensions import override

from api.domain.errors import NotSignedIn

_PATH = "/callback"
_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Comity</title>
<p>Go back to the terminal. You can close this page.</p></html>
"""
_READ_TIMEOUT = 10


class LoopbackAnswer:
    """What the browser will bring; made by ``listen``.

    Attributes:
        redirect_uri: where to send the browser back to.
    """

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self._url: str | None = None
        self._one = threading.Lock()
        self._arrived = threading.Event()

    def take(self, url: str) -> None:
        """Take the first answer; later ones are not looked at."""
        with self._one:
            self._url = self._url or url

    def arrive(self) -> None:
        """Say that the browser has its page: whoever waits may go on."""
        self._arrived.set()

    def wait(self, seconds: float) -> str:
        """Return the address the browser came back with.

        Raises:
            NotSignedIn: ``sign-in.expired``, nobody came back in time.
        """
        if not self._arrived.wait(seconds) or self._url is None:
            raise NotSignedIn("sign-in.expired", "The browser did not come back; sign in again.")
        return self._url


@contextmanager
def listen() -> Iterator[LoopbackAnswer]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    with _Server(("127.0.0.1", 0), _Door) as server:
        answer = LoopbackAnswer(f"http://127.0.0.1:{server.server_address[1]}{_PATH}")
        server.RequestHandlerClass = _door_for(answer)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield answer
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    """Threads, because browsers open connections ahead of need and leave them idle."""

    daemon_threads = True
    block_on_close = False


class _Door(BaseHTTPRequestHandler):
    """Answers one kind of request and writes nothing to the terminal."""

    timeout: ClassVar[float | None] = _READ_TIMEOUT
    answer: LoopbackAnswer

    def do_GET(self) -> None:
        """Take the answer, if it is one."""
        if urlsplit(self.path).path != _PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        origin = self.answer.redirect_uri.removesuffix(_PATH)
        self.answer.take(f"{origin}{self.path}")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.send_header("Cache-Control", "no-store")
        # The address holds the code: it must not travel on as a referrer.
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(_PAGE)
        self.answer.arrive()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Do nothing: the request line holds the code."""


def _door_for(answer: LoopbackAnswer) -> type[_Door]:
    return type("_BoundDoor", (_Door,), {"answer": answer})
