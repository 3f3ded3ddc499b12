"""Collects the exhibits of received packages from the ministries that released them.

Owns ``package_exhibits.arrival`` and ``transfers``, and the moment at which this node says that it
holds everything (``exhibits-held/1``). Every byte comes from the ministry whose release lists it,
also where the same bytes are here for another package: then each range is compared with them. So
nobody learns by a release what else is held, and the word "held" is true of that release
(PROTOCOL §9). One transfer of bytes that are not here yet may be filled by several releasers at
once; if that makes no whole, each has to fill it alone.
"""

import logging
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import ComityError, Invalid
from api.domain.events import Act, Actor, Subject
from api.ports.store import Stored
from api.records import log, packages, statements
from api.records.packages import Arrived, Awaited
from api.records.statements import Filed
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.desk import evidence
from api.services.node import Node
from api.services.road import fetching
from api.services.sealing import seal_statement
from api.services.statements.effects.packages import CAME, MISMATCHED
from api.wire.limits import EXHIBIT_RANGE
from api.wire.message_bodies import ExhibitRange
from api.wire.messages import Kind
from api.wire.statements import NONCE_BYTES, Content, compose_statement
from api.wire.types import EXHIBITS_HELD

_MOST_AT_ONCE: Final = 100
_log = logging.getLogger(__name__)


def collect(node: Node, peer: str) -> bool:
    """Fetch one range of each exhibit that a partner's releases promise, and say what is complete.

    A row that cannot be fetched, for whatever cause, stops no other one.

    Returns:
        Whether anything came.
    """
    came = False
    for row in node.db.read(lambda connection: _awaited(node, connection, peer)):
        try:
            came = _fetch(node, peer, row) or came
        except ComityError as error:
            if error.code in fetching.AWAY:
                # A partner that is away must not cost one time-out for each of its exhibits.
                break
        except Exception:  # noqa: BLE001 - a defect met with one exhibit is one exhibit's
            _log.exception("exhibit not fetched", extra={"peer": peer})
    arrived = node.db.read(lambda c: packages.arrived_releases(c, node.ministry, peer))
    for release in arrived:
        _say_held(node, peer, release)
    return came or bool(arrived)


def _awaited(node: Node, connection: Connection, peer: str) -> list[Awaited]:
    """Return awaited exhibits to ask for now; where there are many, from any place in their order.

    Those that never come must not hide the others.
    """
    rows = packages.awaited_exhibits(connection, node.ministry, peer, limit=_MOST_AT_ONCE)
    if len(rows) < _MOST_AT_ONCE:
        return rows
    start = f"sha256:{node.entropy.token(4).hex()}"
    later = packages.awaited_exhibits(
        connection, node.ministry, peer, limit=_MOST_AT_ONCE, start=start
    )
    return later or rows


def _fetch(node: Node, peer: str, row: Awaited) -> bool:
    held = node.store.head(row.digest)
    if held is None and row.size == 0:
        held = node.store.put(row.digest, 0, iter(()))
    if held is None:
        return _append(node, peer, row)
    return _compare(node, peer, row, held)


def _append(node: Node, peer: str, row: Awaited) -> bool:
    """Add a range to the transfer of an exhibit that is not here."""
    if node.db.read(lambda connection: packages.filled_by_another(connection, row)):
        return False
    at = node.store.partial(row.digest)
    mine = at in {row.fetched, 0}
    data = _range(node, peer, row, at)
    if not data:
        return False
    try:
        progress = node.store.append_range(row.digest, row.size, at, data)
    except Invalid:
        if mine:
            _arrive(node, peer, row, None, MISMATCHED)
        else:
            _keep(node, row, 0, alone=True)
        return True
    if progress.stored is not None and mine:
        _arrive(node, peer, row, progress.stored, CAME)
    elif mine:
        _keep(node, row, progress.held, alone=row.alone)
    elif progress.stored is not None:
        # Parts came from others: what this one has not given yet is compared from here on.
        _arrive(node, peer, row, progress.stored, None)
    return True


