"""Subjects and verdicts over REST: search suggests, an officer's verdict decides."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.services.desk import subject_pages, subjects
from api.services.desk.subjects import Candidate, Judgement
from api.web import bodies, cursors
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["subjects"])
REF = (
    "^((designation|package|proposal|thread):sha256:[0-9a-f]{64}(#s[1-9][0-9]{0,4})?"
    "|list:[a-z0-9-]{1,100}:.{1,300})$"
)


class NewVerdict(BaseModel):
    """What an officer found about two descriptions."""

    model_config = ConfigDict(extra="forbid")

    one: Annotated[str, Field(pattern=REF)]
    other: Annotated[str, Field(pattern=REF)]
    outcome: Literal["same", "not-same", "unsure"]
    reason: Annotated[str, Field(min_length=1, max_length=4000)]


@router.route_for("GET", "/subjects", Action.SUBJECT_SEARCH, operation_id="search_subjects")
async def search(
    node: NodeOf,
    caller: OfficerOf,
    q: Annotated[str, Query(min_length=1, max_length=300)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSONResponse:
    """Suggest descriptions with names like this one: list entries, and what the caller may read."""
    found = await run(subjects.search, node, caller, q, limit=limit)
    content = {
        "items": [_candidate(one) for one in found.candidates],
        "verdicts": [views.document(row) for row in found.verdicts],
        "shared_verdicts": [views.document(row) for row in found.shared],
        "left_out": found.left_out,
        "common": found.common,
        "note": "These are suggestions; nothing follows from one until a verdict is recorded.",
    }
    return JSONResponse(content, headers={"cache-control": "no-store"})


@router.route_for("GET", "/subjects/page", Action.SUBJECT_SEARCH, operation_id="read_subject")
async def page(
    node: NodeOf, caller: OfficerOf, ref: Annotated[str, Query(max_length=500, pattern=REF)]
) -> JSONResponse:
    """Show a description with its candidates, verdicts, listings, links and ownership tests."""
    found = await run(subject_pages.page, node, caller, ref)
    return JSONResponse(views.document(found), headers={"cache-control": "no-store"})


@router.route_for("GET", "/verdicts", Action.SUBJECT_SEARCH, operation_id="list_verdicts")
async def verdicts(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> JSONResponse:
    """List verdicts, newest first, replaced ones included."""
    place = cursors.read(node, caller, "verdicts", cursor)
    before = (str(place[0]), str(place[1])) if place else None
    rows = await run(subjects.verdicts, node, caller, limit=limit + 1, before=before)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.make(node, caller, "verdicts", [last.at, last.id])
    return views.page([views.document(row) for row in rows[:limit]], following)


@router.route_for(
    "GET", "/verdicts/shared", Action.SUBJECT_SEARCH, operation_id="list_shared_verdicts"
)
async def shared(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List the verdicts that ministries told each other and that stand: whose, and why."""
    rows = await run(subjects.told, node, caller)
    content = {"items": [views.document(row) for row in rows]}
    return JSONResponse(content, headers={"cache-control": "no-store"})


@router.route_for(
    "POST",
    "/verdicts",
    Action.VERDICT_RECORD,
    status_code=201,
    body=NewVerdict,
    operation_id="record_verdict",
)
async def record(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Record that two descriptions are of one subject, are not, or may be; stays at this node."""
    content = await bodies.model_body(request, NewVerdict)
    judgement = Judgement(content.one, content.other, content.outcome, content.reason)
    row = await run(subjects.record_verdict, node, caller, judgement)
    return JSONResponse(views.document(row), status_code=201)


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "ref": one.ref,
        "kind": one.kind,
        "object": one.object,
        "key": one.key or None,
        "issuer": one.issuer,
        "schema": one.schema,
        "name": one.name,
        "names": list(one.names),
        "births": list(one.births),
        "shared": list(one.shared),
        "score": one.score,
        "equal": one.equal,
        "suggested": one.suggested.value,
        "signals": [
            {"kind": each.kind.value, "bearing": each.bearing.value, "text": each.text}
            for each in one.signals
        ],
    }
