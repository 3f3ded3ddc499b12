"""The audit log over REST: events, and who approved what, for auditors."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import JSONResponse

from api.ports.policy import Action
from api.services.audit import auditing
from api.services.audit.auditing import Wanted
from api.web import cursors
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])
_NO_STORE = {"cache-control": "no-store"}
Text = Annotated[str | None, Query(max_length=255)]


@router.route_for("GET", "/events", Action.AUDIT_LIST, operation_id="list_events")
async def events(
    node: NodeOf,
    caller: OfficerOf,
    *,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    act: Text = None,
    object: Text = None,  # noqa: A002 - the field's name
    actor: Text = None,
    outcome: Text = None,
    since: Annotated[str | None, Query(alias="from", max_length=30)] = None,
    until: Annotated[str | None, Query(alias="to", max_length=30)] = None,
) -> JSONResponse:
    """List events, newest first; `index` is the leaf once the event is sequenced.

    `actor` is an officer's record id or account, a member's id, or `node`; `from` is the first
    instant, `to` the first no longer.
    """
    wanted = Wanted(act or "", actor or "", outcome or "", object or "", since or "", until or "")
    listing = f"events:{act}:{object}:{actor}:{outcome}:{since}:{until}"
    place = cursors.read(node, caller, listing, cursor)
    before = int(place[0]) if place else None
    found = await run(auditing.events, node, caller, wanted, limit=limit + 1, before=before)
    following = None
    if len(found) > limit:
        following = cursors.make(node, caller, listing, [found[limit - 1].seq])
    return views.page([asdict(each) for each in found[:limit]], following)


@router.route_for("GET", "/events/{leaf}", Action.AUDIT_LIST, operation_id="read_event")
async def event(
    leaf: Annotated[int, Path(ge=0, lt=1 << 53)], node: NodeOf, caller: OfficerOf
) -> JSONResponse:
    """Return the event at one place of the log."""
    return JSONResponse(asdict(await run(auditing.at, node, caller, leaf)), headers=_NO_STORE)


@router.route_for("GET", "/approvals", Action.AUDIT_LIST, operation_id="list_approvals")
async def approvals(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Say who approved whose work, after how long, having seen it; newest first."""
    found = await run(auditing.approvals, node, caller)
    items = [{**asdict(each), "seconds": each.seconds} for each in found]
    return JSONResponse({"items": items}, headers=_NO_STORE)
