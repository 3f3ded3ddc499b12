"""Short-lived tokens by which one member's node reads at another (PROTOCOL §6, members-only reads).

Owns the form: a JWT (RFC 7519) of five minutes, ``typ: comity-peer+jwt``, signed ES384 with the
sender's message key, ``aud`` the ministry id of the node that is asked. It opens reads and nothing
else: whatever changes state is a message with both signatures.

JOSE is joserfc's work. Because private keys stay behind the signer port, joserfc is handed an
algorithm that asks the port; because joserfc reads a header with two ``alg`` members last-wins, our
strict parser stands in front of it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey
from typing_extensions import override

from api.domain.errors import NotSignedIn
from api.ports.signer import Signer
from api.services.node import Node
from api.wire.canonical import Json, canonical, parse
from api.wire.encoding import b64u_decode
from api.wire.errors import WireError
from api.wire.keys import ES384, KeyRecord, Purpose

TYP: Final = "comity-peer+jwt"
LIFE: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=60)

_MAX_TOKEN: Final = 4096
_DOT_PARTS: Final = 3
_HEADER: Final = {"alg", "kid", "typ"}
_CLAIMS: Final = {"iss", "aud", "iat", "exp"}


class _PortES384(JWSAlgModel):
    """ES384 of RFC 7518 §3.4, signed by the signer port."""

    name = ES384
    description = "ECDSA using P-384 and SHA-384, key behind the signer port"
    recommended = True
    key_type = "EC"

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    @override
    def sign(self, msg: bytes, key: ECKey) -> bytes:
        return self._signer.sign(str(key.kid), msg)

    @override
    def verify(self, msg: bytes, sig: bytes, key: ECKey) -> bool:
        raise NotImplementedError("joserfc's own ES384 verifies")


def looks_like_one(token: str) -> bool:
    """Tell whether a bearer token claims to be a peer's, so that the right verifier judges it."""
    try:
        header = parse(b64u_decode(token.partition(".")[0]), limit=_MAX_TOKEN)
    except WireError:
        return False
    return isinstance(header, dict) and header.get("typ") == TYP


def mint(node: Node, peer: str) -> str:
    """Return a token that lets this node read at ``peer`` for five minutes."""
    key = next(key for key in node.signer.keys(Purpose.MESSAGE) if key.alg == ES384)
    now = int(node.clock.now().timestamp())
    claims = {
        "iss": node.ministry,
        "aud": peer,
        "iat": now,
        "exp": now + int(LIFE.total_seconds()),
    }

    class Registry(jws.JWSRegistry):
        algorithms = {ES384: _PortES384(node.signer)}  # noqa: RUF012 - joserfc's own declaration

    header = {"alg": ES384, "kid": key.kid, "typ": TYP}
    return jws.serialize_compact(
        header, canonical(claims), _key(key), registry=Registry(algorithms=[ES384])
    )


def verify(node: Node, token: str) -> str:
    """Return the ministry whose node sent a token that is meant for this one.

    Raises:
        NotSignedIn: ``peer-token.malformed``, ``peer-token.unknown-key``,
            ``peer-token.bad-signature``, ``peer-token.wrong-audience``, ``peer-token.expired``.
    """
    header, claims = _read(token)
    issuer = claims["iss"]
    member = node.membership.find(issuer) if isinstance(issuer, str) else None
    if member is None or member.id == node.ministry:
        raise _refusal("unknown-key", "The token is not of another member of this node.")
    record = next((each for each in member.keys_for(Purpose.MESSAGE) if _signs(each, header)), None)
    if record is None:
        raise _refusal("unknown-key", "Sign the token with a current ES384 message key.")
    try:
        jws.deserialize_compact(token, _key(record), algorithms=[ES384])
    except (JoseError, ValueError):
        raise _refusal("bad-signature", "The token's signature is not valid.") from None
    if claims["aud"] != node.ministry:
        raise _refusal("wrong-audience", "The token is meant for another node.")
    _check_times(node, claims)
    return member.id


def _signs(record: KeyRecord, header: Mapping[str, Json]) -> bool:
    current = record.until is None and record.revoked_from is None
    return record.kid == header["kid"] and record.alg == header["alg"] == ES384 and current


def _key(record: KeyRecord) -> ECKey:
    return ECKey.import_key({**record.public, "kid": record.kid})


def _read(token: str) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """Read header and claims strictly, before any library sees the bytes."""
    segments = token.split(".")
    if len(token) > _MAX_TOKEN or len(segments) != _DOT_PARTS:
        raise _refusal("malformed", "Send a signed token of three parts.")
    try:
        header, claims = (parse(b64u_decode(part), limit=_MAX_TOKEN) for part in segments[:2])
        b64u_decode(segments[2])
    except WireError:
        raise _refusal("malformed", "The token cannot be read.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refusal("malformed", "Header and claims of the token are objects.")
    if set(header) != _HEADER or set(claims) != _CLAIMS or header["typ"] != TYP:
        raise _refusal("malformed", f"Send {TYP} with exactly its members.")
    return header, claims


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
