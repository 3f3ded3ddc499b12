"""Which keys speak for a ministry's log, and whose cosignatures count: derived from a membership.

Owns the step from key records to note verifiers and to the policy of a ministry's log. Must not
verify anything itself (`api.tlog`).
"""

from collections.abc import Iterable
from typing import Final

from api.tlog.note import KeyKind, VerifierKey
from api.tlog.policy import witness_policy
from api.wire.encoding import b64u_decode
from api.wire.keys import KeyRecord, Purpose
from api.wire.membership import Member, Membership

_KINDS: Final = {
    Purpose.LOG: KeyKind.ED25519,
    Purpose.LOG_PQ: KeyKind.COSIGNATURE_ML_DSA_44,
    Purpose.WITNESS: KeyKind.COSIGNATURE_ED25519,
    Purpose.WITNESS_PQ: KeyKind.COSIGNATURE_ML_DSA_44,
}
_LOG: Final = (Purpose.LOG, Purpose.LOG_PQ)
_WITNESS: Final = (Purpose.WITNESS, Purpose.WITNESS_PQ)


def _verifiers(name: str, records: Iterable[KeyRecord]) -> list[VerifierKey]:
    # A revoked key may be in another's hands: nothing it signed is taken, whenever it did.
    return [
        VerifierKey(name, _KINDS[record.purpose], b64u_decode(_public(record)))
        for record in records
        if record.revoked_from is None
    ]


def _public(record: KeyRecord) -> str:
    return record.public["pub"] if record.public["kty"] == "AKP" else record.public["x"]


def log_verifiers(member: Member) -> list[VerifierKey]:
    """Keys of a member's log, current and retired, named by its origin; none that is revoked."""
    records = [record for record in member.keys if record.purpose in _LOG]
    return _verifiers(member.origin, records)


def witness_verifiers(member: Member) -> list[VerifierKey]:
    """Keys of a member's witness, current and retired; none that is revoked."""
    records = [record for record in member.keys if record.purpose in _WITNESS]
    return _verifiers(member.witness_name, records)


def partners(membership: Membership, ministry: str) -> list[Member]:
    """The members whose witnesses count for a ministry's log: all others, in their order."""
    return [member for member in membership.members if member.id != ministry]


def log_policy(membership: Membership, ministry: str, threshold: int) -> str:
    """The tlog-policy text of a ministry's log: `threshold` partners must have cosigned.

    Raises:
        WireError: ``membership.unknown-member``.
        LogError: ``policy.threshold`` when there are not that many partners.
    """
    witnesses = [
        (member.id, key)
        for member in partners(membership, ministry)
        for key in witness_verifiers(member)
    ]
    return witness_policy(log_verifiers(membership.member(ministry)), witnesses, threshold)
