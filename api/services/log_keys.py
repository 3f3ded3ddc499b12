"""Note verifiers of logs and witnesses, derived from membership and signer key records.

Owns the names: a log's keys are named by its origin, a ministry's witness keys by
``<origin>/witness``. Signs nothing.
"""

from dataclasses import dataclass

from api.ports.signer import Signer
from api.tlog.note import KeyKind, VerifierKey
from api.wire.encoding import b64u_decode
from api.wire.keys import KeyRecord, Purpose
from api.wire.membership import Member

_KINDS = {
    Purpose.LOG: KeyKind.ED25519,
    Purpose.LOG_PQ: KeyKind.COSIGNATURE_ML_DSA_44,
    Purpose.WITNESS: KeyKind.COSIGNATURE_ED25519,
    Purpose.WITNESS_PQ: KeyKind.COSIGNATURE_ML_DSA_44,
}
_LOG = (Purpose.LOG, Purpose.LOG_PQ)
_WITNESS = (Purpose.WITNESS, Purpose.WITNESS_PQ)


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key of this node with its note verifier."""

    kid: str
    verifier: VerifierKey


def witness_name(origin: str) -> str:
    """Return the name under which the ministry with this log origin cosigns."""
    return f"{origin}/witness"


def verifier(record: KeyRecord, origin: str) -> VerifierKey:
    """Return the note verifier of one log or witness key record."""
    name = origin if record.purpose in _LOG else witness_name(origin)
    public = record.public["pub"] if record.public["kty"] == "AKP" else record.public["x"]
    return VerifierKey(name, _KINDS[record.purpose], b64u_decode(public))


def log_verifiers(member: Member) -> list[VerifierKey]:
    """Return the verifiers of a member's log."""
    return [verifier(key, member.origin) for key in member.keys if key.purpose in _LOG]


def witness_verifiers(member: Member) -> list[VerifierKey]:
    """Return the verifiers of a member's witness."""
    return [verifier(key, member.origin) for key in member.keys if key.purpose in _WITNESS]


def own_verifiers(signer: Signer, origin: str, *, witness: bool) -> list[NamedKey]:
    """Return this node's current log (or witness) keys, Ed25519 first."""
    purposes = _WITNESS if witness else _LOG
    return [
        NamedKey(record.kid, verifier(record, origin))
        for purpose in purposes
        for record in signer.keys(purpose)
    ]
