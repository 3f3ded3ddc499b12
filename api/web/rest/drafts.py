"""Drafts over REST: create, read, replace, preview, candidate, approve, return, confirm."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.drafts import DraftState
from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.statements import approving, drafting, previewing
from api.services.statements.draft_form import DraftView
from api.services.statements.previewing import PreviewView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Created, Page
from api.web.deps import NodeOf
from api.web.preconditions import IfMatch
from api.web.principals import OfficerOf
from api.web.rest.drafted import drafted
from api.web.rest.reasons import Reason
from api.web.routing import ActionRouter
from api.web.use_case_threads import run
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.statements import Content

router = ActionRouter(prefix="/api/v1/drafts", tags=["drafts"])
DraftId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class NewDraft(BaseModel):
    """What the preparing officer decides."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(max_length=60)]
    to: Annotated[list[str], Field(max_length=64)]
    thread: Annotated[str | None, Field(pattern="^sha256:[0-9a-f]{64}$")] = None
    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


class NewVersion(BaseModel):
    """A draft's next version."""

    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any]
    endorsement: dict[str, Any] | None = None


class CandidateRequest(BaseModel):
    """How the approver will sign, and with which enrolled key."""

    model_config = ConfigDict(extra="forbid")

    form: Literal["jws", "webauthn"]
    kid: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$")]


class Approval(BaseModel):
    """Either the digest that was seen, or a signed candidate."""

    model_config = ConfigDict(extra="forbid")

    digest: Annotated[str | None, Field(pattern="^sha256:[0-9a-f]{64}$")] = None
    candidate: Annotated[str | None, Field(max_length=6_000_000)] = None
    signature: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PayloadToSign:
    """A payload to sign.

    Attributes:
        candidate: its bytes, base64url without padding.
    """

    candidate: str


@router.route_for(
    "POST",
    "",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewDraft,
    operation_id="create_draft",
    response_description="The draft that was made.",
)
async def create(request: Request, node: NodeOf, caller: OfficerOf) -> Created[DraftView]:
    """Make a draft of any statement type but evidence packages."""
    content = await bodies.model_body(request, NewDraft)
    draft = await run(
        drafting.create,
        node,
        caller,
        Content(content.type, tuple(content.to), content.body, content.thread),
        content.endorsement,
    )
    return drafted(draft)


@router.route_for(
    "GET",
    "",
    Action.DRAFT_LIST,
    operation_id="list_drafts",
    response_description="One page of drafts.",
)
async def list_drafts(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    state: DraftState | None = None,
) -> Answer[Page[DraftView]]:
    """List drafts, newest first."""
    place = cursors.read(node, caller, f"drafts:{state}", cursor)
    before = (str(place[0]), str(place[1])) if place else None
    drafts = await run(
        drafting.drafts_page, node, caller, limit=limit + 1, before=before, state=state
    )
    following = None
    if len(drafts) > limit:
        last = drafts[limit - 1]
        following = cursors.make(node, caller, f"drafts:{state}", [last.created_at, last.id])
    return answers.page(drafts[:limit], following)


@router.route_for(
    "GET",
    "/{draft_id}",
    Action.DRAFT_READ,
    operation_id="read_draft",
    response_description="The draft.",
)
async def read(draft_id: DraftId, node: NodeOf, caller: OfficerOf) -> Answer[DraftView]:
    """Read one draft; the ETag goes into If-Match of a change."""
    return Answer(await run(drafting.read, node, caller, draft_id))


@router.route_for(
    "PUT",
    "/{draft_id}",
    Action.DRAFT_EDIT,
    body=NewVersion,
    operation_id="replace_draft",
    response_description="The draft.",
)
async def replace(
    draft_id: DraftId, request: Request, node: NodeOf, caller: OfficerOf, tag: IfMatch
) -> Answer[DraftView]:
    """Write the next version; whoever writes one never approves the draft."""
    content = await bodies.model_body(request, NewVersion)
    draft = await run(
        drafting.replace_content, node, caller, draft_id, tag, content.body, content.endorsement
    )
    return Answer(draft)


@router.route_for(
    "GET",
    "/{draft_id}/preview",
    Action.DRAFT_PREVIEW,
    operation_id="preview_draft",
    response_description="What each partner would receive.",
)
async def preview(draft_id: DraftId, node: NodeOf, caller: OfficerOf) -> Answer[PreviewView]:
    """Show what each partner will see, and what it will not."""
    return Answer(await run(previewing.preview, node, caller, draft_id))


@router.route_for(
    "POST",
    "/{draft_id}/candidate",
    Action.DRAFT_APPROVE,
    body=CandidateRequest,
    operation_id="make_candidate",
    response_description="The payload to sign, base64url without padding.",
)
async def candidate(
    draft_id: DraftId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[PayloadToSign]:
    """Return the exact payload bytes to sign as approver; reserves nothing."""
    content = await bodies.model_body(request, CandidateRequest)
    payload = await run(approving.candidate, node, caller, draft_id, content.form, content.kid)
    return Answer(PayloadToSign(b64u_encode(payload)))


@router.route_for(
    "POST",
    "/{draft_id}/approve",
    Action.DRAFT_APPROVE,
    body=Approval,
    operation_id="approve_draft",
    response_description="The draft, now sealed; `statement` names what it became.",
)
async def approve(
    draft_id: DraftId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[DraftView]:
    """Approve a draft by the digest seen or with an own signature; the ministry then seals."""
    content = await bodies.model_body(request, Approval)
    if content.candidate is not None and content.signature is not None and content.digest is None:
        payload = b64u_decode(content.candidate)
        draft = await run(
            approving.approve_signed, node, caller, draft_id, payload, content.signature
        )
    elif content.digest is not None and content.candidate is None and content.signature is None:
        draft = await run(approving.approve_recorded, node, caller, draft_id, content.digest)
    else:
        raise Invalid("approval.form", "Send either digest, or candidate with signature.")
    return Answer(draft)


@router.route_for(
    "POST",
    "/{draft_id}/return",
    Action.DRAFT_RETURN,
    body=Reason,
    operation_id="return_draft",
    response_description="The draft.",
)
async def give_back(
    draft_id: DraftId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[DraftView]:
    """Return a draft to its authors with a reason."""
    content = await bodies.model_body(request, Reason)
    return Answer(await run(drafting.give_back, node, caller, draft_id, content.reason))


@router.route_for(
    "POST",
    "/{draft_id}/confirm",
    Action.DRAFT_CONFIRM,
    operation_id="confirm_draft",
    response_description="The draft.",
)
async def confirm(draft_id: DraftId, node: NodeOf, caller: OfficerOf) -> Answer[DraftView]:
    """Record the second look at a statement that left at once."""
    return Answer(await run(drafting.confirm, node, caller, draft_id))


@router.route_for(
    "POST",
    "/{draft_id}/discard",
    Action.DRAFT_DISCARD,
    operation_id="discard_draft",
    response_description="The draft.",
)
async def discard(draft_id: DraftId, node: NodeOf, caller: OfficerOf) -> Answer[DraftView]:
    """Set aside a draft that has not left."""
    return Answer(await run(drafting.discard, node, caller, draft_id))
