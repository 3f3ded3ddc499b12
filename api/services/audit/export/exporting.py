"""Audit exports: a range of the log that anyone can check without this node.

Owns the use case: who may, which head, which range, the event that says an export was made, and
the way from rows to export lines. The format and the rule that nothing is sealed which would not
verify are ``api.domain.audit_export``'s. The steps of :func:`export`:

1. The policy is asked.
2. The newest head that the quorum of partners cosigned is chosen, and the range within it.
3. ``export.made`` is committed, naming the digest of the parameters. *Nothing has left yet.*
4. Entries are read in log order within one read transaction and written to a temporary file; the
   ministry seals the manifest last. The log may grow meanwhile: the head stays.
5. The caller streams the finished file. A crash before that leaves an event and no export.
"""

import tempfile
import threading
from dataclasses import dataclass
from typing import IO, Final

from sqlalchemy import Connection

from api import shipped
from api.domain.audit_export import ExportOrder, ExportRefused, write_export
from api.domain.errors import Conflict, Invalid, Unavailable
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import audit, audit_reading, officers
from api.records.audit import MadeExport
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.audit.export import export_streams, underway
from api.services.audit.export.export_entries import Wanted, bare_leaves, check_wanted, export_lines
from api.services.authorising import Caller, Permit, authorise, collection, entry_of
from api.services.log import heads
from api.services.log.own_tiles import StoredTiles
from api.services.node import Node
from api.tlog.note import parse_note
from api.tlog.ranges import range_proof
from api.wire import envelope
from api.wire.canonical import Json, canonical
from api.wire.digests import digest
from api.wire.export.guide import GUIDE
from api.wire.export.layout import Manifest
from api.wire.keys import Purpose

_HEADS_TRIED: Final = 64
_ROOM = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export.

    Attributes:
        file: at its beginning; closing it removes it.
        size: bytes.
        manifest: what the ministry sealed.
    """

    file: IO[bytes]
    size: int
    manifest: Manifest

    @property
    def name(self) -> str:
        """A name for the file."""
        bounds = f"{self.manifest.start}-{self.manifest.end}"
        return f"{self.manifest.ministry}-audit-{bounds}.zip"


def export(node: Node, caller: Caller, wanted: Wanted) -> Export:
    """Make an export; see the module docstring.

    Raises:
        Refused: the policy's code.
        Invalid: ``export.purpose``, ``export.filter``, ``export.range``.
        Conflict: ``export.unwitnessed``: no partner has cosigned a head yet.
        TooLarge: ``export.too-large``.
        Unavailable: ``export.busy``; ``log.damaged``: the stored log does not lead to its head.
    """
    permit = authorise(node, caller, Action.AUDIT_EXPORT, collection("audit"))
    check_wanted(wanted)
    note, size = node.db.read(lambda connection: witnessed_head(node, connection))
    bounds = node.db.read(lambda connection: _bounds(connection, wanted, size))
    if not _ROOM.acquire(blocking=False):
        raise Unavailable("export.busy", "Two exports are being made already; try again later.")
    try:
        _record_export(node, caller, permit, wanted)
        with underway.followed(node, caller.person):
            return _make(node, caller, wanted, note, bounds)
    finally:
        _ROOM.release()


@dataclass(frozen=True, slots=True)
class PastExport:
    """An export that was asked for, and by whom.

    Attributes:
        made: as it was recorded.
        by: the officer's name.
    """

    made: MadeExport
    by: str


def past(node: Node, caller: Caller, most: int) -> list[PastExport]:
    """Return the exports that were asked for, the newest first."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))

    def read(connection: Connection) -> list[PastExport]:
        found = audit.exports(connection, most)
        names = officers.names(connection, [one.officer for one in found])
        return [PastExport(one, names.get(one.officer, one.officer)) for one in found]

    return node.db.read(read)


def witnessed_head(node: Node, connection: Connection) -> tuple[bytes, int]:
    """Return the public head (``services/log/heads.py``) as a note, and its size.

    Raises:
        Conflict: ``export.unwitnessed``.
    """
    public = heads.public_head(node, connection)
    if public is None:
        raise Conflict("export.unwitnessed", "Too few partners cosigned this log: try again soon.")
    return public.note, public.size


