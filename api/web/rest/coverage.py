"""Coverage over REST: who lists whom, since when, with what lag."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.domain.lists.entries import EntryKind
from api.domain.notation import Nullable
from api.ports.policy import Action
from api.records.lists import Edition
from api.services.desk import coverage, list_coverage
from api.services.desk.coverage import Board, Coverage
from api.services.desk.list_coverage import Basis, ListedSubject, ProgrammeCoverage
from api.services.desk.list_network import Uncovered
from api.services.desk.ownership import OwnershipTest
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

# A member of the answer is called ``list``, as officers call it.
list_of = list
router = ActionRouter(prefix="/api/v1", tags=["coverage"])
_JURISDICTION = "[A-Z]{2,8}(-[A-Z0-9]{1,8})?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
Day = Annotated[str | None, Query(pattern=f"^{_DAY}$")]


@router.route_for(
    "GET",
    "/coverage",
    Action.COVERAGE_READ,
    operation_id="read_coverage",
    response_description="How far one jurisdiction had followed another.",
)
async def compare(
    node: NodeOf,
    caller: OfficerOf,
    base: Annotated[
        str, Query(pattern=rf"^{_JURISDICTION}(:[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}})?)?)?$")
    ],
    jurisdiction: Annotated[str, Query(pattern=f"^{_JURISDICTION}$")],
    as_of: Day = None,
) -> Answer[Coverage]:
    """Say how far one jurisdiction had followed another's listings on a day, from statements."""
    return Answer(await run(coverage.compare, node, caller, base, jurisdiction, as_of))


@dataclass(frozen=True, slots=True)
class SinceBasis:
    """What says since when: list, designation, announcement, editions or unknown."""

    base: Basis
    match: Basis


@dataclass(frozen=True, slots=True)
class MatchView:
    """An entry of the measured jurisdiction's lists that may be of the subject.

    Attributes:
        list: which list, such as ca-sor-2021-49.
        list_id: the publisher's id of the entry.
        score: 0 to 1; an order, not a decision.
        lag_days: null where one of the two days is not known.
        verdict: same, not-same or unsure, if an officer gave one.
    """

    list: str
    list_id: str
    name: str
    score: float
    since: Nullable[str]
    lag_days: Nullable[int]
    verdict: Nullable[str]
    basis: SinceBasis
    measures: list_of[str]
    signals: list_of[str]


@dataclass(frozen=True, slots=True)
class NeighbourView:
    """Another subject that the entry names.

    Attributes:
        kind: the publisher's word for the link.
        listed: null where nothing is known of it.
        uncovered: body where the entry hangs on somebody who is listed and is not itself, owner
            where the entry is listed and whom it hangs on is not.
    """

    kind: str
    name: str
    list_id: str
    listed: Nullable[bool]
    uncovered: Nullable[Uncovered]


@dataclass(frozen=True, slots=True)
class CoveredEntryView:
    """One entry under the programme, and where the measured jurisdiction has it.

    Attributes:
        designations: standing designations by the jurisdiction that surely are of it.
    """

    list: str
    list_id: str
    name: str
    kind: EntryKind
    since: Nullable[str]
    matches: list_of[MatchView]
    designations: list_of[str]
    network: list_of[NeighbourView]


@dataclass(frozen=True, slots=True)
class LookedAtView:
    """An edition that was looked at."""

    list: str
    as_of: str
    edition: str


@dataclass(frozen=True, slots=True)
class ProgrammeCoverageView:
    """How far a jurisdiction's lists have the subjects of a programme.

    Attributes:
        known: false where no list of the jurisdiction is held.
        ownership: what its laws say of bodies that a listed subject owns.
    """

    programme: str
    jurisdiction: str
    known: bool
    lists: list_of[LookedAtView]
    base: list_of[LookedAtView]
    subjects: list_of[CoveredEntryView]
    counts: dict[str, int]
    ownership: list_of[OwnershipTest]

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
            ownership=[*found.ownership],
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
        designations=[*one.designations],
        network=[
            NeighbourView(
                kind=other.kind,
                name=other.name,
                list_id=other.entry,
                listed=other.listed,
                uncovered=other.uncovered,
            )
            for other in one.network
        ],
    )


@router.route_for(
    "GET",
    "/coverage/programme",
    Action.COVERAGE_READ,
    operation_id="read_programme_coverage",
    response_description="Who under it stands on the jurisdiction's lists.",
)
async def programme(
    node: NodeOf,
    caller: OfficerOf,
    programme: Annotated[str, Query(min_length=1, max_length=100)],
    jurisdiction: Annotated[str, Query(pattern=f"^{_JURISDICTION}$")],
) -> Answer[ProgrammeCoverageView]:
    """Say who under a programme stands on a jurisdiction's published lists, since when."""
    found = await run(list_coverage.by_programme, node, caller, programme, jurisdiction)
    return Answer(ProgrammeCoverageView.of(found))


@router.route_for(
    "GET",
    "/coverage/board",
    Action.COVERAGE_READ,
    operation_id="read_board",
    response_description="Every listed subject against every jurisdiction.",
)
async def board(node: NodeOf, caller: OfficerOf, as_of: Day = None) -> Answer[Board]:
    """Show every listed subject against every jurisdiction on a day."""
    return Answer(await run(coverage.board, node, caller, as_of))
