"""Subjects and verdicts over REST: search suggests, an officer's verdict decides."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.notation import Count
from api.ports.policy import Action
from api.records.shared_verdicts import SharedVerdict
from api.records.subjects import Verdict
from api.services.desk import subject_pages, subjects
from api.services.desk.subject_pages import SubjectPage
from api.services.desk.subjects import Candidate, Judgement
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

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


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Descriptions with names like the one that was looked for.

    Attributes:
        items: best first.
        verdicts: of officers here, for this node alone, that concern any of them.
        shared_verdicts: ministries' verdicts that concern any of them.
        left_out: how many more were found and may be read.
        common: some words stand in so many descriptions that they alone find none.
        note: what a suggestion is not.
    """

    items: tuple[Candidate, ...]
    verdicts: tuple[Verdict, ...]
    shared_verdicts: tuple[SharedVerdict, ...]
    left_out: Count
    common: bool
    note: str = "These are suggestions; nothing follows from one until a verdict is recorded."


@router.route_for(
    "GET",
    "/subjects",
    Action.SUBJECT_SEARCH,
    operation_id="search_subjects",
    response_description="Descriptions with names like this one; nothing follows until a verdict "
    "is recorded.",
)
async def search(
    node: NodeOf,
    caller: OfficerOf,
    q: Annotated[str, Query(min_length=1, max_length=300)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Answer[Suggestions]:
    """Suggest descriptions with names like this one: list entries, and what the caller may read."""
    found = await run(subjects.search, node, caller, q, limit=limit)
    content = Suggestions(
        tuple(found.candidates),
        tuple(found.verdicts),
        tuple(found.shared),
        found.left_out,
        found.common,
    )
    return Answer(content)


@router.route_for("GET", "/subjects/page", Action.SUBJECT_SEARCH, operation_id="read_subject")
async def page(
    node: NodeOf, caller: OfficerOf, ref: Annotated[str, Query(max_length=500, pattern=REF)]
) -> Answer[SubjectPage]:
    """Show a description with its candidates, verdicts, listings, links and ownership tests."""
    return Answer(await run(subject_pages.subject_page, node, caller, ref))


@router.route_for(
    "GET",
    "/verdicts",
    Action.SUBJECT_SEARCH,
    operation_id="list_verdicts",
    response_description="One page of verdicts.",
)
async def verdicts(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Answer[Page[Verdict]]:
    """List verdicts, newest first, replaced ones included."""
    place = cursors.read(node, caller, "verdicts", cursor)
    before = (str(place[0]), str(place[1])) if place else None
    rows = await run(subjects.verdicts, node, caller, limit=limit + 1, before=before)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.make(node, caller, "verdicts", [last.at, last.id])
    return answers.page(rows[:limit], following)


@dataclass(frozen=True, slots=True)
class SharedVerdicts:
    """The verdicts that ministries told each other and that stand, oldest first."""

    items: tuple[SharedVerdict, ...]


@router.route_for(
    "GET", "/verdicts/shared", Action.SUBJECT_SEARCH, operation_id="list_shared_verdicts"
)
async def shared(node: NodeOf, caller: OfficerOf) -> Answer[SharedVerdicts]:
    """List the verdicts that ministries told each other and that stand: whose, and why."""
    return Answer(SharedVerdicts(tuple(await run(subjects.told, node, caller))))


@router.route_for(
    "POST",
    "/verdicts",
    Action.VERDICT_RECORD,
    status_code=201,
    body=NewVerdict,
    operation_id="record_verdict",
    response_description="The verdict.",
)
async def record(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Verdict]:
    """Record that two descriptions are of one subject, are not, or may be; stays at this node."""
    content = await bodies.model_body(request, NewVerdict)
    judgement = Judgement(content.one, content.other, content.outcome, content.reason)
    row = await run(subjects.record_verdict, node, caller, judgement)
    return Answer(row, 201)
