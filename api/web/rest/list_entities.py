"""An edition of a published list over REST as FollowTheMoney entities."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Query

from api.ports.policy import Action
from api.services.desk import list_entities
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.lists import EditionView
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/lists", tags=["lists"])


@dataclass(frozen=True, slots=True)
class EntityView:
    """One FollowTheMoney entity; a file of them has one such object a line.

    Attributes:
        schema: such as Person, Organization, Sanction.
        properties: values by name.
        datasets: the data set that it is of.
    """

    id: str
    schema: str
    properties: dict[str, list[str]]
    datasets: list[str]


@dataclass(frozen=True, slots=True)
class EntityPageView:
    """Entities of some entries of an edition, in the order of the entries' ids.

    Attributes:
        dataset: what the list is called as a data set.
        more: give it as `after` for the next page; empty on the last.
    """

    edition: EditionView
    dataset: str
    entities: list[EntityView]
    more: str


@router.route_for(
    "GET",
    "/{edition_id}/entities",
    Action.LIST_READ,
    operation_id="read_list_entities",
    response_description="The entities, and where the next page begins.",
)
async def entities(
    edition_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=300)] = "",
) -> Answer[EntityPageView]:
    """Read the entries of an edition as FollowTheMoney entities."""
    found = await run(list_entities.entity_page, node, caller, edition_id, limit=limit, after=after)
    return Answer(
        EntityPageView(
            edition=EditionView.of(found.edition),
            dataset=found.dataset,
            entities=[EntityView(**one) for one in found.entities],
            more=found.more,
        )
    )