def _bounds(connection: Connection, wanted: Wanted, size: int) -> tuple[int, int]:
    """Return the leaf range: with instants, the shortest one that misses no event of the period.

    Raises:
        Invalid: ``export.range``.
    """
    start, end = wanted.start, wanted.end
    if isinstance(start, str):
        found = audit_reading.first_since(connection, start)
        start = size if found is None else min(found, size)
    if end is None:
        end = size
    elif isinstance(end, str):
        last = audit_reading.last_before(connection, end)
        end = start if last is None else max(start, min(last + 1, size))
    if not 0 <= start <= end <= size:
        raise Invalid(
            "export.range", f"The witnessed log has the entries 0 to {size}.", witnessed=size
        )
    return start, end


def _record_export(node: Node, caller: Caller, permit: Permit, wanted: Wanted) -> None:
    """Commit the event of the export, and what was asked for, before anything leaves."""
    parameters = canonical(wanted.parameters())
    entry = entry_of(caller, permit, Act.EXPORT_MADE, Subject("export", digest(parameters)))
    row = {
        "id": node.entropy.identifier(),
        "digest": digest(parameters),
        "officer": caller.person,
        "parameters": parameters.decode(),
        "made_at": node.now(),
    }

    def write(unit: Unit) -> None:
        unit.insert(audit.EXPORTS, row)
        recording.record(node, unit, entry)

    node.db.write(write)


def _make(
    node: Node, caller: Caller, wanted: Wanted, note: bytes, bounds: tuple[int, int]
) -> Export:
    target = tempfile.TemporaryFile(prefix="comity-export-")  # noqa: SIM115 - handed to the caller
    try:
        with tempfile.TemporaryFile(prefix="comity-export-") as spool:
            manifest = node.db.read(
                lambda connection: write_export(
                    target,
                    _order(node, connection, caller, wanted, note, bounds),
                    underway.counted(
                        node,
                        caller.person,
                        export_lines(connection, *bounds, wanted),
                        bounds[1] - bounds[0],
                    ),
                    lambda payload: _seal(node, payload),
                    spool,
                )
            )
        size = target.tell()
        target.seek(0)
    except ExportRefused as refusal:
        target.close()
        raise Unavailable(
            "log.damaged",
            "The stored log does not lead to its cosigned head: run 'comity audit fsck'.",
            cause=refusal.code,
            **refusal.details,
        ) from refusal
    except BaseException:
        target.close()
        raise
    return Export(target, size, manifest)


def _seal(node: Node, payload: bytes) -> bytes:
    return envelope.seal(
        payload, envelope.MANIFEST, node.signer.keys(Purpose.SEAL), node.signer.sign
    )


def _order(
    node: Node,
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    note: bytes,
    bounds: tuple[int, int],
) -> ExportOrder:
    start, end = bounds
    size = int(parse_note(note).text.split("\n")[1])
    left, right = range_proof(start, end, size, StoredTiles(connection))
    name, _, version = node.software.partition("/")
    made_by = {"iss": caller.iss, "sub": caller.sub} if caller.iss else {"node": node.ministry}
    return ExportOrder(
        membership=node.membership,
        ministry=node.ministry,
        threshold=heads.threshold(node),
        checkpoint=note,
        start=start,
        end=end,
        left=tuple(left),
        right=tuple(right),
        made_by=made_by,
        tool=(name, version or "0"),
        purpose=wanted.purpose,
        made_at=node.now(),
        guide=GUIDE,
        verifier=verifier(),
        filter=_filter(connection, wanted, bounds),
        unwitnessed=audit_reading.count_events(connection) - size,
        streams=export_streams.document(node, connection, (start, end), wanted),
    )


def _filter(
    connection: Connection, wanted: Wanted, bounds: tuple[int, int]
) -> dict[str, Json] | None:
    """Return the filter; leaves that were recovered by their hash alone count as left out."""
    stated = wanted.filter() or {}
    bare = bare_leaves(connection, *bounds)
    if bare:
        stated["bare"] = bare
    return stated or None


def verifier() -> bytes:
    """Return the one-file verifier that travels in every export."""
    return shipped.verifier().read_bytes()