def _compare(node: Node, peer: str, row: Awaited, held: Stored) -> bool:
    """Compare a range with the bytes that are here; it counts only if all of them are the same."""
    if row.fetched < row.size:
        data = _range(node, peer, row, row.fetched)
        if not data:
            return False
        end = row.fetched + len(data)
        same = end <= held.size and data == b"".join(node.store.read(row.digest, row.fetched, end))
        if not same:
            _arrive(node, peer, row, held, MISMATCHED)
            return True
        if end < row.size:
            _keep(node, row, end, alone=False)
            return True
    _arrive(node, peer, row, held, CAME if row.size == held.size else MISMATCHED)
    return True


def _range(node: Node, peer: str, row: Awaited, offset: int) -> bytes:
    """Ask for the next range; who fills a transfer alone loses that by falling short."""
    wanted = ExhibitRange(
        row.package, row.digest, offset, max(min(EXHIBIT_RANGE, row.size - offset), 1)
    )
    data = b""
    try:
        data = fetching.ask(node, peer, Kind.EXHIBIT_RANGE, dict(wanted.to_json()))
    finally:
        if row.alone and len(data) < wanted.length:
            _keep(node, row, row.fetched, alone=False)
    return data[: wanted.length]


def _keep(node: Node, row: Awaited, fetched: int, *, alone: bool) -> None:
    """Remember how far an exhibit has come; volatile, never an event."""
    values = {
        "package": row.package,
        "digest": row.digest,
        "fetched": fetched,
        "alone": int(alone),
    }
    node.db.write(lambda unit: log.upsert(unit.connection, packages.TRANSFERS, [values]))


def _arrive(node: Node, peer: str, row: Awaited, held: Stored | None, arrival: str | None) -> None:
    """Note that an exhibit is whole, or never will be, for one package, in one transaction.

    The file is durable before. A crash in between lets the last range come once more.
    """

    def write(unit: Unit) -> None:
        if held is not None:
            evidence.mark_stored(node, unit, held)
        if arrival is not None:
            labels = packages.labels_of(unit.connection, row.package, row.digest)
            keys = [(row.package, label) for label in labels]
            unit.update_many(packages.PACKAGE_EXHIBITS, keys, {"arrival": arrival})
            unit.delete(packages.TRANSFERS, {"package": row.package, "digest": row.digest})
        entry = recording.Entry(
            act=Act.EXHIBIT_RECEIVED,
            subject=Subject("exhibit", row.digest),
            actor=Actor("peer", sub=peer),
            outcome="done" if arrival != MISMATCHED else "refused",
            code="" if arrival != MISMATCHED else "exhibit.digest-mismatch",
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _say_held(node: Node, peer: str, arrived: Arrived) -> None:
    """Seal and post the word that every exhibit of a release has come from its issuer."""
    rows = node.db.read(lambda connection: packages.exhibits_of(connection, arrived.package))
    digests = sorted({str(row["digest"]) for row in rows})
    statement = compose_statement(
        Content(EXHIBITS_HELD, (peer,), {"release": arrived.release, "exhibits": [*digests]}),
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=None,
    )
    sealed = seal_statement(node, statement)

    def write(unit: Unit) -> None:
        key, values = {"id": arrived.release}, {"held": statement.id}
        expect = {"held": None, "state": "active"}
        if unit.update(packages.RELEASES, key, values, expect=expect) is None:
            return
        filed = Filed(sealed.envelope, sealed.digest, "own", arrived.release, node.now())
        statements.store(unit, statement, filed)
        recording.post(node, unit, [peer], statement.id, kind=Kind.DISPOSITION.value)
        entry = recording.Entry(
            act=Act.EXHIBITS_CONFIRMED, subject=Subject("package", arrived.package)
        )
        recording.record(node, unit, recording.concerning(entry, statement.id, sealed.digest))

    node.db.write(write)
