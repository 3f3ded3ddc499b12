"""The signed form of statements, messages, manifests and peer tokens.

Owns the envelope of PROTOCOL §4: JCS of exactly ``{payload, signatures, endorsements?}``, a JWS
general serialization (RFC 7515 §7.2.1) with one ES384 and one ML-DSA-87 signature in that order
(RFC 9964). Nothing in it can change without refusal: the object is canonical, every base64url
text has one spelling, protected headers are recomputed and compared, and ECDSA signatures have
one accepted half. The digest of the raw envelope therefore names one signed object.

It must not decide whether a key is the issuer's (the caller passes the issuer's records) nor read
payloads. Endorsements are parsed here and judged in `api.wire.endorsements`.

Refusal codes: ``envelope.malformed``, ``envelope.signatures``, ``envelope.protected``,
``envelope.typ``, ``envelope.endorsements``; from `verify_seal` also ``key.*``, ``signature.*`` and
``time-unproven``; ``json.*`` for bytes that are no canonical JSON.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.wire import canonical, digests, ecdsa, encoding, keys, limits
from api.wire.canonical import Json
from api.wire.errors import WireError
from api.wire.keys import KeyRecord, Purpose
from api.wire.members import KID, Members

STATEMENT: Final = "comity-statement"
MESSAGE: Final = "comity-message"
OFFICER: Final = "comity-officer"
MANIFEST: Final = "comity-manifest"
PEER: Final = "comity-peer"

PURPOSES: Final[Mapping[str, Purpose]] = {
    STATEMENT: Purpose.SEAL,
    MESSAGE: Purpose.MESSAGE,
    MANIFEST: Purpose.SEAL,
    PEER: Purpose.MESSAGE,
}
"""Purpose of the keys that sign each kind of envelope."""

PREPARED: Final = "prepared"
APPROVED: Final = "approved"
JWS: Final = "jws"
WEBAUTHN: Final = "webauthn"
RECORDED: Final = "recorded"


@dataclass(frozen=True, slots=True)
class Signature:
    """One entry of `signatures`: the protected header as sent, its members, the raw bytes."""

    protected: str
    kid: str
    alg: str
    typ: str
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endorsement:
    """One officer's own signature.

    Attributes:
        part: ``prepared`` or ``approved``.
        form: ``jws`` or ``webauthn``.
        jwk: The officer's public key.
        signature: Raw ``r || s`` (jws) or DER (webauthn).
        protected: Protected header as sent (jws), else empty.
        authenticator_data: Bytes as the authenticator gave them (webauthn), else empty.
        client_data: The clientDataJSON bytes (webauthn), else empty.
    """

    part: str
    form: str
    jwk: keys.Jwk = field(hash=False)
    signature: bytes = field(repr=False)
    protected: str = ""
    authenticator_data: bytes = b""
    client_data: bytes = b""

    def to_json(self) -> dict[str, Json]:
        """Return the entry of the envelope's `endorsements`."""
        entry: dict[str, Json] = {
            "part": self.part,
            "form": self.form,
            "jwk": dict(self.jwk),
            "signature": encoding.b64u_encode(self.signature),
        }
        if self.form == JWS:
            return entry | {"protected": self.protected}
        return entry | {
            "authenticatorData": encoding.b64u_encode(self.authenticator_data),
            "clientDataJSON": encoding.b64u_encode(self.client_data),
        }

    @classmethod
    def from_json(cls, value: Json) -> "Endorsement":
        """Read an officer's signature, from an envelope or as an officer's client sent it.

        Judges nothing; brings an ECDSA signature, of which devices give either half, into the
        accepted one. An envelope must carry it in that form already (`parse_envelope`).

        Raises:
            WireError: ``envelope.endorsements``, ``key.malformed``, ``signature.malformed``.
        """
        form = value.get("form") if isinstance(value, dict) else None
        own = ("protected",) if form == JWS else ("authenticatorData", "clientDataJSON")
        entry = Members(value, "envelope.endorsements", ("part", "form", "jwk", "signature", *own))
        public = entry.raw("jwk")
        if not isinstance(public, dict):
            raise entry.refusal("Give the officer's key as an object.")
        jwk = {name: part for name, part in public.items() if isinstance(part, str)}
        alg = keys.algorithm(jwk)
        if len(jwk) != len(public) or alg not in keys.OFFICER_ALGORITHMS:
            raise entry.refusal("Use an ES256 or ES384 officer key.")
        accept = ecdsa.normalise if form == JWS else ecdsa.normalise_der
        return cls(
            part=entry.word("part", (PREPARED, APPROVED)),
            form=entry.word("form", (JWS, WEBAUTHN)),
            jwk=jwk,
            signature=accept(alg, entry.b64u("signature")),
            protected=entry.text("protected") if form == JWS else "",
            authenticator_data=b"" if form == JWS else entry.b64u("authenticatorData"),
            client_data=b"" if form == JWS else entry.b64u("clientDataJSON"),
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope; `raw` are the bytes to store and to send."""

    payload: bytes = field(repr=False)
    signatures: tuple[Signature, ...]
    endorsements: tuple[Endorsement, ...]
    raw: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Digest of the raw envelope."""
        return digests.digest(self.raw)

    @property
    def typ(self) -> str:
        """Kind of envelope; the same in both signatures."""
        return self.signatures[0].typ


@functools.lru_cache(maxsize=1024)
def protected_header(alg: str, kid: str, typ: str) -> str:
    """Return the one accepted protected header, base64url of JCS ``{alg, kid, typ}``."""
    return encoding.b64u_encode(canonical.canonical({"alg": alg, "kid": kid, "typ": typ}))


def signing_input(protected: str, payload_b64: str) -> bytes:
    """Return the bytes a JWS signature covers (RFC 7515 §5.1 step 8)."""
    return f"{protected}.{payload_b64}".encode("ascii")


@functools.lru_cache(maxsize=1024)
def parse_protected(protected: str) -> tuple[str, str, str]:
    """Read a protected header as ``(alg, kid, typ)``.

    A key writes the same header every time, so accepted ones are remembered by their full text;
    refused ones are not.

    Raises:
        WireError: ``envelope.protected`` unless it is exactly what `protected_header` writes;
            so ``crit``, ``jwk``, ``jku``, ``x5u`` and every other member is refused unread.
    """
    try:
        data = encoding.b64u_decode(protected)
        header = canonical.parse_canonical(data, limit=limits.PROTECTED)
        entry = Members(header, "envelope.protected", ("alg", "kid", "typ"))
        return entry.text("alg"), entry.text("kid", KID), entry.text("typ")
    except WireError:
        raise WireError(
            "envelope.protected", "Give a protected header of exactly alg, kid and typ in JCS."
        ) from None


def assemble(
    payload: bytes,
    signatures: Sequence[Mapping[str, str]],
    endorsements: Sequence[Endorsement] = (),
) -> bytes:
    """Return the raw envelope.

    Args:
        payload: The signed bytes.
        signatures: Entries ``{protected, signature}`` in their fixed order.
        endorsements: In the order prepared, approved.
    """
    value: dict[str, object] = {
        "payload": encoding.b64u_encode(payload),
        "signatures": [dict(entry) for entry in signatures],
    }
    if endorsements:
        value["endorsements"] = [endorsement.to_json() for endorsement in endorsements]
    return canonical.canonical(value)


def seal(
    payload: bytes,
    typ: str,
    records: Sequence[KeyRecord],
    sign: Callable[[str, bytes], bytes],
    endorsements: Sequence[Endorsement] = (),
) -> bytes:
    """Sign a payload with both keys and return the raw envelope.

    Args:
        payload: The bytes to sign.
        typ: `STATEMENT`, `MESSAGE`, `MANIFEST` or `PEER`.
        records: The ministry's current keys of that purpose, one for each algorithm.
        sign: Called with a kid and data; returns the raw signature.
        endorsements: Officers' signatures, for statements.

    Raises:
        WireError: ``key.unknown`` when a needed key is not among `records`.
    """
    payload_b64 = encoding.b64u_encode(payload)
    entries = []
    for alg in keys.ALGORITHMS[PURPOSES[typ]]:
        found = [r for r in records if r.alg == alg and r.purpose is PURPOSES[typ]]
        if len(found) != 1:
            raise WireError("key.unknown", "Sign with exactly one current key per algorithm.")
        protected = protected_header(alg, found[0].kid, typ)
        signature = sign(found[0].kid, signing_input(protected, payload_b64))
        entries.append({"protected": protected, "signature": encoding.b64u_encode(signature)})
    return assemble(payload, entries, endorsements)


def parse_envelope(raw: bytes, *, limit: int = limits.ENVELOPE) -> Envelope:
    """Read an envelope strictly; checks no signature.

    Raises:
        WireError: ``json.*`` or ``envelope.*``.
    """
    value = canonical.parse_canonical(raw, limit=limit)
    members = Members(value, "envelope.malformed", ("payload", "signatures"), ("endorsements",))
    signatures = tuple(_signature(entry) for entry in members.items("signatures"))
    typ = signatures[0].typ if signatures else ""
    if typ not in PURPOSES or any(entry.typ != typ for entry in signatures):
        raise WireError("envelope.typ", "Sign statements, messages or manifests, one at a time.")
    if tuple(entry.alg for entry in signatures) != keys.ALGORITHMS[PURPOSES[typ]]:
        raise WireError("envelope.signatures", "Sign once with ES384 and then with ML-DSA-87.")
    endorsements: tuple[Endorsement, ...] = ()
    if "endorsements" in members:
        entries = members.items("endorsements", 1, 2)
        endorsements = tuple(map(Endorsement.from_json, entries))
        if [endorsement.to_json() for endorsement in endorsements] != entries:
            raise WireError("envelope.endorsements", "Carry signatures in their accepted half.")
        parts = [endorsement.part for endorsement in endorsements]
        if typ != STATEMENT or parts not in ([PREPARED], [APPROVED], [PREPARED, APPROVED]):
            raise WireError("envelope.endorsements", "Endorse statements, each part once.")
    return Envelope(members.b64u("payload"), signatures, endorsements, raw)


def payload_digest(raw: bytes) -> str:
    """Return the digest of an envelope's payload: the id of the statement in it.

    Reads no more than it needs; whether the envelope is well-formed is judged by `parse_envelope`.

    Raises:
        WireError: ``envelope.malformed``.
    """
    try:
        payload = encoding.b64u_decode(json.loads(raw)["payload"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise WireError("envelope.malformed", "Give an envelope with its payload.") from None
    return digests.digest(payload)


def _signature(value: Json) -> Signature:
    entry = Members(value, "envelope.signatures", ("protected", "signature"))
    protected = entry.text("protected")
    alg, kid, typ = parse_protected(protected)
    return Signature(protected, kid, alg, typ, entry.b64u("signature"))


def verify_signed_then(
    envelope: Envelope, records: Sequence[KeyRecord], typ: str
) -> tuple[KeyRecord, ...]:
    """Check both signatures of an envelope that was signed some time ago (PROTOCOL §9).

    A retired key still verifies the messages, receipts and manifests that it signed: to change
    keys must not take back what was said. A revoked one does not, it may be in others' hands.
    New messages and tokens, and statements, are judged by `verify_seal`.

    Raises:
        WireError: As `verify_seal`.
    """
    in_use = [record.while_in_use() for record in records]
    return verify_seal(envelope, in_use, typ)


def verify_seal(
    envelope: Envelope, records: Sequence[KeyRecord], typ: str, *, log_index: int | None = None
) -> tuple[KeyRecord, ...]:
    """Check both signatures of an envelope with the signer's key records.

    Args:
        envelope: A parsed envelope.
        records: Key records of the ministry that should have signed, as the membership has them.
        typ: The kind of envelope the caller expects.
        log_index: Proven index of the envelope in the signer's log; without it a retired or
            revoked key fails.

    Returns:
        The two records that verified.

    Raises:
        WireError: ``envelope.typ``; ``key.unknown`` for a kid outside `records`; ``key.algorithm``,
            ``key.purpose``, bounds as `api.wire.keys.check_bounds`; ``signature.*``.
    """
    if envelope.typ != typ:
        raise WireError("envelope.typ", "Send the kind of envelope that belongs here.")
    payload_b64 = encoding.b64u_encode(envelope.payload)
    used = []
    for entry in envelope.signatures:
        record = next((r for r in records if r.kid == entry.kid), None)
        if record is None:
            raise WireError("key.unknown", "Sign with a key the membership lists for the signer.")
        if record.purpose is not PURPOSES[typ]:
            raise WireError("key.purpose", "Sign with a key of the right purpose.")
        if record.alg != entry.alg:
            raise WireError("key.algorithm", "Sign with the algorithm of the key record.")
        keys.check_bounds(record, log_index)
        data = signing_input(entry.protected, payload_b64)
        keys.verify_signature(record, entry.signature, data)
        used.append(record)
    return tuple(used)
