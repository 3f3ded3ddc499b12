"""Witnessing partners' logs: judges a partner's head and cosigns it.

Owns the atomic compare-and-persist of what this node has seen of each partner's log. The steps of
:func:`examine`, in order:

1. No proof of that partner's misbehaviour stands.
2. The head is signed with every log key that the membership gives to that partner.
3. It continues the size this node last cosigned, or the right size is answered. A smaller head
   whose root is not that of the stored leaves is no old head but another history.
4. The consistency proof holds between the old head and this one.
5. The leaf hashes that come with it extend the stored tiles to exactly the head's root.

Only then is the head cosigned; :func:`persist` stores tiles and head in the caller's transaction
and refuses if another head was stored in between, or while this node is restored and may have
forgotten what it cosigned.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, Refused
from api.domain.log_trust import open_head_of
from api.records import log, node_state, peer_logs
from api.records.peer_logs import PeerLog
from api.records.unit_of_work import Unit
from api.services.log import log_keys
from api.services.log.checkpoints import signature_line
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint, parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.heads import OpenedCheckpoint
from api.tlog.merkle import HASH_SIZE, split_hashes
from api.tlog.note import format_note, parse_note
from api.tlog.proofs import consistency_proof, root_at, verify_consistency
from api.tlog.tiles import tiles_for_append
from api.wire.canonical import Json, canonical
from api.wire.digests import digest
from api.wire.keys import Purpose
from api.wire.messages import ConsistencyPath, Evidence

INCONSISTENT = "log.inconsistent"


@dataclass(frozen=True, slots=True)
class Examined:
    """A partner's head that passed the five steps, ready to be cosigned and stored.

    ``substantive`` is what is remembered of the log's substantive size so far.
    """

    peer: str
    old: int
    size: int
    root: bytes
    note: bytes
    tiles: list[tuple[int, int, bytes]]
    substantive: int = 0


@dataclass(frozen=True, slots=True)
class Cosigned:
    """This node's word on an examined head.

    Attributes:
        lines: cosignature lines, without line feeds.
        substantive: the log's substantive size as stated, bounded by what was seen.
        seal: this node's signature over the row that remembers all this. Cosigning is no event
            (PROTOCOL §6), so nothing else would tell if that row were changed.
    """

    lines: list[str]
    substantive: int
    seal: bytes


class PeerTiles:
    """Reads a partner's stored tiles, with fresh ones in front; a ``tlog.tiles.HashReader``."""

    def __init__(
        self, connection: Connection, peer: str, fresh: list[tuple[int, int, bytes]] | None = None
    ) -> None:
        self._connection = connection
        self._peer = peer
        self._fresh = {(level, index): data for level, index, data in fresh or ()}

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile."""
        data = self._fresh.get((level, index))
        if data is None:
            data = peer_logs.peer_tile(self._connection, self._peer, level, index)
        return data[: 32 * width]


def open_head(node: Node, peer: str, note: bytes) -> Checkpoint:
    """Return a partner's head whose log has signed it with each kind of key it has.

    Raises:
        Invalid: ``log.head``.
    """
    return _opened(node, peer, note).checkpoint


def _opened(node: Node, peer: str, note: bytes) -> OpenedCheckpoint:
    try:
        opened = open_head_of(node.membership.member(peer), note)
    except LogError as error:
        raise Invalid("log.head", f"The checkpoint does not verify: {error}.") from error
    if not opened.complete:
        # Half a signature would witness what no proof of misbehaviour could ever use.
        raise Invalid("log.head", "Sign checkpoints with every log key that the membership lists.")
    return opened


def bare(node: Node, peer: str, note: bytes) -> bytes:
    """Return a head with one line by each key of its log, each verified, and nothing else.

    What is kept of a log may hold nothing that its ministry did not write: a line that only bears
    its name is left out. One head has one form, whoever handed it in.

    Raises:
        Invalid: ``log.head``.
    """
    opened = _opened(node, peer, note)
    return format_note(opened.note.text, [signed.line for signed in opened.log_signatures])


def examine(node: Node, connection: Connection, peer: str, evidence: Evidence) -> Examined:
    """Judge the head in a message's evidence; see the module docstring.

    Raises:
        Refused: ``log.accused``: a proof of misbehaviour stands.
        Invalid: ``log.*``: not signed by that log, or inconsistent with what was seen before.
        Conflict: ``log.size``: not from the size last cosigned; ``details["size"]`` has it.
    """
    require_trust(connection, peer)
    note = bare(node, peer, evidence.checkpoint.encode())
    head = parse_checkpoint(parse_note(note).text)
    seen = peer_logs.peer_log(connection, peer)
    old = seen.size if seen is not None else 0
    if head.size < old:
        _require_prefix(connection, peer, head)
        raise Conflict("log.size", "A larger head of this log was cosigned already.", size=old)
    stated = evidence.consistency.from_ if evidence.consistency is not None else 0
    if stated != old and head.size > old > 0:
        raise Conflict("log.size", "Prove consistency from the size last cosigned.", size=old)
    if len(evidence.leaves) != HASH_SIZE * (head.size - old):
        raise Conflict("log.size", "Send the leaf hashes from the size last cosigned.", size=old)
    try:
        if seen is not None and old > 0:
            path = evidence.consistency.path if evidence.consistency is not None else ()
            root = seen.root_hash
            verify_consistency(old, head.size, root, head.root, list(path))
        tiles = extend(connection, peer, old, split_hashes(evidence.leaves))
        root = root_at(head.size, PeerTiles(connection, peer, tiles))
    except LogError as error:
        raise Invalid(INCONSISTENT, f"The log does not continue: {error}.") from error
    if root != head.root:
        raise Invalid(INCONSISTENT, "The leaf hashes do not make the checkpoint's root.")
    known = seen.substantive if seen is not None else 0
    return Examined(peer, old, head.size, head.root, note, tiles, known)


def require_trust(connection: Connection, peer: str) -> None:
    """Refuse to vouch for a log while a proof against its ministry stands.

    Raises:
        Refused: ``log.accused``.
    """
    if node_state.accused(connection, peer):
        raise Refused(
            "log.accused",
            "A proof of this ministry's misbehaviour stands; its log is not cosigned.",
        )


def evidence_of(
    connection: Connection, peer: str, note: bytes, size: int, leaves: bytes
) -> Evidence:
    """Return the evidence for a head whose leaf hashes were read, from the size cosigned last.

    Args:
        connection: open for reading.
        peer: whose log.
        note: the head.
        size: its leaves.
        leaves: leaf hashes from the size cosigned last to ``size``, 32 bytes each.

    Raises:
        LogError: ``tile.length``.
    """
    seen = peer_logs.peer_log(connection, peer)
    old = seen.size if seen is not None else 0
    if not 0 < old < size:
        return Evidence(note.decode(), (), None, leaves)
    fresh = extend(connection, peer, old, split_hashes(leaves))
    path = consistency_proof(old, size, PeerTiles(connection, peer, fresh))
    return Evidence(note.decode(), (), ConsistencyPath(old, tuple(path)), leaves)


def extend(
    connection: Connection, peer: str, old: int, hashes: list[bytes]
) -> list[tuple[int, int, bytes]]:
    """Return the tiles of a partner's log that change when leaves follow the stored ones.

    Raises:
        LogError: ``tile.length``.
    """
    return tiles_for_append(old, hashes, PeerTiles(connection, peer))


def _require_prefix(connection: Connection, peer: str, head: Checkpoint) -> None:
    """Tell a head that is merely old from one of another history.

    Raises:
        Invalid: ``log.inconsistent``.
    """
    if root_at(head.size, PeerTiles(connection, peer)) != head.root:
        raise Invalid(INCONSISTENT, "This head is not of the history that was seen before.")


def cosign(node: Node, examined: Examined, stated: int) -> Cosigned:
    """Return this node's cosignature of an examined head.

    Args:
        node: this node.
        examined: the head.
        stated: the substantive size that the partner states for its log; it never shrinks.
    """
    text = parse_note(examined.note).text
    timestamp = int(node.clock.now().timestamp())
    lines = [
        signature_line(node.signer, key, text, timestamp).format().removesuffix("\n")
        for key in log_keys.own_keys(node.signer, node.me, witness=True)
    ]
    substantive = max(examined.substantive, min(stated, examined.size))
    key = node.signer.keys(Purpose.WITNESS)[0]
    seal = node.signer.sign(key.kid, sealed_bytes(_remembered(examined, lines, substantive)))
    return Cosigned(lines, substantive, seal)


def _remembered(
    examined: Examined, lines: list[str], substantive: int, seal: bytes | None = None
) -> PeerLog:
    return PeerLog(
        peer=examined.peer,
        size=examined.size,
        root=examined.root.hex(),
        note=examined.note,
        cosignatures="\n".join(lines).encode(),
        substantive=substantive,
        seal=seal,
    )


def sealed_bytes(row: PeerLog) -> bytes:
    """Return what this node's witness key signs of a row of ``peer_logs``.

    The prefix keeps it apart from cosignatures, which the same key makes (tlog-cosignature).
    """
    members: dict[str, Json] = {
        "peer": row.peer,
        "size": row.size,
        "root": row.root,
        "note": digest(row.note),
        "cosignatures": digest(row.cosignatures),
        "substantive": row.substantive,
    }
    return b"comity/peer-log/v1\n" + canonical(members)


def persist(unit: Unit, examined: Examined, cosigned: Cosigned) -> None:
    """Store the tiles and the head in the caller's transaction.

    A crash before the commit leaves the older head; the cosignature has not left this node then.

    Raises:
        Unavailable: ``node.restoring``.
        Conflict: ``log.size``: another head of that log was stored meanwhile.
    """
    if not unit.recovering and node_state.restoring(unit.connection):
        raise node_state.restoring_refusal()
    unit.lock(f"log of {examined.peer}")
    seen = peer_logs.peer_log(unit.connection, examined.peer)
    old = seen.size if seen is not None else 0
    known = seen.substantive if seen is not None else 0
    if (old, known) != (examined.old, examined.substantive):
        raise Conflict("log.size", "Prove consistency from the size last cosigned.", size=old)
    log.upsert(
        unit.connection,
        peer_logs.PEER_TILES,
        [
            {"peer": examined.peer, "level": level, "n": n, "data": data}
            for level, n, data in examined.tiles
        ],
    )
    row = _remembered(examined, cosigned.lines, cosigned.substantive, cosigned.seal)
    log.upsert(unit.connection, peer_logs.PEER_LOGS, [asdict(row)])
