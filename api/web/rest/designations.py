"""Designations over REST: state, amend, end, list, read."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.designations import AMENDMENT, DELISTING
from api.ports.policy import Action
from api.services.desk import designations
from api.services.desk.designations import DesignationSummary, DesignationView
from api.services.statements.draft_form import DraftView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Created, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.drafted import drafted
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/designations", tags=["designations"])
DesignationId = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
Jurisdiction = Annotated[str | None, Query(pattern="^[A-Z]{2,8}(-[A-Z0-9]{1,8})?$")]


class NewDesignation(BaseModel):
    """The fact that this jurisdiction listed a subject, in the making."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[list[str], Field(min_length=1, max_length=64)]
    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


class NewChange(BaseModel):
    """An amendment or delisting; the designation is the one in the path."""

    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


@router.route_for(
    "POST",
    "",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewDesignation,
    operation_id="draft_designation",
    response_description="The draft that was made.",
)
async def create(request: Request, node: NodeOf, caller: OfficerOf) -> Created[DraftView]:
    """Draft a designation; another reviewer approves it."""
    content = await bodies.model_body(request, NewDesignation)
    draft = await run(
        designations.designate, node, caller, content.to, content.body, content.endorsement
    )
    return drafted(draft)


@router.route_for(
    "GET",
    "",
    Action.DESIGNATION_LIST,
    operation_id="list_designations",
    response_description="One page of designations.",
)
async def list_designations(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    jurisdiction: Jurisdiction = None,
) -> Answer[Page[DesignationSummary]]:
    """List designations of all jurisdictions, last stored first."""
    name = f"designations:{jurisdiction}"
    place = cursors.read(node, caller, name, cursor)
    before = (str(place[0]), str(place[1])) if place else None
    rows = await run(
        designations.designations_page,
        node,
        caller,
        limit=limit + 1,
        before=before,
        jurisdiction=jurisdiction,
    )
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.make(node, caller, name, [last.stored_at, last.id])
    return answers.page(rows[:limit], following)


@router.route_for(
    "GET",
    "/{designation_id}",
    Action.DESIGNATION_READ,
    operation_id="read_designation",
    response_description="The designation.",
)
async def read(
    designation_id: DesignationId, node: NodeOf, caller: OfficerOf
) -> Answer[DesignationView]:
    """Read a designation as it stands, its statements, its clocks, and what rests on it."""
    return Answer(await run(designations.read, node, caller, designation_id))


@router.route_for(
    "POST",
    "/{designation_id}/amendments",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewChange,
    operation_id="draft_amendment",
    response_description="The draft that was made.",
)
async def amend(
    designation_id: DesignationId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Draft an amendment, addressed to every ministry that was given the designation."""
    content = await bodies.model_body(request, NewChange)
    draft = await run(
        designations.change,
        node,
        caller,
        designation_id,
        AMENDMENT,
        content.body,
        content.endorsement,
    )
    return drafted(draft)


@router.route_for(
    "POST",
    "/{designation_id}/delisting",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewChange,
    operation_id="draft_delisting",
    response_description="The draft that was made.",
)
async def delist(
    designation_id: DesignationId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Draft a delisting, addressed to every ministry that was given the designation."""
    content = await bodies.model_body(request, NewChange)
    draft = await run(
        designations.change,
        node,
        caller,
        designation_id,
        DELISTING,
        content.body,
        content.endorsement,
    )
    return drafted(draft)
