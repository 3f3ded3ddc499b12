"""Subjects of statements as FollowTheMoney entities, page by page.

Owns the use case. Only what the caller may read is given away, each with where it was said; who is
the same as whom is not in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.adapters.lists import followthemoney
from api.adapters.lists.followthemoney import Entity
from api.ports.policy import Action
from api.records import subjects
from api.records.subjects import Description
from api.services.authorising import Caller, authorise, collection
from api.services.desk import recalls
from api.services.desk.described import described_subject
from api.services.node import Node
from api.services.paging import Place, visible_page
from api.services.statements.effects.designation_record import standing_of


@dataclass(frozen=True, slots=True)
class DescribedEntities:
    """The entities of some descriptions, in the order of their references.

    Attributes:
        dataset: what the statements of this node are called as a data set.
        title: the same for people.
        entities: of each description its own, and its sanction if it is a designation in force.
        more: reference after which the next page begins, or empty.
    """

    dataset: str
    title: str
    entities: tuple[Entity, ...]
    more: str


def described_page(node: Node, caller: Caller, *, limit: int, after: str = "") -> DescribedEntities:
    """Return the entities of the next descriptions that the caller may read.

    Args:
        node: this node.
        caller: an officer of the desk.
        limit: most descriptions whose entities are returned.
        after: reference after which they begin.
    """
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))

    def fetch(place: Place | None, size: int) -> list[Description]:
        start = after if place is None else place[0]
        return node.db.read(lambda c: subjects.descriptions(c, limit=size, after=start))

    def allowed(rows: Sequence[Description]) -> list[bool]:
        seen = recalls.described_to(node, caller, ((one.kind, one.object) for one in rows))
        return [(one.kind, one.object) in seen for one in rows]

    # One more than asked tells whether there is a next page; it begins after one that is shown.
    found = visible_page(fetch, allowed, lambda one: (one.ref, ""), limit=limit + 1, start=None)
    kept = found[:limit]
    dataset = f"comity_{node.ministry.replace('-', '_')}"

    def look(connection: Connection) -> tuple[Entity, ...]:
        return tuple(one for row in kept for one in _entities(connection, dataset, row))

    more = kept[-1].ref if len(found) > limit else ""
    title = f"Statements held by {node.ministry}"
    return DescribedEntities(dataset, title, node.db.read(look), more)


def _entities(connection: Connection, dataset: str, row: Description) -> Iterator[Entity]:
    said = described_subject(connection, row)
    if said is None:
        return
    notes = (f"Described by {row.issuer}: {row.kind} {row.object}", *said.sources)
    listed = {}
    standing = standing_of(connection, row.object) if row.kind == "designation" else None
    if standing is not None and standing.delisting is None:
        listed = {
            "authority": standing.issuer,
            "authorityId": str(standing.body.get("list_reference", "")),
            "program": str(standing.body["regime"]),
            "startDate": standing.since.isoformat(),
        }
    yield from followthemoney.described_entities(dataset, said.schema, said.entry, notes, listed)
