"""What must hold of a federation at rest, checked from stored rows alone.

    check_everything(federation)            # nodes of the simulator
    check_everything([copy, copy, copy])    # or anything with `ministry`, `db` and `membership`

Owns the invariants of one node's log and tables and of what its peers saw of that log; the ones
between two nodes are in `check_streams`. Every digest and root is computed here with `hashlib`
from PROTOCOL §6 and RFC 6962, not with the project's log, so that a fault there cannot hide.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, select, text
from sqlalchemy.engine import RowMapping

from api.domain.log_trust import log_verifiers, witness_verifiers
from api.records.database import Database
from api.records.metadata import row_digest, row_key
from api.records.schema import METADATA
from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.wire.membership import Membership
from tests.support.tree_check import fsck


class Stored(Protocol):
    """A node, running or not: who it is, where its rows are, whom it knows."""

    @property
    def ministry(self) -> str: ...
    @property
    def db(self) -> Database: ...
    @property
    def membership(self) -> Membership: ...


@dataclass
class Copy:
    """Everything one node stores, read at one moment.

    Attributes:
        ministry: whose node.
        membership: as pinned there.
        rows: by table name, in primary key order.
        faults: what does not hold, in words.
    """

    ministry: str
    membership: Membership
    rows: dict[str, list[RowMapping]]
    faults: list[str] = field(default_factory=list)

    def require(self, holds: object, fault: str) -> bool:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(f"{self.ministry}: {fault}")
        return bool(holds)

    def index(self, table: str, *columns: str) -> dict[Any, RowMapping]:
        """Rows of a table by the value (or values) of these columns."""
        if len(columns) == 1:
            return {row[columns[0]]: row for row in self.rows[table]}
        return {tuple(row[column] for column in columns): row for row in self.rows[table]}

    def groups(self, table: str, *columns: str) -> dict[tuple[Any, ...], list[RowMapping]]:
        """Rows of a table under the values of these columns."""
        found: dict[tuple[Any, ...], list[RowMapping]] = {}
        for row in self.rows[table]:
            found.setdefault(tuple(row[column] for column in columns), []).append(row)
        return found


ROWS = {
    table.name: select(table).order_by(*table.primary_key.columns)
    for table in METADATA.sorted_tables
}
FILLED = text(
    "\nUNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in ROWS)
)
"""The names of tables that hold something: most are empty, and to ask each takes longer."""


def read_copy(node: Stored) -> Copy:
    """Read every table of a node in one snapshot."""

    def read(connection: Connection) -> dict[str, list[RowMapping]]:
        filled = set(connection.scalars(FILLED))
        return {
            name: list(connection.execute(rows).mappings()) if name in filled else []
            for name, rows in ROWS.items()
        }

    return Copy(node.ministry, node.membership, node.db.read(read))


def check_everything(nodes: Iterable[Stored], *, at_rest: bool = True) -> dict[str, Copy]:
    """Check every invariant; returns what was read, by ministry.

    Args:
        nodes: all nodes of the federation, or those that can be read.
        at_rest: nothing is under way: every message has its receipt, every event its leaf.

    Raises:
        AssertionError: lists everything that does not hold.
    """
    copies = {node.ministry: read_copy(node) for node in nodes}
    check_copies(copies, at_rest=at_rest)
    return copies


def check_copies(copies: dict[str, Copy], *, at_rest: bool = True) -> None:
    """Check every invariant of what was read."""
    from tests.support.check_streams import check_between, check_streams

    for copy in copies.values():
        check_log(copy, at_rest=at_rest)
        check_change_sets(copy)
        check_streams(copy, at_rest=at_rest)
    for copy in copies.values():
        for other in copies.values():
            if other is not copy:
                check_view(copy, other)
                check_between(copy, other, at_rest=at_rest)
    faults = [fault for copy in copies.values() for fault in copy.faults]
    assert not faults, "\n".join(["does not hold:", *faults[:40]])


# ---- one node's log --------------------------------------------------------------------------


def leaf_entry(event: RowMapping) -> bytes:
    """The leaf of an event row, from PROTOCOL §6."""
    salt_e, body, salt_s = (bytes(event[name]) for name in ("salt_e", "body", "salt_s"))
    e = hashlib.sha256(b"comity/event/v1\n" + salt_e + body).hexdigest()
    s = salt_s.hex()
    if event["envelope_digest"] is not None:
        raw = bytes.fromhex(event["envelope_digest"].removeprefix("sha256:"))
        s = hashlib.sha256(b"comity/statement/v1\n" + salt_s + raw).hexdigest()
    return f'{{"e":"{e}","s":"{s}","v":1}}'.encode()


def roots(leaves: Iterable[bytes]) -> Iterator[bytes]:
    """The root after each leaf hash, the empty tree's first (RFC 6962 §2.1)."""
    yield hashlib.sha256(b"").digest()
    peaks: list[tuple[int, bytes]] = []
    for leaf in leaves:
        peaks.append((1, leaf))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (width, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * width, hashlib.sha256(b"\x01" + left + right).digest()))
        root = peaks[-1][1]
        for _, left in reversed(peaks[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        yield root


def leaf_hashes(copy: Copy) -> list[bytes]:
    """Leaf hashes of a node's log, from its events."""
    return [hashlib.sha256(b"\x00" + leaf_entry(event)).digest() for event in placed(copy)]


def placed(copy: Copy) -> list[RowMapping]:
    """Events that have a leaf, in log order."""
    found = [row for row in copy.rows["events"] if row["leaf_index"] is not None]
    return sorted(found, key=lambda row: int(row["leaf_index"]))


class _Rows:
    """A stored log as `fsck` reads it."""

    def __init__(self, copy: Copy) -> None:
        self._tiles = copy.index("log_tiles", "level", "n")
        self._bundles = copy.index("log_bundles", "n")
        self._newest = max(copy.rows["log_heads"], key=lambda row: int(row["size"]))

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        return bytes(self._tiles[level, index]["data"])[: 32 * width]

    def read_entries(self, index: int, width: int) -> bytes:
        row = self._bundles[index]
        if row["width"] != width:
            raise LogError("fsck.width", "the last bundle is not as wide as the head says")
        return bytes(row["data"])

    def read_checkpoint(self) -> bytes:
        return bytes(self._newest["note"])


def check_log(copy: Copy, *, at_rest: bool) -> None:
    """Events give leaves, bundles, tiles and every signed head; cosignatures are others' and hold."""
    events = placed(copy)
    indexes = [row["leaf_index"] for row in events]
    copy.require(indexes == list(range(len(events))), "leaf indexes have gaps")
    if at_rest:
        waiting = len(copy.rows["events"]) - len(events)
        copy.require(waiting == 0, f"{waiting} events have no leaf")
    for event in events:
        _check_event(copy, event)
    if not events or not copy.require(copy.rows["log_heads"], "no head was signed"):
        return
    stored = b"".join(bytes(row["data"]) for row in copy.rows["log_bundles"])
    derived = b"".join(len(entry).to_bytes(2, "big") + entry for entry in map(leaf_entry, events))
    copy.require(stored == derived, "bundles are not what the events give")
    me = copy.membership.member(copy.ministry)
    report = fsck(_Rows(copy), log_verifiers(me))
    copy.require(report.ok, f"fsck: {report.findings}")
    copy.require(report.size == len(events), "the newest head does not cover every leaf")
    known = list(roots(leaf_hashes(copy)))
    for head in copy.rows["log_heads"]:
        copy.require(head["root"] == known[head["size"]].hex(), f"head {head['size']}: other root")
        opened = open_checkpoint(bytes(head["note"]), log_verifiers(me))
        signed = (opened.checkpoint.size, opened.checkpoint.root.hex(), opened.complete)
        copy.require(signed == (head["size"], head["root"], True), "a head's note says otherwise")
    _check_cosignatures(copy)


def _check_event(copy: Copy, event: RowMapping) -> None:
    body = json.loads(bytes(event["body"]))
    told = (body["id"], body["act"], body["ministry"], body["outcome"])
    copy.require(
        told == (event["id"], event["act"], copy.ministry, event["outcome"]),
        f"event {event['id']}: its columns are not what it says",
    )
    touched = hashlib.sha256(str(event["touched"]).encode()).hexdigest()
    copy.require(body["state"] == f"sha256:{touched}", f"event {event['id']}: other change set")


def _check_cosignatures(copy: Copy) -> None:
    heads = copy.index("log_heads", "size")
    for (size, cosigner), rows in copy.groups("cosignatures", "size", "cosigner").items():
        copy.require(cosigner != copy.ministry, "a node cosigned its own log")
        if not copy.require(size in heads, f"cosigned size {size} was never signed"):
            continue
        lines = "".join(f"{row['line']}\n" for row in rows).encode()
        opened = open_checkpoint(
            bytes(heads[size]["note"]) + lines,
            log_verifiers(copy.membership.member(copy.ministry)),
            witness_verifiers(copy.membership.member(cosigner)),
        )
        copy.require(len(opened.cosignatures) == len(rows), f"{cosigner} did not cosign {size}")


# ---- change sets -----------------------------------------------------------------------------


def check_change_sets(copy: Copy) -> None:
    """Replaying the change sets of all events gives exactly the recorded rows."""
    unplaced = [row for row in copy.rows["events"] if row["leaf_index"] is None]
    expected: dict[tuple[str, str], str] = {}
    for event in [*placed(copy), *sorted(unplaced, key=lambda row: int(row["seq"]))]:
        for table, key, digest in json.loads(event["touched"]):
            place = (table, json.dumps(key))
            if digest is None:
                expected.pop(place, None)
            else:
                expected[place] = digest
    actual = {
        (table.name, json.dumps(row_key(table, row))): row_digest(table, row)
        for table in METADATA.sorted_tables
        if table.info["protection"] == "recorded"
        for row in copy.rows[table.name]
    }
    for place in sorted(expected.keys() | actual.keys()):
        copy.require(
            expected.get(place) == actual.get(place),
            f"row {place} is not what the events say ({_difference(place, expected, actual)})",
        )


def _difference(
    place: tuple[str, str], expected: dict[tuple[str, str], str], actual: dict[tuple[str, str], str]
) -> str:
    if place not in expected:
        return "no event wrote it"
    return "changed" if place in actual else "missing"


# ---- what others saw -------------------------------------------------------------------------


def check_view(copy: Copy, owner: Copy) -> None:
    """What a node stores of another's log is a prefix of that log, and was signed by it."""
    row = copy.index("peer_logs", "peer").get(owner.ministry)
    if row is None:
        return
    size, leaves = int(row["size"]), leaf_hashes(owner)
    name = f"view of {owner.ministry}"
    if not copy.require(size <= len(leaves), f"{name}: larger than the log"):
        return
    root = list(roots(leaves[:size]))[-1].hex()
    copy.require(row["root"] == root, f"{name}: another root at {size}")
    tiles = [
        bytes(tile["data"])
        for tile in copy.rows["peer_tiles"]
        if (tile["peer"], tile["level"]) == (owner.ministry, 0)
    ]
    copy.require(b"".join(tiles) == b"".join(leaves[:size]), f"{name}: other leaf hashes")
    member = copy.membership.member(owner.ministry)
    cosigned = bytes(row["note"]) + bytes(row["cosignatures"]) + b"\n"
    witness = witness_verifiers(copy.membership.member(copy.ministry))
    opened = open_checkpoint(cosigned, log_verifiers(member), witness)
    copy.require(
        (opened.checkpoint.size, opened.checkpoint.root.hex()) == (size, root),
        f"{name}: the kept note is of another head",
    )
    copy.require(len(opened.cosignatures) == len(witness), f"{name}: not cosigned")
    copy.require(row["substantive"] <= size, f"{name}: substantive size beyond the head")


def payload_of(envelope: bytes) -> dict[str, Any]:
    """The signed content of a stored envelope; read with the standard library."""
    text = json.loads(envelope)["payload"]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return content
