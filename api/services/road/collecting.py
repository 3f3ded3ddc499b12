"""Collects the exhibits of received packages from the ministries that released them.

Owns ``package_exhibits.arrival`` and ``transfers``, and the moment at which this node says that it
holds everything (``exhibits-held/1``). Every byte comes from the ministry whose release lists it,
also where the same bytes are here for another package: then each range is compared with them. So
nobody learns by a release what else is held, and the word "held" is true of that release
(PROTOCOL §9). Bytes that are not here yet are filled in by one releaser at a time, from the start.
Who falls short or sends what makes no whole loses its turn to others that released the same.
"""

import logging
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import ComityError, Invalid
from api.domain.events import Act, Actor, Subject
from api.domain.quotas import Share
from api.ports.store import Stored
from api.records import log, packages, statements, transfers
from api.records.package_rows import Arrived, Awaited
from api.records.statements import Filed
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.desk import exhibits
from api.services.node import Node
from api.services.road import fetching, traffic
from api.services.sealing import seal_statement
from api.services.statements.effects.packages import CAME
from api.wire.limits import EXHIBIT_RANGE
from api.wire.message_bodies import ExhibitRange
from api.wire.messages import MessageKind
from api.wire.statements import NONCE_BYTES, Content, compose_statement
from api.wire.types import EXHIBITS_HELD

_MOST_AT_ONCE: Final = 100
_log = logging.getLogger(__name__)


def outstanding(node: Node, peer: str) -> bool:
    """Tell whether anything may have to be asked of a partner or said to it, in one statement."""
    return node.db.look(lambda connection: transfers.outstanding(connection, node.ministry, peer))


def collect(node: Node, peer: str) -> bool:
    """Fetch one range of each exhibit that a partner's releases promise, and say what is complete.

    A row that cannot be fetched, for whatever cause, stops no other one.

    Returns:
        Whether anything came.
    """
    came = False
    for row in node.db.read(lambda connection: _awaited(node, connection, peer)):
        if not traffic.left(node, peer, Share.EXHIBITS_IN):
            # It has sent its share of today; the rest comes tomorrow.
            break
        try:
            came = _fetch(node, peer, row) or came
        except ComityError as error:
            if error.code in fetching.AWAY:
                # A partner that is away must not cost one time-out for each of its exhibits.
                break
        except Exception:  # noqa: BLE001 - a defect met with one exhibit is one exhibit's
            _log.exception("exhibit not fetched", extra={"peer": peer})
    arrived = node.db.read(lambda c: transfers.arrived_releases(c, node.ministry, peer))
    for release in arrived:
        _say_held(node, peer, release)
    return came or bool(arrived)


def _awaited(node: Node, connection: Connection, peer: str) -> list[Awaited]:
    """Return awaited exhibits to ask for now; where there are many, from any place in their order.

    Those that never come must not hide the others.
    """
    rows = transfers.awaited_exhibits(connection, node.ministry, peer, limit=_MOST_AT_ONCE)
    if len(rows) < _MOST_AT_ONCE:
        return rows
    start = f"sha256:{node.entropy.token(4).hex()}"
    later = transfers.awaited_exhibits(
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
    """Add a range to the transfer of an exhibit that is not here, if it is this ministry's turn."""
    if node.db.read(lambda connection: transfers.turn_of_another(connection, row)):
        return False
    at = node.store.partial(row.digest) if row.turn else 0
    data, short = _range(node, peer, row, at)
    if short and node.db.read(lambda connection: transfers.wanted_elsewhere(connection, row)):
        _lose(node, row)
        return False
    if not data:
        return False
    if not row.turn:
        # What lies there is of nobody, or of one who lost its turn.
        node.store.delete(row.digest)
    try:
        progress = node.store.append_range(row.digest, row.size, at, data)
    except Invalid:
        _lose(node, row)
        return False
    if progress.stored is not None:
        _arrive(node, peer, row, progress.stored)
    else:
        _keep(node, row, progress.held)
    return True


def _compare(node: Node, peer: str, row: Awaited, held: Stored) -> bool:
    """Compare a range with the bytes that are here; it counts only if all of them are the same."""
    end = row.fetched
    if row.fetched < row.size:
        data, _ = _range(node, peer, row, row.fetched)
        if not data:
            return False
        end = row.fetched + len(data)
        if end > held.size or data != b"".join(node.store.read(row.digest, row.fetched, end)):
            _lose(node, row)
            return False
        if end < row.size:
            _keep(node, row, end)
            return True
    if end != held.size:
        _lose(node, row)
        return False
    _arrive(node, peer, row, held)
    return True


def _range(node: Node, peer: str, row: Awaited, offset: int) -> tuple[bytes, bool]:
    """Ask for the next range; returns its bytes, and whether they are fewer than were asked for."""
    length = max(min(EXHIBIT_RANGE, row.size - offset), 1)
    wanted = ExhibitRange(row.package, row.digest, offset, length)
    try:
        data = fetching.ask(node, peer, MessageKind.EXHIBIT_RANGE, dict(wanted.to_json()))
    except ComityError:
        if node.db.read(lambda connection: transfers.wanted_elsewhere(connection, row)):
            _lose(node, row)
        raise
    node.db.write(lambda unit: traffic.note(node, unit, peer, Share.EXHIBITS_IN, len(data)))
    return data, len(data) < length


def _keep(node: Node, row: Awaited, fetched: int) -> None:
    """Remember how far an exhibit has come, and whose turn it is; volatile, never an event."""
    values = {"package": row.package, "digest": row.digest, "fetched": fetched}
    node.db.write(lambda unit: log.upsert(unit.connection, transfers.TRANSFERS, [values]))


def _lose(node: Node, row: Awaited) -> None:
    """Begin again later, behind others that wait for the same bytes."""
    key = {"package": row.package, "digest": row.digest}
    node.db.write(lambda unit: unit.delete(transfers.TRANSFERS, key))


def _arrive(node: Node, peer: str, row: Awaited, held: Stored) -> None:
    """Note that an exhibit has come for one package, in one transaction.

    The file is durable before. A crash in between lets the last range come once more.
    """

    def write(unit: Unit) -> None:
        exhibits.mark_stored(node, unit, held)
        labels = transfers.labels_of(unit.connection, row.package, row.digest)
        keys = [(row.package, label) for label in labels]
        unit.update_many(packages.PACKAGE_EXHIBITS, keys, {"arrival": CAME})
        unit.delete(transfers.TRANSFERS, {"package": row.package, "digest": row.digest})
        entry = recording.Entry(
            act=Act.EXHIBIT_RECEIVED,
            subject=Subject("exhibit", row.digest),
            actor=Actor("peer", sub=peer),
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _say_held(node: Node, peer: str, arrived: Arrived) -> None:
    """Seal and post the word that every exhibit of a release has come from its issuer."""
    rows = node.db.read(lambda connection: packages.exhibits_of(connection, arrived.package))
    digests = sorted({row.digest for row in rows})
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
        recording.post(node, unit, [peer], statement.id, kind=MessageKind.DISPOSITION.value)
        entry = recording.Entry(
            act=Act.EXHIBITS_CONFIRMED, subject=Subject("package", arrived.package)
        )
        recording.record(node, unit, recording.concerning(entry, statement.id, sealed.digest))

    node.db.write(write)
