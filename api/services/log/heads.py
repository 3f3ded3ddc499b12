"""What of this node's log partners vouch for: the public head, and the tail nobody has seen yet.

Owns the rule which head is public: the newest one that ``Limits.quorum`` partners have cosigned,
each with every kind of witness key it has. The log door shows that head; what lies beyond it is
reported with its size and age. A ministry's own witness never counts. Changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.log_trust import log_policy, open_by_policy, partners, witness_verifiers
from api.records import log
from api.services.node import Node
from api.tlog.errors import LogError
from api.tlog.note import format_note, parse_note
from api.tlog.policy import Policy, parse_policy
from api.wire.encoding import parse_instant

_CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class PublicHead:
    """A head of this node's log that reached the quorum.

    Attributes:
        size: leaves.
        root: 32 bytes.
        note: the checkpoint with the log's signatures, then the partners' cosignatures.
        cosigners: ministries that cosigned it.
    """

    size: int
    root: bytes
    note: bytes
    cosigners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tail:
    """What lies beyond the public head.

    Attributes:
        leaves: leaves in signed heads that no quorum has cosigned.
        unsequenced: committed events that are in no shown head yet.
        since: time of the oldest of all these events; empty if there are none.
        seconds: its age.
    """

    leaves: int
    unsequenced: int
    since: str
    seconds: int


def threshold(node: Node) -> int:
    """Return how many partners must have cosigned: the setting, at most all there are."""
    return min(node.limits.quorum, len(partners(node.membership, node.ministry)))


def policy(node: Node) -> Policy:
    """Return the tlog-policy that a public head of this node's log meets."""
    return parse_policy(policy_text(node).encode())


def policy_text(node: Node) -> str:
    """Return that policy as text, as it travels in exports."""
    return log_policy(node.membership, node.ministry, threshold(node))


def public_head(node: Node, connection: Connection) -> PublicHead | None:
    """Return the newest public head, or ``None`` before the first.

    The one answer to "what is public": log door, status, proofs in package files and exports all
    show this head, in the strict form that verifiers want (one line by each key, none of a key that
    is unknown or revoked). The stored cosignatures are verified again, so that a changed row never
    makes a head look better than it is.
    """
    wanted = policy(node)
    needed = threshold(node)
    for size in log.sizes_cosigned_by(connection, needed, _CANDIDATES):
        row = log.head_at(connection, size)
        if row is None:
            continue
        lines = log.cosignatures_at(connection, size)
        try:
            note = _strict(node, row.note, [line.line for line in lines])
            open_by_policy(node.me, wanted, note, strict=True)
        except LogError:
            continue
        cosigners = tuple(sorted({line.cosigner for line in lines}))
        return PublicHead(size, row.root_hash, note, cosigners)
    return None


def _strict(node: Node, note: bytes, lines: Sequence[str]) -> bytes:
    """Return a head with the newest cosignature of each partner's key that counts.

    Raises:
        LogError: a stored line is malformed.
    """
    if not lines:
        return note
    counted = {
        (key.name, key.key_id)
        for member in partners(node.membership, node.ministry)
        for key in witness_verifiers(member)
    }
    own, every = parse_note(note), parse_note(with_lines(note, lines)).signatures
    # The time of a cosignature comes first in its bytes.
    newest = {(line.name, line.key_id): line for line in sorted(every, key=lambda each: each.blob)}
    signed = [(line.name, line.key_id) for line in own.signatures]
    order = dict.fromkeys((line.name, line.key_id) for line in every)
    return format_note(own.text, [newest[who] for who in order if who in counted or who in signed])


def with_lines(note: bytes, lines: Sequence[str]) -> bytes:
    """Return a note with further signature lines (given without line feeds) at its end."""
    return note + "".join(f"{line}\n" for line in lines).encode()


def tail(node: Node, connection: Connection, public: PublicHead | None) -> Tail:
    """Return what lies beyond the public head."""
    newest = log.newest_head(connection)
    size = newest.size if newest is not None else 0
    known = public.size if public is not None else 0
    since = log.oldest_beyond(connection, known)
    age = 0
    if since:
        age = max(0, int((node.clock.now() - parse_instant(since)).total_seconds()))
    return Tail(
        leaves=size - known,
        unsequenced=log.count_beyond(connection, size),
        since=since,
        seconds=age,
    )
