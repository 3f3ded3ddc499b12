"""This node's own log and witness keys, paired with their note verifiers.

Others' keys come from the membership (``domain/log_trust.py``). Signs nothing.
"""

from dataclasses import dataclass

from api.domain.log_trust import log_verifiers, witness_verifiers
from api.ports.signer import Signer
from api.tlog.note import VerifierKey
from api.wire.keys import Purpose
from api.wire.membership import Member

_LOG = (Purpose.LOG, Purpose.LOG_PQ)
_WITNESS = (Purpose.WITNESS, Purpose.WITNESS_PQ)


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key of this node with its note verifier."""

    kid: str
    verifier: VerifierKey


def own_keys(signer: Signer, me: Member, *, witness: bool) -> list[NamedKey]:
    """Return this node's current log (or witness) keys, Ed25519 first.

    Args:
        signer: holds the private halves.
        me: this ministry's entry in the membership; its origin names the keys.
        witness: the keys that cosign others' logs, instead of those that sign the own one.
    """
    purposes = _WITNESS if witness else _LOG
    verifiers = witness_verifiers if witness else log_verifiers
    found = []
    for purpose in purposes:
        for record in signer.keys(purpose):
            own = Member(me.id, me.jurisdiction, me.name, me.url, me.origin, (record,))
            found += [NamedKey(record.kid, verifier) for verifier in verifiers(own)]
    return found
