"""The audit log over REST: events, and who approved what, for auditors."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Query

from api.domain.approvals import Approval
from api.domain.notation import Count, Instant, Nullable
from api.ports.policy import Action
from api.services.audit import auditing
from api.services.audit.auditing import EventView, Wanted
from api.web import answers, cursors
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])
Text = Annotated[str | None, Query(max_length=255)]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One approval; accounts are issuer and subject.

    Attributes:
        act: what was approved, such as ``draft.approved`` or ``grant.approved``.
        object: id of the draft or record.
        version: its version.
        digest: of exactly what was approved.
        approver: account that approved.
        authors: accounts that wrote or proposed it.
        approved_at: when.
        previewed_at: when the approver was last shown that digest before; null if never.
        index: leaf of the approval; null while it is not in the log yet.
        seconds: how long after the preview it was approved; null without a preview.
    """

    act: str
    object: str
    version: Count
    digest: str
    approver: str
    authors: tuple[str, ...]
    approved_at: Instant
    previewed_at: Nullable[Instant]
    index: Nullable[Count]
    seconds: Nullable[float]

    @classmethod
    def of(cls, found: Approval) -> "ApprovalView":
        """Return the view of an approval."""
        return cls(
            found.act,
            found.object,
            found.version,
            found.digest,
            found.approver,
            found.authors,
            found.approved_at,
            found.previewed_at,
            found.index,
            found.seconds,
        )


@router.route_for(
    "GET",
    "/events",
    Action.AUDIT_LIST,
    operation_id="list_events",
    response_description="One page of events.",
)
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
) -> Answer[Page[EventView]]:
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
    return answers.page(found[:limit], following)


@router.route_for(
    "GET",
    "/events/{leaf}",
    Action.AUDIT_LIST,
    operation_id="read_event",
    response_description="The event.",
)
async def event(
    leaf: Annotated[int, Path(ge=0, lt=1 << 53)], node: NodeOf, caller: OfficerOf
) -> Answer[EventView]:
    """Return the event at one place of the log."""
    return Answer(await run(auditing.at, node, caller, leaf))


@router.route_for(
    "GET",
    "/approvals",
    Action.AUDIT_LIST,
    operation_id="list_approvals",
    response_description="Newest first, at most 1000; `previewed_at` is null where nobody looked.",
)
async def approvals(node: NodeOf, caller: OfficerOf) -> Answer[Page[ApprovalView]]:
    """Say who approved whose work, after how long, having seen it; newest first."""
    found = await run(auditing.approvals, node, caller)
    return answers.page([ApprovalView.of(each) for each in found])
