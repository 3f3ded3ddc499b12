"""The member ``streams.json`` of an audit export: which statements each message carried.

Owns the way from the message tables to the document with which an outsider recounts what was sent,
receipted, applied and refused (docs/auditing.md): the *facts* are the events in the log, this
document says which statements a message of those events carried. Only messages whose own event the
export discloses are named. Must not decide what an export covers.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import TooLarge
from api.domain.events import Act
from api.records import audit_reading
from api.records.audit_reading import MessageNumber
from api.records.stream_rows import Disposition
from api.services.audit.export.export_entries import Wanted
from api.services.node import Node
from api.wire.canonical import canonical
from api.wire.export.layout import SMALL, VERSION

_AT_ONCE: Final = 500


def document(node: Node, connection: Connection, bounds: tuple[int, int], wanted: Wanted) -> bytes:
    """Return JCS bytes of ``streams.json``.

    Args:
        node: this node.
        connection: open for reading.
        bounds: first leaf of the export and the leaf after its last.
        wanted: says which entries the export discloses.

    Raises:
        TooLarge: ``export.too-large``: the range names too many statements for one export.
    """
    streams: list[dict[str, Any]] = []
    sent = _disclosed(audit_reading.sent_in(connection, *bounds), Act.MESSAGE_SENT, wanted)
    for peer, rows in _by_peer(sent):
        messages = list(_sent(connection, peer, rows))
        streams.append({"from": node.ministry, "to": peer, "messages": messages})
    received = _disclosed(
        audit_reading.received_in(connection, *bounds), Act.MESSAGE_RECEIVED, wanted
    )
    for peer, rows in _by_peer(received):
        messages = list(_received(connection, peer, rows))
        streams.append({"from": peer, "to": node.ministry, "messages": messages})
    data = canonical({"comity": VERSION, "ministry": node.ministry, "streams": streams})
    if len(data) > SMALL:
        raise TooLarge("export.too-large", "The range carries too many messages: export a part.")
    return data


def _disclosed(rows: Sequence[MessageNumber], act: Act, wanted: Wanted) -> list[MessageNumber]:
    return [row for row in rows if wanted.discloses(act.value, row.id)]


def _by_peer(rows: Sequence[MessageNumber]) -> Iterator[tuple[str, list[MessageNumber]]]:
    for peer, group in groupby(rows, key=lambda row: row.peer):
        yield peer, list(group)


def _in_parts(rows: Sequence[MessageNumber]) -> Iterator[Sequence[MessageNumber]]:
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE]


def _message(row: MessageNumber) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind.value,
        "epoch": row.epoch,
        "seq": row.seq,
        "digest": row.digest,
    }


def _sent(connection: Connection, peer: str, rows: Sequence[MessageNumber]) -> Iterator[Any]:
    """Each message this node sent to a peer, with what the peer stated about each statement."""
    for part in _in_parts(rows):
        carried = audit_reading.carried(connection, [row.id for row in part])
        every = [statement for ids in carried.values() for statement in ids]
        stated = {row.statement: row for row in audit_reading.disposed(connection, peer, every)}
        for row in part:
            items = [_item(ident, stated.get(ident)) for ident in carried.get(row.id, ())]
            yield {**_message(row), "statements": items}


def _received(connection: Connection, peer: str, rows: Sequence[MessageNumber]) -> Iterator[Any]:
    """Each message a peer sent, with what this node decided on each statement so far."""
    for part in _in_parts(rows):
        decided = audit_reading.decided(connection, peer, [row.id for row in part])
        for row in part:
            items = [
                {"id": item.statement, "outcome": item.state} for item in decided.get(row.id, ())
            ]
            yield {**_message(row), "statements": items}


def _item(ident: str, stated: Disposition | None) -> dict[str, Any]:
    if stated is None:
        return {"id": ident}
    return {"id": ident, "outcome": stated.outcome, "disposition": stated.disposition}
