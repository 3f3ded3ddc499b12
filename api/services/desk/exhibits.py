"""Exhibits: storing their bytes, noting that they are here, handing them out.

Owns the use cases around the files of packages; bytes come before their row, always.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from api.domain.errors import Conflict
from api.domain.events import Act, Subject
from api.domain.evidence import ExhibitState
from api.ports.policy import Action, Resource
from api.ports.store import Stored
from api.records import packages
from api.records.package_rows import Exhibit, Package
from api.records.unit_of_work import Taken, Unit
from api.services import recording, visibility
from api.services.authorising import Caller, Permit, authorise, entry_of, unknown
from api.services.desk import recalls
from api.services.node import Node


def allow_exhibit(node: Node, caller: Caller, digest: str) -> Permit:
    """Return the permit to store an exhibit's bytes; to be asked before any of them is received.

    Raises:
        Refused: the policy denies it.
        Conflict: ``exhibit.erased``.
    """
    fresh = Resource("exhibit", digest, {"recused": frozenset(), "released_to": frozenset()})
    permit = authorise(node, caller, Action.EXHIBIT_WRITE, fresh)
    node.db.read(lambda connection: _check_not_erased(connection, digest))
    return permit


def store_exhibit(
    node: Node, caller: Caller, digest: str, size: int | None, chunks: Iterator[bytes]
) -> Stored:
    """Store an exhibit's bytes, then its row: the row is never ahead of the file.

    A crash after the file and before the row leaves a file that nobody refers to; repeating the
    call finds it and adds the row.

    Raises:
        Conflict: ``exhibit.erased``.
    """
    permit = allow_exhibit(node, caller, digest)
    stored = node.store.put(digest, size, chunks)
    note_stored(node, stored, _exhibit_entry(caller, permit, Act.EXHIBIT_STORED, digest))
    return stored


def _check_not_erased(connection: Connection, digest: str) -> None:
    """Refuse bytes that a legal order removed: what is erased does not come back."""
    known = packages.exhibits_by_digest(connection, [digest]).get(digest)
    if known is not None and known.state is ExhibitState.ERASED:
        raise Conflict(
            "exhibit.erased", "These bytes were erased under a legal order and stay erased."
        )


def note_stored(node: Node, stored: Stored, entry: recording.Entry) -> None:
    """Write the row of a stored exhibit with its event, once.

    Raises:
        Conflict: ``exhibit.erased``: an order was carried out meanwhile. The file stays behind as
            the erasure's own would after a crash, and ``comity audit fsck`` names it.
    """

    def write(unit: Unit) -> None:
        if mark_stored(node, unit, stored):
            recording.record(node, unit, entry)

    try:
        node.db.write(write)
    except Taken:
        # Two uploads of the same bytes met; the other one wrote the row.
        node.db.write(write)


def mark_stored(node: Node, unit: Unit, stored: Stored) -> bool:
    """Write the row of a stored exhibit in the caller's unit; returns whether that was new.

    Raises:
        Conflict: ``exhibit.erased``.
    """
    _check_not_erased(unit.connection, stored.digest)
    known = packages.exhibits_by_digest(unit.connection, [stored.digest]).get(stored.digest)
    if known is not None and known.state is ExhibitState.HELD:
        return False
    values = {"size": stored.size, "state": "held", "stored_at": node.now()}
    if known is None:
        unit.insert(packages.EXHIBITS, {"digest": stored.digest, **values})
    else:
        unit.update(packages.EXHIBITS, {"digest": stored.digest}, values)
    return True


def open_exhibit(node: Node, caller: Caller, digest: str) -> Stored:
    """Return an exhibit that the caller may read; each reading is an event.

    Raises:
        NotFound: ``exhibit.unknown``: absent, not here yet, or not for the caller.
    """

    def find(connection: Connection) -> tuple[Resource, Exhibit | None, list[Package]]:
        row = packages.exhibits_by_digest(connection, [digest]).get(digest)
        target = visibility.exhibit_resource(connection, digest)
        return target, row, packages.packages_with(connection, digest)

    target, row, listed = node.db.read(find)
    # A 403 would tell whom the bytes concern: an officer without the right gets one all the same.
    seen_by = Action.EXHIBIT_READ if _stands_aside(caller, target) else None
    permit = authorise(node, caller, Action.EXHIBIT_READ, target, visible_by=seen_by)
    node.db.read(lambda connection: recalls.require_unlocked(node, connection, caller, listed))
    held = row is not None and row.state is ExhibitState.HELD
    stored = node.store.head(digest) if held else None
    if stored is None:
        raise unknown("exhibit")
    entry = _exhibit_entry(caller, permit, Act.EXHIBIT_READ, digest)
    node.db.write(lambda unit: recording.record(node, unit, entry))
    return stored


def _stands_aside(caller: Caller, target: Resource) -> bool:
    aside = target.attributes["recused"]
    return isinstance(aside, frozenset) and bool(aside & caller.authors)


def _exhibit_entry(caller: Caller, permit: Permit, act: Act, digest: str) -> recording.Entry:
    return entry_of(caller, permit, act, Subject("exhibit", digest))
