"""Coverage over REST: who lists whom, since when, with what lag."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.domain.lists.entries import EntryKind
from api.ports.policy import Action
from api.records.lists import Edition
from api.services.desk import coverage, list_coverage
from api.services.desk.list_coverage import Basis, ListedSubject, ProgrammeCoverage
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter, run

# A member of the answer is called ``list``, as officers call it.
list_of = list
router = ActionRouter(prefix="/api/v1", tags=["coverage"])
_JURISDICTION = "[A-Z]{2,8}(-[A-Z0-9]{1,8})?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
Day = Annotated[str | None, Query(pattern=f"^{_DAY}$")]


@router.route_for("GET", "/coverage", Action.COVERAGE_READ, operation_id="read_coverage")
async def compare(
    node: NodeOf,
    caller: OfficerOf,
    base: Annotated[
        str, Query(pattern=rf"^{_JURISDICTION}(:[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}})?)?)?$")
    ],
    jurisdiction: Annotated[str, Query(pattern=f"^{_JURISDICTION}$")],
    as_of: Day = None,
) -> JSONResponse:
    """Say how far one jurisdiction had followed another's listings on a day, from statements."""
    found = await run(coverage.compare, node, caller, base, jurisdiction, as_of)
    return JSONResponse(found, headers={"cache-control": "no-store"})


class SinceBasis(BaseModel):
    """What says since when: list, designation, announcement, editions or unknown."""

    base: Basis
    match: Basis


class MatchView(BaseModel):
    """An entry of the measured jurisdiction's lists that may be of the subject."""

    list: str = Field(description="Which list, such as ca-sor-2021-49.")
    list_id: str = Field(description="The publisher's id of the entry.")
    name: str
    score: float = Field(description="0 to 1; an order, not a decision.")
    since: str | None
    lag_days: int | None = Field(description="Null where one of the two days is not known.")
    verdict: str | None = Field(description="same, not-same or unsure, if an officer gave one.")
    basis: SinceBasis
    measures: list_of[str]
    signals: list_of[str]


class NeighbourView(BaseModel):
    """Another subject that the entry names."""

    name: str
    list_id: str
    listed: bool | None = Field(description="Null where nothing is known of it.")


class CoveredEntryView(BaseModel):
    """One entry under the programme, and where the measured jurisdiction has it."""

    list: str
    list_id: str
    name: str
    kind: EntryKind
    since: str | None
    matches: list_of[MatchView]
    network: list_of[NeighbourView]


class LookedAtView(BaseModel):
    """An edition that was looked at."""

    list: str
    as_of: str
    edition: str


class ProgrammeCoverageView(BaseModel):
    """How far a jurisdiction's lists have the subjects of a programme."""

    programme: str
    jurisdiction: str
    known: bool = Field(description="False where no list of the jurisdiction is held.")
    lists: list_of[LookedAtView]
    base: list_of[LookedAtView]
    subjects: list_of[CoveredEntryView]
    counts: dict[str, int]

    @classmethod
    def of(cls, found: ProgrammeCoverage) -> "ProgrammeCoverageView":
        """Return the view of a programme's coverage."""
        return cls(
            programme=found.programme,
            jurisdiction=found.jurisdiction,
            known=found.known,
            lists=[_looked_at(one) for one in found.lists],
            base=[_looked_at(one) for one in found.base],
            subjects=[_covered(one) for one in found.subjects],
            counts=found.counts(),
        )


def _looked_at(edition: Edition) -> LookedAtView:
    return LookedAtView(list=edition.series.id, as_of=edition.as_of, edition=edition.id)


def _covered(one: ListedSubject) -> CoveredEntryView:
    return CoveredEntryView(
        list=one.series,
        list_id=one.entry,
        name=one.name,
        kind=one.kind,
        since=one.since.day or None,
        matches=[
            MatchView(
                list=match.series,
                list_id=match.entry,
                name=match.name,
                score=match.score,
                since=match.since.day or None,
                lag_days=match.lag_days,
                verdict=match.verdict or None,
                basis=SinceBasis(base=one.since.basis, match=match.since.basis),
                measures=[*match.measures],
                signals=[*match.signals],
            )
            for match in one.matches
        ],
        network=[
            NeighbourView(name=other.name, list_id=other.entry, listed=other.listed)
            for other in one.network
        ],
    )


@router.route_for(
    "GET", "/coverage/programme", Action.COVERAGE_READ, operation_id="read_programme_coverage"
)
async def programme(
    node: NodeOf,
    caller: OfficerOf,
    programme: Annotated[str, Query(min_length=1, max_length=100)],
    jurisdiction: Annotated[str, Query(pattern=f"^{_JURISDICTION}$")],
) -> ProgrammeCoverageView:
    """Say who under a programme stands on a jurisdiction's published lists, since when."""
    found = await run(list_coverage.by_programme, node, caller, programme, jurisdiction)
    return ProgrammeCoverageView.of(found)


@router.route_for("GET", "/coverage/board", Action.COVERAGE_READ, operation_id="read_board")
async def board(node: NodeOf, caller: OfficerOf, as_of: Day = None) -> JSONResponse:
    """Show every listed subject against every jurisdiction on a day."""
    found = await run(coverage.board, node, caller, as_of)
    return JSONResponse(found, headers={"cache-control": "no-store"})
