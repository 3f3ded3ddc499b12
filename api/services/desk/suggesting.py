"""What the law suggests for each subject of a mirror request; an officer decides.

Owns the way from a thread to cases: what the requester recorded, which regime it suggests, and the
grounds of its own designation. What a regime says of a case is ``domain.regimes``'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection

from api.domain.designations import Designation
from api.domain.errors import Invalid
from api.domain.regimes.advice import Case, Suggestion, crosswalk, eligibility
from api.domain.regimes.assessment import Assessment, assess
from api.domain.regimes.cases import SubjectCase, victims_of
from api.domain.regimes.decisions import subject_case
from api.domain.regimes.values import Basis, Regime
from api.services.authorising import Caller
from api.services.desk import coverage, mirroring
from api.services.node import Node
from api.services.statements.effects import law_checks, thread_record
from api.services.statements.effects.designation_record import standing_of


@dataclass(frozen=True, slots=True)
class GroundMatch:
    """A ground on which a case founded on another regime's ground might be argued.

    Attributes:
        asked_on: the requester's ground.
        ground: the one here.
        fit: close, narrower or re-argue.
        sentence: what carries over and what does not.
        basis: how surely both are known.
    """

    asked_on: str
    ground: str
    fit: Literal["close", "narrower", "re-argue"]
    sentence: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the law suggests for one subject under one regime; an officer decides.

    Attributes:
        key: the subject.
        regime: the regime's id.
        suggestions: what to weigh, bars first.
        case: what was asked.
        assessment: whether the regime reaches the subject, with the provision and what to try
            instead.
        asked: the requester suggests this regime for this subject.
        matches: its grounds on which the requester's own might be argued, best fit first.
    """

    key: str
    regime: str
    asked: bool
    suggestions: tuple[Suggestion, ...]
    case: Case
    assessment: Assessment
    matches: tuple[GroundMatch, ...]


def suggestions(
    node: Node, caller: Caller, thread_id: str, regimes: Sequence[str] = ()
) -> list[Suggested]:
    """Return what to weigh for each subject under the regimes of the addressee's jurisdiction.

    Args:
        node: this node.
        caller: an officer who may read the thread.
        thread_id: the thread.
        regimes: ids to look at; if none are given, all of the addressee's jurisdiction, that which
            the requester suggests for the subject first.

    Raises:
        Invalid: ``regime.unknown``.
    """
    view = mirroring.read(node, caller, thread_id)
    home = node.membership.member(view.addressee).jurisdiction
    wanted = list(regimes) or [id_ for id_, one in node.regimes.items() if one.jurisdiction == home]
    if any(id_ not in node.regimes for id_ in wanted):
        raise Invalid("regime.unknown", "Name a regime that this node has as data.")
    found = []
    for asked in node.db.read(lambda connection: _cases(node, connection, view)):
        named = view.state.subjects[asked.key].suggested
        found += [
            Suggested(
                key=asked.key,
                regime=id_,
                asked=id_ == named,
                suggestions=tuple(eligibility(node.regimes[id_], asked.case)),
                case=asked.case,
                assessment=assess(node.regimes[id_], asked.recorded),
                matches=tuple(_matches(node, asked.source, node.regimes[id_])),
            )
            for id_ in sorted(wanted, key=lambda one: one != named)
        ]
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """One subject of a request: the case, its recorded facts, the designation to be mirrored."""

    key: str
    case: Case
    recorded: SubjectCase
    source: Designation | None


def _matches(node: Node, source: Designation | None, regime: Regime) -> Iterator[GroundMatch]:
    """Yield the grounds of a regime that match those of a designation under another's."""
    theirs = node.regimes.get(str(source.body["regime"])) if source is not None else None
    if source is None or theirs is None or theirs.id == regime.id:
        return
    for name in source.body["grounds"]:
        ground = theirs.grounds.get(str(name))
        if ground is None:
            continue
        for match in crosswalk(ground, theirs, regime):
            yield GroundMatch(ground.id, match.ground.id, match.fit, match.sentence, match.basis)


def _cases(node: Node, connection: Connection, view: mirroring.ThreadView) -> list[_Asked]:
    """Return what is asked of each subject, on the facts that the requester recorded alone."""
    listed_by = coverage.jurisdictions_of(connection, node.ministry)
    facts = law_checks.thread_facts(thread_record.require(connection, view.state.id))
    found = []
    for key, subject in view.described.items():
        recorded = subject_case(subject, facts)
        asked = view.state.subjects[key].designation
        source = standing_of(connection, asked) if asked is not None else None
        found.append(_Asked(key, _case(node, source, listed_by, recorded), recorded, source))
    return found


def _case(
    node: Node,
    designation: Designation | None,
    listed_by: Mapping[str, frozenset[str]],
    recorded: SubjectCase,
) -> Case:
    """Put together what the statements say of one subject; nothing is guessed."""
    case = Case(
        recorded.kind,
        conduct=frozenset(fact.conduct for fact in recorded.facts),
        involvement=frozenset(fact.part for fact in recorded.facts) or frozenset({"responsible"}),
        victims_defended_rights=victims_of(recorded.facts),
        countries=recorded.countries,
        state=next((fact.state for fact in recorded.facts if fact.state), ""),
        facts=recorded.facts,
    )
    if designation is None:
        return case
    source = node.regimes.get(str(designation.body["regime"]))
    return replace(
        case,
        listed_by=listed_by.get(designation.id, frozenset({designation.jurisdiction})),
        partner_provision=str(designation.body["instrument"]),
        partner_threshold=source.threshold.text if source is not None else "",
    )
