"""Mirror requests over REST: open, list, read, say something in one, what the law suggests."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.domain.regimes.assessment import Assessment
from api.ports.policy import Action
from api.records.threads import Wanted
from api.services.desk import mirroring
from api.services.desk.mirroring import Suggested
from api.web import bodies, cursors
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1/mirror-requests", tags=["mirror requests"])
ThreadId = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
Ministry = Annotated[str | None, Query(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]
Regimes = Annotated[list[str] | None, Query(max_length=20)]


class NewRequest(BaseModel):
    """A mirror request to one ministry, in the making."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(max_length=64)]
    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


class NewStatement(BaseModel):
    """Something said in an open request, in the making; the recipient is the other party."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(pattern="^mirror-[a-z]+/[0-9]+$", max_length=60)]
    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


@router.route_for(
    "POST",
    "",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewRequest,
    operation_id="draft_mirror_request",
)
async def create(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Draft a request that another ministry mirror designations; a reviewer approves it."""
    content = await bodies.model_body(request, NewRequest)
    draft = await run(
        mirroring.request, node, caller, content.to, content.body, content.endorsement
    )
    return views.created_draft(draft)


@router.route_for("GET", "", Action.MIRROR_LIST, operation_id="list_mirror_requests")
async def list_requests(  # noqa: PLR0917 - one for each query parameter
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    phase: Annotated[str | None, Query(pattern="^(open|closed|withdrawn|void)$")] = None,
    requester: Ministry = None,
    addressee: Ministry = None,
) -> JSONResponse:
    """List mirror requests in both directions, newest first, with their subjects."""
    name = f"threads:{phase}:{requester}:{addressee}"
    place = cursors.read(node, caller, name, cursor)
    before = (str(place[0]), str(place[1])) if place else None
    wanted = Wanted(phase, requester, addressee)
    rows = await run(mirroring.threads_page, node, caller, wanted, limit=limit + 1, before=before)
    shown, following = rows[:limit], None
    if len(rows) > limit:
        last = shown[-1]
        following = cursors.make(node, caller, name, [last.opened_at, last.id])
    return views.page([views.document(row) for row in shown], following)


@router.route_for("GET", "/{thread_id}", Action.MIRROR_READ, operation_id="read_mirror_request")
async def read(thread_id: ThreadId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Read a request: the state that both ends compute, both sequences, and its subjects."""
    view = await run(mirroring.read, node, caller, thread_id)
    made = views.document(view)
    made.setdefault("comparison", {"outcome": "equal"})
    headers = {"etag": f'"{view.tag}"', "cache-control": "no-store"}
    return JSONResponse(made, headers=headers)


@router.route_for(
    "GET",
    "/{thread_id}/statements",
    Action.MIRROR_READ,
    operation_id="list_thread_statements",
)
async def statements(thread_id: ThreadId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List both sequences, the requester's first, each by number."""
    view = await run(mirroring.read, node, caller, thread_id)
    return JSONResponse(
        {"items": [views.document(one) for one in view.statements]},
        headers={"cache-control": "no-store"},
    )


@router.route_for(
    "POST",
    "/{thread_id}/statements",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewStatement,
    operation_id="draft_thread_statement",
)
async def say(
    thread_id: ThreadId, request: Request, node: NodeOf, caller: OfficerOf
) -> JSONResponse:
    """Draft a statement in the thread; what needs no approval is sealed at once."""
    content = await bodies.model_body(request, NewStatement)
    draft = await run(
        mirroring.say, node, caller, thread_id, content.type, content.body, content.endorsement
    )
    return views.created_draft(draft)


@router.route_for(
    "GET",
    "/{thread_id}/suggestions",
    Action.MIRROR_READ,
    operation_id="suggest_for_mirror_request",
)
async def suggest(
    thread_id: ThreadId, node: NodeOf, caller: OfficerOf, regime: Regimes = None
) -> JSONResponse:
    """Say what to weigh for each subject under the addressee's regimes; an officer decides."""
    found = await run(mirroring.suggestions, node, caller, thread_id, regime or [])
    return JSONResponse({"items": [_suggested(one) for one in found]})


def _suggested(one: Suggested) -> dict[str, Any]:
    return {
        "key": one.key,
        "regime": one.regime,
        "case": {
            "subject_kind": one.case.subject_kind,
            "conduct": sorted(one.case.conduct),
            "involvement": sorted(one.case.involvement),
            "listed_by": sorted(one.case.listed_by),
        },
        "suggestions": [
            {
                "code": each.code,
                "weight": each.weight,
                "sentence": each.sentence,
                "basis": each.basis.value,
                "sources": list(each.sources),
                "offers": list(each.offers),
            }
            for each in one.suggestions
        ],
        "assessment": _assessed(one.assessment),
    }


def _assessed(found: Assessment) -> dict[str, Any]:
    text = found.provision.text
    return {
        "status": found.status.value,
        "edition": found.edition,
        "ground": found.ground or None,
        "provision": {"en": found.provision.citation.en, "fr": found.provision.citation.fr},
        "text": None if text is None else {"en": text.en, "fr": text.fr or None},
        "basis": found.basis.value,
        "code": found.code,
        "reason": found.reason,
        "instead": list(found.instead),
        "barred": found.barred,
    }
