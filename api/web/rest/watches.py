"""Watches over REST: what officers are told about when a published list changes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.records.watches import Watch
from api.services.desk import watching
from api.web import bodies
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.subjects import REF
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["subjects"])
_WATCHED = f"({REF})|(^programme:[a-z0-9-]{{1,100}}:.{{1,100}}$)"


class NewWatch(BaseModel):
    """What is watched: a description by its reference, or a programme of a list; and why."""

    model_config = ConfigDict(extra="forbid")

    ref: Annotated[str, Field(pattern=_WATCHED)]
    reason: Annotated[str, Field(min_length=1, max_length=4000)]


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches that stand, oldest first."""

    items: tuple[Watch, ...]


@router.route_for("GET", "/watches", Action.SUBJECT_SEARCH, operation_id="list_watches")
async def standing(node: NodeOf, caller: OfficerOf) -> Answer[Watches]:
    """List what is watched, oldest first."""
    return Answer(Watches(tuple(await run(watching.standing_watches, node, caller))))


@router.route_for(
    "POST",
    "/watches",
    Action.SUBJECT_WATCH,
    status_code=201,
    body=NewWatch,
    operation_id="set_watch",
)
async def watch(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Watch]:
    """Ask to be told when a list changes about a description, or under a programme."""
    content = await bodies.model_body(request, NewWatch)
    return Answer(await run(watching.watch, node, caller, content.ref, content.reason), 201)


@router.route_for("POST", "/watches/{watch_id}/end", Action.SUBJECT_WATCH, operation_id="end_watch")
async def end(
    watch_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], node: NodeOf, caller: OfficerOf
) -> Answer[Watch]:
    """End a watch."""
    return Answer(await run(watching.end, node, caller, watch_id))
