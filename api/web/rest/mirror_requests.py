"""Mirror requests over REST: open, list, read, say something in one, what the law suggests."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.notation import Nullable
from api.domain.regimes.assessment import Assessment, Status
from api.domain.regimes.cases import Suggestion
from api.domain.regimes.values import Basis
from api.ports.policy import Action
from api.records.threads import Wanted
from api.services.desk import mirroring, suggesting
from api.services.desk.mirroring import SaidView, ThreadSummary, ThreadView
from api.services.desk.suggesting import GroundMatch, Suggested
from api.services.statements.draft_form import DraftView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Created, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.drafted import drafted
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

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


@dataclass(frozen=True, slots=True)
class AskedCase:
    """What was asked about a subject; empty lists where nothing is known."""

    subject_kind: str
    conduct: frozenset[str]
    involvement: frozenset[str]
    listed_by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a provision stands, in both languages."""

    en: str
    fr: str


@dataclass(frozen=True, slots=True)
class ProvisionText:
    """A provision's words in English, and in French where they are held."""

    en: str
    fr: Nullable[str]


@dataclass(frozen=True, slots=True)
class AssessmentView:
    """What one regime says of one subject.

    Attributes:
        status: the furthest that any ground reaches.
        edition: edition of the regime's data.
        ground: id of that ground; null where none reaches.
        provision: where the provision behind the status stands.
        text: its words; null where this node does not hold them.
        basis: how the provision is known.
        code: why, as a stable code.
        reason: why, in words.
        instead: what to try instead.
        barred: a decision to list needs a recorded reason.
    """

    status: Status
    edition: str
    ground: Nullable[str]
    provision: Citation
    text: Nullable[ProvisionText]
    basis: Basis
    code: str
    reason: str
    instead: tuple[str, ...]
    barred: bool

    @classmethod
    def of(cls, found: Assessment) -> "AssessmentView":
        """Return the view of an assessment."""
        citation, text = found.provision.citation, found.provision.text
        return cls(
            status=found.status,
            edition=found.edition,
            ground=found.ground or None,
            provision=Citation(citation.en, citation.fr),
            text=None if text is None else ProvisionText(text.en, text.fr or None),
            basis=found.basis,
            code=found.code,
            reason=found.reason,
            instead=found.instead,
            barred=found.barred,
        )


@dataclass(frozen=True, slots=True)
class SuggestedView:
    """What to weigh for one subject under one regime; an officer decides.

    Attributes:
        key: the subject.
        regime: the regime's id.
        case: what was asked.
        suggestions: what to weigh, bars first.
        assessment: whether the regime reaches the subject.
        asked: the requester suggests this regime for this subject.
        matches: its grounds on which the requester's own might be argued, best fit first.
    """

    key: str
    regime: str
    asked: bool
    case: AskedCase
    suggestions: tuple[Suggestion, ...]
    assessment: AssessmentView
    matches: tuple[GroundMatch, ...]

    @classmethod
    def of(cls, one: Suggested) -> "SuggestedView":
        """Return the view of what the law suggests."""
        case = one.case
        asked = AskedCase(
            case.subject_kind,
            frozenset(case.conduct),
            frozenset(case.involvement),
            frozenset(case.listed_by),
        )
        reach = AssessmentView.of(one.assessment)
        return cls(one.key, one.regime, one.asked, asked, one.suggestions, reach, one.matches)


@router.route_for(
    "POST",
    "",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewRequest,
    operation_id="draft_mirror_request",
    response_description="The draft that was made.",
)
async def create(request: Request, node: NodeOf, caller: OfficerOf) -> Created[DraftView]:
    """Draft a request that another ministry mirror designations; a reviewer approves it."""
    content = await bodies.model_body(request, NewRequest)
    draft = await run(
        mirroring.request, node, caller, content.to, content.body, content.endorsement
    )
    return drafted(draft)


@router.route_for(
    "GET",
    "",
    Action.MIRROR_LIST,
    operation_id="list_mirror_requests",
    response_description="One page of requests.",
)
async def list_requests(  # noqa: PLR0917 - one for each query parameter
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    phase: Literal["open", "closed", "withdrawn", "void"] | None = None,
    requester: Ministry = None,
    addressee: Ministry = None,
) -> Answer[Page[ThreadSummary]]:
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
    return answers.page(shown, following)


@router.route_for(
    "GET",
    "/{thread_id}",
    Action.MIRROR_READ,
    operation_id="read_mirror_request",
    response_description="The thread.",
)
async def read(thread_id: ThreadId, node: NodeOf, caller: OfficerOf) -> Answer[ThreadView]:
    """Read a request: the state that both ends compute, both sequences, and its subjects."""
    return Answer(await run(mirroring.read, node, caller, thread_id))


@router.route_for(
    "GET",
    "/{thread_id}/statements",
    Action.MIRROR_READ,
    operation_id="list_thread_statements",
    response_description="Both sequences, the requester's first.",
)
async def statements(
    thread_id: ThreadId, node: NodeOf, caller: OfficerOf
) -> Answer[Page[SaidView]]:
    """List both sequences, the requester's first, each by number."""
    view = await run(mirroring.read, node, caller, thread_id)
    return answers.page(view.statements)


@router.route_for(
    "POST",
    "/{thread_id}/statements",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewStatement,
    operation_id="draft_thread_statement",
    response_description="The draft that was made.",
)
async def say(
    thread_id: ThreadId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Draft a statement in the thread; what needs no approval is sealed at once."""
    content = await bodies.model_body(request, NewStatement)
    draft = await run(
        mirroring.say, node, caller, thread_id, content.type, content.body, content.endorsement
    )
    return drafted(draft)


@router.route_for(
    "GET",
    "/{thread_id}/suggestions",
    Action.MIRROR_READ,
    operation_id="suggest_for_mirror_request",
    response_description="What to weigh, by subject and regime; an officer decides.",
)
async def suggest(
    thread_id: ThreadId, node: NodeOf, caller: OfficerOf, regime: Regimes = None
) -> Answer[Page[SuggestedView]]:
    """Say what to weigh for each subject under the addressee's regimes; an officer decides."""
    found = await run(suggesting.suggestions, node, caller, thread_id, regime or [])
    return answers.page([SuggestedView.of(one) for one in found])
