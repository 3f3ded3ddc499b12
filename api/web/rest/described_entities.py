"""Subjects of statements over REST as FollowTheMoney entities."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.ports.policy import Action
from api.services.desk import described_entities
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.list_entities import EntityView
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/subjects", tags=["subjects"])


@dataclass(frozen=True, slots=True)
class DescribedEntitiesView:
    """Entities of some descriptions, in the order of their references.

    Attributes:
        dataset: what the statements held here are called as a data set.
        title: the same for people.
        more: give it as `after` for the next page; empty on the last.
    """

    dataset: str
    title: str
    entities: list[EntityView]
    more: str


@router.route_for(
    "GET",
    "/entities",
    Action.SUBJECT_SEARCH,
    operation_id="read_subject_entities",
    response_description="The entities, and where the next page begins.",
)
async def entities(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str, Query(max_length=500)] = "",
) -> Answer[DescribedEntitiesView]:
    """Read the subjects of the statements that you may read as FollowTheMoney entities."""
    found = await run(described_entities.described_page, node, caller, limit=limit, after=after)
    entities = [EntityView(**one) for one in found.entities]
    return Answer(DescribedEntitiesView(found.dataset, found.title, entities, found.more))
