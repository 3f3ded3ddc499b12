"""Reaches partners over HTTP: addresses from the membership only, no redirects, bounded reads.

Implements ``ports/peers.py`` with httpx2. Knows nothing of what it carries.
"""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx2

from api.domain.errors import Unavailable
from api.ports.peers import PeerReply
from api.wire.limits import MESSAGE
from api.wire.membership import Membership

_log = logging.getLogger(__name__)
_TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
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


class HttpPeers:
    """The transport of a running node.

    Args:
        membership: where every address comes from.
        allow_http: accept ``http://`` addresses (loopback demos).
        tls: CA bundle and client certificate.
    """

    def __init__(
        self, membership: Membership, *, allow_http: bool = False, tls: PeerTls | None = None
    ) -> None:
        self._membership = membership
        self._allow_http = allow_http
        self._client = httpx2.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            verify=(tls or PeerTls()).context(),
            limits=httpx2.Limits(max_connections=32, max_keepalive_connections=16),
        )

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Send a body; see the port."""
        return self._send("POST", peer, path, {"content-type": content_type}, body)

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        """Read a path; see the port."""
        return self._send("GET", peer, path, {**headers, "authorization": f"Bearer {token}"}, None)

    def close(self) -> None:
        """Close kept connections."""
        self._client.close()

    def _send(
        self, method: str, peer: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> PeerReply:
        address = self._membership.member(peer).url
        if not (address.startswith("https://") or self._allow_http):
            raise Unavailable(
                "peer.insecure", "The membership gives no https address for this peer."
            )
        try:
            with self._client.stream(
                method, f"{address}{path}", content=body, headers=headers
            ) as response:
                received = bytearray()
                for chunk in response.iter_bytes():
                    received += chunk
                    if len(received) > _ROOM:
                        raise Unavailable("peer.oversize", "The peer answers more than allowed.")
        except httpx2.HTTPError as error:
            _log.info("peer unreachable", extra={"peer": peer, "reason": type(error).__name__})
            raise Unavailable("peer.unreachable", "The peer's node does not answer now.") from error
        kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return PeerReply(response.status_code, bytes(received), kept)
