"""A designation between its statements and its row: loads what stands, keeps the row.

Owns the table ``designations``. How amendments and delistings add up is decided by
``domain.designations``.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from api.domain import designations as rules
from api.domain.designations import Designation
from api.domain.reliance import of_designation
from api.records import designations
from api.records.unit_of_work import Unit
from api.services.statements.effects import reliance
from api.services.statements.effects.base import member_text
from api.services.statements.effects.descriptions import note
from api.services.statements.effects.thread_record import opened
from api.wire.statements import Statement


def standing_of(
    connection: Connection, designation_id: str, extra: Iterable[Statement] = ()
) -> Designation | None:
    """Return a designation as it stands here, or ``None`` if it is unknown.

    Args:
        connection: open connection.
        designation_id: the ``designation/1`` statement's id.
        extra: statements that are just being stored.
    """
    rows = designations.statements_of(connection, designation_id)
    known = {one.id: one for one in [*(opened(row) for row in rows), *extra]}
    first = known.pop(designation_id, None)
    return None if first is None else rules.standing(first, known.values())


def histories(connection: Connection) -> list[tuple[Statement, list[Statement]]]:
    """Return every designation known here with what was later said about it."""
    statements = [opened(row) for row in designations.statements_of(connection)]
    later: dict[str, list[Statement]] = {}
    for one in statements:
        if one.type != rules.DESIGNATION:
            later.setdefault(member_text(one.body, "designation"), []).append(one)
    return [(one, later.get(one.id, [])) for one in statements if one.type == rules.DESIGNATION]


def all_standing(connection: Connection) -> list[Designation]:
    """Return every designation known here as it stands."""
    return [rules.standing(one, later) for one, later in histories(connection)]


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
        found += [each["id"] for each in designations.statements_of(connection, id_)]
    return found


def note_known(unit: Unit, ids: Iterable[str], peer: str) -> None:
    """Note that a peer is being given these designations."""
    for id_ in ids:
        known = known_to(unit.connection, id_)
        row = designations.by_id(unit.connection, id_)
        if row is not None and row.issuer != peer and peer not in known:
            values = {"known_to": json.dumps(sorted(known | {peer}))}
            unit.update(designations.DESIGNATIONS, {"id": id_}, values)


def take_in(unit: Unit, designation: Designation, at: str, known: Sequence[str] = ()) -> None:
    """Write down a designation that is new here, with its subject and what it rests on."""
    row = row_of(designation) | {"known_to": json.dumps(sorted(known)), "stored_at": at}
    unit.insert(designations.DESIGNATIONS, row)
    note_subject(unit, designation, fresh=True)


def note_subject(unit: Unit, designation: Designation, *, fresh: bool = False) -> None:
    """Note whom a designation is about, for search, and what it rests on."""
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
