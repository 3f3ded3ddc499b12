"""The audit export over REST: one finished, sealed file, streamed in constant memory."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from api.ports.policy import Action
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted, bound
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])
_ZIP = {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_PIECE = 256 * 1024


@router.route_for(
    "GET",
    "/export",
    Action.AUDIT_EXPORT,
    operation_id="export_audit",
    responses={200: {"description": "The export (docs/protocol-export.md).", **_ZIP}},
)
async def export(
    node: NodeOf,
    caller: OfficerOf,
    *,
    purpose: Annotated[str, Query(min_length=1, max_length=1000)],
    since: Annotated[str | None, Query(alias="from", max_length=30)] = None,
    until: Annotated[str | None, Query(alias="to", max_length=30)] = None,
    act: Annotated[list[str] | None, Query(max_length=100)] = None,
    object: Annotated[str | None, Query(max_length=200)] = None,  # noqa: A002 - the field's name
) -> StreamingResponse:
    """Export a range of the log up to the newest witnessed head; bounds are indexes or times."""
    first = bound(since)
    wanted = Wanted(
        purpose=purpose,
        start=0 if first is None else first,
        end=bound(until, last=True),
        acts=tuple(act or ()),
        object_id=object,
    )
    made = await run(exporting.export, node, caller, wanted)
    headers = {
        "content-length": str(made.size),
        "content-disposition": f'attachment; filename="{made.name}"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(_pieces(made), headers=headers, media_type="application/zip")


def _pieces(made: exporting.Export) -> Iterator[bytes]:
    with made.file as file:
        while piece := file.read(_PIECE):
            yield piece
