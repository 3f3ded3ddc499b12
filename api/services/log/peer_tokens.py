"""Short-lived tokens by which one member's node reads at another (PROTOCOL §9, *Peer tokens*).

Owns the form: ``Authorization: Comity <b64u envelope>``, an envelope of typ ``comity-peer`` with
both signatures by the sender's current message keys over JCS ``{iss, aud, path, iat, exp}``: the
sender, the ministry that is asked, the path of the one request, whole seconds since 1970. It lives
five minutes at most and opens reads and nothing else: whatever changes state is a message.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from api.domain.errors import NotSignedIn
from api.services.node import Node
from api.wire.canonical import Json, canonical, parse_canonical
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.envelope import PEER, Envelope, parse_envelope, seal, verify_seal
from api.wire.errors import WireError
from api.wire.keys import Purpose

SCHEME: Final = "Comity"
LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=60)
LARGEST: Final = 12 * 1024
"""Most characters of a token."""

_CLAIMS: Final = {"iss", "aud", "path", "iat", "exp"}
_NO_KEY: Final = frozenset({"key.unknown", "key.algorithm", "key.purpose", "time-unproven"})


def authorization(token: str) -> str:
    """Return the value of the ``Authorization`` header that carries a token."""
    return f"{SCHEME} {token}"


def token_in(header: str) -> str | None:
    """Return the token in an ``Authorization`` header, or ``None`` if it is of another scheme."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == SCHEME.lower() else None


def mint(node: Node, peer: str, path: str) -> str:
    """Return a token for one read at ``peer``.

    Args:
        node: this node.
        peer: the ministry that is asked.
        path: the request's path, without its query.
    """
    now = int(node.clock.now().timestamp())
    claims = {
        "iss": node.ministry,
        "aud": peer,
        "path": path.partition("?")[0],
        "iat": now,
        "exp": now + int(LIFE.total_seconds()),
    }
    keys = node.signer.keys(Purpose.MESSAGE)
    return b64u_encode(seal(canonical(claims), PEER, keys, node.signer.sign))


def verify(node: Node, token: str, path: str) -> str:
    """Return the ministry whose node sent a token that is meant for this request.

    Args:
        node: this node.
        token: as it stands in the header.
        path: the request's path.

    Raises:
        NotSignedIn: ``peer-token.malformed``, ``peer-token.unknown-key``,
            ``peer-token.bad-signature``, ``peer-token.wrong-audience``, ``peer-token.wrong-path``,
            ``peer-token.expired``.
    """
    envelope, claims = _read(token)
    issuer = claims["iss"]
    member = node.membership.find(issuer) if isinstance(issuer, str) else None
    if member is None or member.id == node.ministry:
        raise _refusal("unknown-key", "The token is not of another member of this node.")
    try:
        verify_seal(envelope, member.keys_for(Purpose.MESSAGE), PEER)
    except WireError as error:
        if error.code in _NO_KEY:
            raise _refusal("unknown-key", "Sign with both current message keys.") from None
        raise _refusal("bad-signature", "A signature of the token is not valid.") from None
    if claims["aud"] != node.ministry:
        raise _refusal("wrong-audience", "The token is meant for another node.")
    if claims["path"] != path:
        raise _refusal("wrong-path", "The token is meant for another path.")
    _check_times(node, claims)
    return member.id


def _read(token: str) -> tuple[Envelope, Mapping[str, Json]]:
    """Read the envelope and its claims strictly."""
    if len(token) > LARGEST:
        raise _refusal("malformed", "Send a token of at most 12 KiB.")
    try:
        envelope = parse_envelope(b64u_decode(token), limit=LARGEST)
        claims = parse_canonical(envelope.payload, limit=LARGEST)
    except WireError:
        raise _refusal("malformed", "The token cannot be read.") from None
    if envelope.typ != PEER or not isinstance(claims, dict) or set(claims) != _CLAIMS:
        raise _refusal("malformed", "Send an envelope of typ comity-peer with exactly its members.")
    return envelope, claims


def _check_times(node: Node, claims: Mapping[str, Json]) -> None:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise _refusal("malformed", "Times are whole seconds.")
    now, skew = node.clock.now().timestamp(), SKEW.total_seconds()
    if not 0 < expires - issued <= LIFE.total_seconds():
        raise _refusal("expired", "A token lives five minutes at most.")
    if not issued - skew <= now < expires + skew:
        raise _refusal("expired", "The token has expired, or the clocks differ; make a new one.")


def _refusal(code: str, message: str) -> NotSignedIn:
    return NotSignedIn(f"peer-token.{code}", message)
