"""A designation between its statements and its row: loads what stands, keeps the row.

Owns the table ``designations``. How amendments and delistings add up is decided by
``domain.designations``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from api.domain import designations as rules
from api.domain.designations import Designation
from api.domain.errors import Invalid
from api.domain.reliance import of_designation
from api.records import designations, identity, statements, subjects
from api.records.statements import StatementStanding, StoredStatement
from api.records.unit_of_work import Unit
from api.records.watches import FOLLOWED
from api.services.statements.effects import reliance
from api.services.statements.effects.base import member_text, opened
from api.services.statements.effects.descriptions import note
from api.wire import limits
from api.wire.statements import Statement


def standing_of(
    connection: Connection,
    designation_id: str,
    extra: Iterable[Statement] = (),
    *,
    by_issuer_alone: bool = False,
    without: str = "",
) -> Designation | None:
    """Return a designation as it stands here, or ``None`` if it is unknown.

    Args:
        connection: open connection.
        designation_id: the ``designation/1`` statement's id.
        extra: statements that are just being stored.
        by_issuer_alone: leave out changes that others told of it.
        without: id of a change that does not count yet.
    """
    rows = designations.statements_of(connection, designation_id)
    counted = [*(opened(row) for row in _counting(rows, by_issuer_alone=by_issuer_alone)), *extra]
    known = {one.id: one for one in counted if one.id != without}
    first = known.pop(designation_id, None)
    return None if first is None else rules.standing(first, known.values())


def _counting(
    rows: Sequence[StoredStatement], *, by_issuer_alone: bool = False
) -> Iterator[StoredStatement]:
    """Yield the statements that count: of a designation that its issuer sent, what it sent itself.

    A change that came beside another ministry's statement counts only while the designation itself
    is known from such a telling alone.
    """
    judged = {row.id for row in rows if row.standing == StatementStanding.JUDGED}
    for row in rows:
        of_issuer = row.id in judged or row.origin == row.issuer
        told = row.about not in judged and not by_issuer_alone
        if of_issuer or told or row.about == row.id:
            yield row


def histories(connection: Connection) -> list[tuple[Statement, list[Statement]]]:
    """Return every designation known here with what was later said about it."""
    statements = [opened(row) for row in _counting(designations.statements_of(connection))]
    later: dict[str, list[Statement]] = {}
    for one in statements:
        if one.type != rules.DESIGNATION:
            later.setdefault(member_text(one.body, "designation"), []).append(one)
    return [(one, later.get(one.id, [])) for one in statements if one.type == rules.DESIGNATION]


def all_standing(connection: Connection) -> list[Designation]:
    """Return every designation known here as it stands, each once.

    One that was told again because a partner refused it is counted in its later form.
    """
    known = histories(connection)
    replaced = {one.body.get("restates") for one, _ in known}
    return [rules.standing(one, later) for one, later in known if one.id not in replaced]


def known_to(connection: Connection, designation_id: str) -> frozenset[str]:
    """Return the ministries that were given a designation by this node."""
    row = designations.by_id(connection, designation_id)
    return row.known_to if row is not None else frozenset()


def to_bring(connection: Connection, ids: Iterable[str], peer: str) -> list[str]:
    """Return the statements that must travel along so that a peer knows these designations."""
    found: list[str] = []
    for id_ in ids:
        row = designations.by_id(connection, id_)
        if row is None or row.issuer == peer or peer in known_to(connection, id_):
            continue
        found += [each.id for each in designations.statements_of(connection, id_)]
    return found


def note_known(unit: Unit, ids: Iterable[str], peer: str) -> None:
    """Note that a peer is being given these designations."""
    for id_ in ids:
        known = known_to(unit.connection, id_)
        row = designations.by_id(unit.connection, id_)
        if row is not None and row.issuer != peer and peer not in known:
            values = {"known_to": json.dumps(sorted(known | {peer}))}
            unit.update(designations.DESIGNATIONS, {"id": id_}, values)


def forget_known(unit: Unit, designation_id: str, peer: str) -> None:
    """Note that a peer refused a designation: it counts as not told."""
    known = known_to(unit.connection, designation_id)
    if peer in known:
        values = {"known_to": json.dumps(sorted(known - {peer}))}
        unit.update(designations.DESIGNATIONS, {"id": designation_id}, values)


def require_room(connection: Connection, ids: Iterable[str], peers: Sequence[str]) -> None:
    """Refuse a statement that would have to bring more along than one item may.

    Raises:
        Invalid: ``statement.accompanying``.
    """
    named = list(ids)
    for peer in peers:
        brought = statements.by_ids(connection, to_bring(connection, named, peer))
        size = sum(len(row.envelope) for row in brought.values())
        if len(brought) > limits.ACCOMPANYING or size > limits.ENVELOPE:
            raise Invalid(
                "statement.accompanying",
                f"{peer} does not know these designations yet, and they are too many to go along: "
                "name fewer, or tell it of them first.",
            )


def take_in(
    unit: Unit,
    designation: Designation,
    at: str,
    known: Sequence[str] = (),
    *,
    told_by: str | None = None,
) -> None:
    """Write down a designation that is new here, with its subject and what it rests on.

    Args:
        unit: the open unit of work.
        designation: as it stands.
        at: the node's clock.
        known: ministries that are being given it.
        told_by: the ministry that told of it beside a statement of its own, if not its issuer.
    """
    row = row_of(designation) | {"known_to": json.dumps(sorted(known)), "stored_at": at}
    unit.insert(designations.DESIGNATIONS, row | {"told_by": told_by})
    note_subject(unit, designation, fresh=True)


def prevail(unit: Unit, statement: Statement) -> None:
    """Let a designation stand as its issuer sent it, whatever others told of it before."""
    rows = designations.statements_of(unit.connection, statement.id)
    own = [opened(row) for row in rows if row.origin == row.issuer]
    write(unit, rules.standing(statement, [one for one in own if one.id != statement.id]))
    unit.update(designations.DESIGNATIONS, {"id": statement.id}, {"told_by": None})


def recompute(unit: Unit, designation_id: str) -> None:
    """Write a designation down anew, from the statements that count now."""
    now = standing_of(unit.connection, designation_id)
    if now is not None and designations.by_id(unit.connection, designation_id) is not None:
        write(unit, now)


def forget(unit: Unit, designation_id: str) -> None:
    """Remove a designation that does not count, with what was noted of it."""
    for row in subjects.of_object(unit.connection, designation_id):
        unit.delete(subjects.SUBJECTS, {"ref": row.ref})
        identity.remove(unit, [row.ref])
    reliance.refresh(unit, designation_id, ())
    unit.delete(designations.DESIGNATIONS, {"id": designation_id})


def write(unit: Unit, designation: Designation) -> None:
    """Write down how a known designation stands now."""
    changed = {name: value for name, value in row_of(designation).items() if name != "id"}
    unit.update(designations.DESIGNATIONS, {"id": designation.id}, changed)
    note_subject(unit, designation)


def note_subject(unit: Unit, designation: Designation, *, fresh: bool = False) -> None:
    """Note whom a designation is about, for search, and what it rests on."""
    unit.ring(FOLLOWED)
    subject: Any = designation.body["subject"]
    note(unit, "designation", designation.id, designation.issuer, [subject], fresh=fresh)
    reliance.refresh(unit, designation.id, of_designation(designation), fresh=fresh)


def row_of(designation: Designation) -> dict[str, Any]:
    """Return the columns that follow from a designation as it stands."""
    body, ended = designation.body, designation.delisting
    return {
        "id": designation.id,
        "issuer": designation.issuer,
        "jurisdiction": designation.jurisdiction,
        "regime": body["regime"],
        "name": designation.name,
        "list_reference": body["list_reference"],
        "since": designation.since.isoformat(),
        "ended_on": ended.on.isoformat() if ended is not None else None,
        "amendments": len(designation.amendments),
        "proposal": body.get("proposal"),
    }
