"""An edition of a published list as FollowTheMoney entities, page by page.

Owns the use case. What is given away is what the list says; what statements say, and who is the
same as whom, is not in it.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.adapters.lists import followthemoney
from api.adapters.lists.followthemoney import Entity
from api.ports.policy import Action
from api.records.lists import Edition
from api.services.authorising import Caller, authorise, collection
from api.services.desk import lists
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class EntityPage:
    """The entities of some entries of an edition, in the order of the entries' ids.

    Attributes:
        edition: which edition.
        dataset: what its data set is called in files of entities.
        entities: of each entry its own, its sanction and its links.
        more: id of the entry after which the next page begins, or empty.
    """

    edition: Edition
    dataset: str
    entities: tuple[Entity, ...]
    more: str


def entity_page(
    node: Node, caller: Caller, edition_id: str, *, limit: int, after: str = ""
) -> EntityPage:
    """Return the entities of at most so many entries of an edition.

    Raises:
        NotFound: ``list.no-edition``.
    """
    authorise(node, caller, Action.LIST_READ, collection("lists"))

    def look(connection: Connection) -> EntityPage:
        part = lists.part_of(connection, edition_id, limit=limit, after=after)
        series = part.edition.series
        entities = [
            entity
            for one in part.entries
            for entity in followthemoney.entities_of(series, one, part.ids)
        ]
        name = followthemoney.dataset_name(series)
        return EntityPage(part.edition, name, tuple(entities), part.more)

    return node.db.read(look)
