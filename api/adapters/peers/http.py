"""Reaches partners over HTTP: addresses from the membership only, no redirects, bounded reads.

Implements ``ports/peers.py`` with httpcore2, the part of httpx2 below redirects, cookies, proxies
and decoding, because none of these may happen here. Knows nothing of what it carries.
"""

import logging
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpcore2

from api.adapters.peers.deadlines import SECONDS, BoundedBackend, allowing
from api.domain.errors import Unavailable
from api.ports.peers import PeerReply
from api.wire.limits import MESSAGE
from api.wire.membership import Membership

_log = logging.getLogger(__name__)
# Of each step; the whole call ends at its deadline.
_TIMEOUTS: Final = {"connect": 5.0, "read": 15.0, "write": 15.0, "pool": 5.0}
_KEPT_SECONDS: Final = 30.0
_NETWORK: Final = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
)
_KEPT_HEADERS = ("content-type", "content-range", "retry-after")
_ROOM = MESSAGE + 64 * 1024


@dataclass(frozen=True, slots=True)
class PeerTls:
    """How this node meets partners' proxies; a second lock, never the only one (PROTOCOL §7).

    Attributes:
        ca: CA bundle for partners' servers; the system's if ``None``.
        certificate: client certificate, PEM.
        key: its private key, PEM.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return the TLS context: TLS 1.3, verified servers, the client certificate if any.

        Raises:
            Unavailable: ``peer.certificate``: a file is missing or not usable.
        """
        try:
            made = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
            made.minimum_version = ssl.TLSVersion.TLSv1_3
            if self.certificate is not None:
                made.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise Unavailable(
                "peer.certificate", "The CA bundle or client certificate cannot be used."
            ) from error
        return made


@dataclass(frozen=True, slots=True)
class _Line:
    """The way to one partner: its connections, and how many more calls may begin."""

    pool: httpcore2.ConnectionPool
    calls: threading.BoundedSemaphore


class HttpPeers:
    """The transport of a running node.

    Every partner has connections and a number of calls of its own, and every call ends at a
    deadline (``adapters/peers/deadlines.py``): a door that answers slowly costs its own partner's
    traffic and nobody else's.

    Args:
        membership: where every address comes from.
        allow_http: accept ``http://`` addresses (loopback demos).
        tls: CA bundle and client certificate.
        seconds: time that a call gets before a byte has moved.
        calls: calls to one partner at a time; one more is refused at once.
    """

    def __init__(
        self,
        membership: Membership,
        *,
        allow_http: bool = False,
        tls: PeerTls | None = None,
        seconds: float = SECONDS,
        calls: int = 4,
    ) -> None:
        self._membership = membership
        self._allow_http = allow_http
        self._seconds = seconds
        self._calls = calls
        self._tls = (tls or PeerTls()).context()
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Send a body; see the port."""
        return self._send("POST", peer, path, {"content-type": content_type}, body)

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        """Read a path; see the port."""
        return self._send("GET", peer, path, {**headers, "authorization": f"Comity {token}"}, None)

    def close(self) -> None:
        """Close kept connections."""
        for line in self._lines.values():
            line.pool.close()

    def _line(self, peer: str) -> "_Line":
        with self._lock:
            if peer not in self._lines:
                pool = httpcore2.ConnectionPool(
                    ssl_context=self._tls,
                    max_connections=self._calls,
                    keepalive_expiry=_KEPT_SECONDS,
                    network_backend=BoundedBackend(),
                )
                self._lines[peer] = _Line(pool, threading.BoundedSemaphore(self._calls))
            return self._lines[peer]

    def _send(
        self, method: str, peer: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> PeerReply:
        address = self._membership.member(peer).url
        if not (address.startswith("https://") or self._allow_http):
            raise Unavailable(
                "peer.insecure", "The membership gives no https address for this peer."
            )
        line = self._line(peer)
        if not line.calls.acquire(blocking=False):
            raise Unavailable("peer.busy", "As many calls to this peer as may be are open; wait.")
        try:
            with allowing(self._seconds):
                return self._exchange(line.pool, method, f"{address}{path}", headers, body)
        except (*_NETWORK, OSError) as error:
            _log.info("peer unreachable", extra={"peer": peer, "reason": type(error).__name__})
            raise Unavailable("peer.unreachable", "The peer's node does not answer now.") from error
        finally:
            line.calls.release()

    def _exchange(
        self,
        pool: httpcore2.ConnectionPool,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
    ) -> PeerReply:
        """Make one call; whatever the status is, redirects among them, it is the answer."""
        named = list({"user-agent": "comity", "accept": "*/*", **headers}.items())
        with pool.stream(
            method, url, headers=named, content=body, extensions={"timeout": _TIMEOUTS}
        ) as response:
            received = bytearray()
            for chunk in response.iter_stream():
                received += chunk
                if len(received) > _ROOM:
                    raise Unavailable("peer.oversize", "The peer answers more than allowed.")
            status = response.status
            pairs = [(name.decode().lower(), text.decode()) for name, text in response.headers]
        kept = {name: text for name, text in pairs if name in _KEPT_HEADERS}
        return PeerReply(status, bytes(received), kept)
