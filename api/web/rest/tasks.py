"""Tasks over REST: what waits for me, what is overdue, what partners owe us; holdings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.notation import Count, Cursor, Instant
from api.ports.policy import Action
from api.services.desk import assigning, holdings, tasks
from api.services.desk.assigning import Colleague
from api.services.desk.holdings import HeldView
from api.services.desk.tasks import Closing, ReviewView, Scope, TaskCounts, TaskView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["tasks"])
TaskId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Ministry = Annotated[str, Path(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page of what one partner holds from us; without ``next`` it is the last.

    Attributes:
        ministry: the partner.
        at: the instant.
        items: packages with what was known of each, by digest.
        delivered: statements of all types that it signed for by then, counted by type.
        next: cursor of the next page.
    """

    ministry: str
    at: Instant
    items: Sequence[HeldView]
    delivered: Mapping[str, Count]
    next: Cursor | None = None


class Close(BaseModel):
    """How a review ends."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["kept", "decided-again", "noted"]
    reason: Annotated[str, Field(max_length=4000)] = ""


@router.route_for(
    "GET", "/tasks", Action.TASK_LIST, operation_id="list_tasks", response_description="What waits."
)
async def list_tasks(
    node: NodeOf,
    caller: OfficerOf,
    scope: Scope = Scope.MINE,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Answer[Page[TaskView]]:
    """List what waits, what is due first at the top."""
    place = cursors.read(node, caller, f"tasks:{scope}", cursor)
    after = (str(place[0]), str(place[1])) if place else None
    found = await run(tasks.tasks_page, node, caller, scope, limit=limit + 1, after=after)
    shown, following = found[:limit], None
    if len(found) > limit:
        following = cursors.make(node, caller, f"tasks:{scope}", list(shown[-1].place))
    return answers.page(shown, following)


@router.route_for(
    "GET",
    "/tasks/counts",
    Action.TASK_LIST,
    operation_id="count_tasks",
    response_description="How much is owed.",
)
async def counts(node: NodeOf, caller: OfficerOf) -> Answer[TaskCounts]:
    """Count what this ministry owes in threads and reviews, and how much of it is overdue."""
    return Answer(await run(tasks.counts, node, caller))


@router.route_for(
    "POST",
    "/tasks/{task_id}/close",
    Action.TASK_CLOSE,
    body=Close,
    operation_id="close_task",
    response_description="The review, closed.",
)
async def close(
    task_id: TaskId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[ReviewView]:
    """Close a review with a reason: the decision stands, or was taken anew."""
    content = await bodies.model_body(request, Close)
    closing = Closing(content.outcome, content.reason)
    return Answer(await run(tasks.close, node, caller, task_id, closing))


class Assign(BaseModel):
    """To whom a task is given."""

    model_config = ConfigDict(extra="forbid")

    officer: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class Colleagues:
    """The colleagues for whom a task waits as well, by name."""

    items: tuple[Colleague, ...]


@router.route_for(
    "POST",
    "/tasks/{task_id}/claim",
    Action.TASK_LIST,
    operation_id="claim_task",
    response_description="The task, with who works on it.",
)
async def claim(task_id: TaskId, node: NodeOf, caller: OfficerOf) -> Answer[TaskView]:
    """Say that the caller works on a task; it gives no right to it and takes none."""
    return Answer(await run(assigning.claim, node, caller, task_id))


@router.route_for(
    "POST",
    "/tasks/{task_id}/hand-back",
    Action.TASK_LIST,
    operation_id="hand_back_task",
    response_description="The task.",
)
async def hand_back(task_id: TaskId, node: NodeOf, caller: OfficerOf) -> Answer[TaskView]:
    """Say that the caller works on a task no longer."""
    return Answer(await run(assigning.hand_back, node, caller, task_id))


@router.route_for(
    "GET",
    "/tasks/{task_id}/colleagues",
    Action.TASK_ASSIGN,
    operation_id="list_colleagues",
    response_description="To whom it can be given.",
)
async def colleagues(task_id: TaskId, node: NodeOf, caller: OfficerOf) -> Answer[Colleagues]:
    """List the colleagues for whom a task waits as well."""
    return Answer(Colleagues(tuple(await run(assigning.colleagues, node, caller, task_id))))


@router.route_for(
    "POST",
    "/tasks/{task_id}/assign",
    Action.TASK_ASSIGN,
    body=Assign,
    operation_id="assign_task",
    response_description="The task, with who works on it.",
)
async def assign(
    task_id: TaskId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[TaskView]:
    """Give a task to a colleague for whom it waits as well."""
    content = await bodies.model_body(request, Assign)
    return Answer(await run(assigning.assign, node, caller, task_id, content.officer))


@router.route_for(
    "GET",
    "/peers/{ministry}/holdings",
    Action.PEER_READ,
    operation_id="list_holdings",
    response_description="What the partner holds from us, and what proves it.",
)
async def held(
    ministry: Ministry,
    node: NodeOf,
    caller: OfficerOf,
    at: Annotated[str | None, Query(max_length=30)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Answer[HeldPage]:
    """Say what a partner holds from us, now or at an instant, and what proves it, by digest."""
    name = f"holdings:{ministry}:{at}"
    place = cursors.read(node, caller, name, cursor)
    start = (str(place[0]), str(place[1])) if place else None
    found = await run(holdings.of_peer, node, caller, ministry, at, limit=limit + 1, start=start)
    following = None
    if len(found.items) > limit:
        last = holdings.place_of(found.items[limit - 1])
        following = cursors.make(node, caller, name, list(last))
    page = HeldPage(found.ministry, found.at, found.items[:limit], found.delivered, following)
    return Answer(page)
