"""The audit log over REST: events for auditors."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from api.ports.policy import Action
from api.services.audit import auditing
from api.web import cursors
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])


@router.route_for("GET", "/events", Action.AUDIT_LIST, operation_id="list_events")
async def events(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    act: Annotated[str | None, Query(max_length=60, pattern="^[a-z.-]+$")] = None,
    object: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002 - the field's name
) -> JSONResponse:
    """List events, newest first; `index` is the leaf once the event is sequenced."""
    listing = f"events:{act}:{object}"
    place = cursors.read(node, caller, listing, cursor)
    before = int(place[0]) if place else None
    items = await run(
        auditing.listed, node, caller, limit=limit + 1, before=before, act=act, object_id=object
    )
    following = None
    if len(items) > limit:
        following = cursors.make(node, caller, listing, [items[limit - 1]["seq"]])
    return views.page(items[:limit], following)
