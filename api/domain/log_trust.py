"""Which keys speak for a ministry's log, and whose cosignatures count: derived from a membership.

Owns the step from key records to note verifiers and to the policy of a ministry's log, and with it
which keys count for a head of which size. The signatures themselves are `api.tlog`'s.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from api.tlog.checkpoint import parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.heads import OpenedCheckpoint, open_checkpoint
from api.tlog.note import KeyKind, VerifierKey, parse_note
from api.tlog.policy import Policy, witness_policy
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


def log_verifiers(member: Member, size: int | None = None) -> list[VerifierKey]:
    """Keys of a member's log, named by its origin; none that is revoked.

    Args:
        member: whose log.
        size: only those that may have signed a head of this many leaves (PROTOCOL §9, *Keys in
            time*: a log key signs heads from its first index up to its end); without it all.
    """
    records = [
        record
        for record in member.keys
        if record.purpose in _LOG and (size is None or _in_time(record, size))
    ]
    return _verifiers(member.origin, records)


def _in_time(record: KeyRecord, size: int) -> bool:
    return record.from_ <= size and (record.until is None or size <= record.until)


def witness_verifiers(member: Member, *, current: bool = False) -> list[VerifierKey]:
    """Keys of a member's witness; none that is revoked.

    Args:
        member: whose witness.
        current: only those that may cosign now. A retired key's cosignature counts where it was
            stored before the membership that retired it, and for whoever verifies later.
    """
    records = [
        record
        for record in member.keys
        if record.purpose in _WITNESS and not (current and record.until is not None)
    ]
    return _verifiers(member.witness_name, records)


def open_head_of(
    member: Member, note: bytes, cosigners: Sequence[VerifierKey] = (), *, strict: bool = False
) -> OpenedCheckpoint:
    """Open a head of a member's log with the keys that may have signed a head of its size.

    Args:
        member: whose log.
        note: the head.
        cosigners: keys of witnesses whose cosignatures are of interest.
        strict: see ``tlog.heads.open_checkpoint``.

    Raises:
        LogError: ``checkpoint.retired-key``: a kind of key of that log had none in use there; or
            a code of ``open_checkpoint``.
    """
    size = parse_checkpoint(parse_note(note).text).size
    keys = log_verifiers(member, size)
    # Each kind of key that the log has must sign: half a signature proves nothing to an outsider.
    if {key.kind for key in keys} != {key.kind for key in log_verifiers(member)}:
        raise LogError("checkpoint.retired-key", "a key of this log was not in use at this size")
    return open_checkpoint(note, keys, cosigners, strict=strict)


def open_by_policy(
    member: Member, policy: Policy, note: bytes, *, strict: bool = False
) -> OpenedCheckpoint:
    """Open a head of a member's log by a policy, whose text knows no ends of keys, and check these.

    Args:
        member: whose log.
        policy: which log keys and how many partners.
        note: the head with cosignatures.
        strict: see ``tlog.heads.open_checkpoint``.

    Raises:
        LogError: ``checkpoint.retired-key``: a log key signed beyond its end, or a code of
            ``Policy.open``.
    """
    opened = policy.open(note, strict=strict)
    in_use = log_verifiers(member, opened.checkpoint.size)
    if not all(signed.key in in_use for signed in opened.log_signatures):
        raise LogError("checkpoint.retired-key", "a key of this log was not in use at this size")
    return opened


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
