"""The index of identities made anew: after a change of the rules for keys, or after its loss.

Owns the walk over what the index is made from: the newest edition of every list, and what
statements, proposals and threads describe. Changes nothing that is recorded.
"""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from api.records import identity, lists, subjects
from api.records.lists import Edition
from api.records.subjects import Description
from api.records.unit_of_work import Unit
from api.services.desk import identity as matching
from api.services.node import Node
from api.services.statements.effects import descriptions

_BATCH = 2000


def reindex(node: Node) -> int:
    """Empty the index and fill it again; returns how many descriptions it holds then.

    Each list is one transaction, so that officers' work goes on meanwhile; what they look for may
    be missing until it is done. It can be repeated after a crash anywhere.
    """
    node.db.write(identity.clear)
    for edition in node.db.read(lists.newest_editions).values():
        node.db.write(partial(_put_edition, edition))
    after = ""
    while rows := node.db.read(partial(_described, after)):
        node.db.write(partial(_put_descriptions, rows))
        after = rows[-1].ref
    return node.db.read(identity.count)


def _put_edition(edition: Edition, unit: Unit) -> None:
    members = lists.members_of(unit.connection, edition.id)
    matching.index_edition(unit, edition, members, {})


def _put_descriptions(rows: Sequence[Description], unit: Unit) -> None:
    identity.put(unit, [descriptions.indexed(one) for one in rows])


def _described(after: str, connection: Connection) -> list[Description]:
    return subjects.descriptions(connection, limit=_BATCH, after=after)
