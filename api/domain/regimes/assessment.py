"""Does a regime reach a subject, on the facts recorded: met, not met, not covered, unknown.

Owns the one judgement of how far a regime and each of its grounds reach, with the provision it
rests on and what to try instead; the checks (`checks.py`) put in words what is judged here. It
*suggests*; an officer's finding decides (DESIGN §3.6). Facts are taken as recorded, one by one, and
never inferred from the conduct that a ground could cover. Must not read files, clocks or stores,
and must not convert one jurisdiction's threshold into another's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from api.domain.regimes.cases import COUNTERPARTS, RecordedFact, SubjectCase, victims_of
from api.domain.regimes.values import CORRUPTION, Basis, Ground, Provision, Regime, Regulation


class Status(StrEnum):
    """What the law as recorded here says of a subject, the furthest first."""

    MET = "met"
    UNKNOWN = "unknown"
    NOT_MET = "not-met"
    NOT_COVERED = "not-covered"


_ORDER: Final = tuple(Status)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one regime says of one subject.

    Attributes:
        regime: The regime's id.
        edition: Edition of its data.
        status: The furthest that any ground reaches.
        ground: Id of the ground that reaches so far, or empty where none does.
        provision: The provision behind the status.
        code: Why, as a stable code such as `law.subject-kind`.
        reason: Why, in words.
        instead: What to try instead: regimes of the jurisdiction, then grounds to argue anew.
        barred: Whether a decision to list needs a recorded reason: the regime cannot reach such a
            subject, or excludes it.
    """

    regime: str
    edition: str
    status: Status
    ground: str
    provision: Provision
    code: str
    reason: str
    instead: tuple[str, ...] = ()
    barred: bool = False

    @property
    def basis(self) -> Basis:
        """How the provision behind the status is known."""
        return self.provision.basis


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one ground reaches, and why, as a code and in words."""

    status: Status
    ground: Ground
    code: str
    reason: str


def assess(regime: Regime, case: SubjectCase) -> Assessment:
    """Return what a regime says of a subject on the recorded facts."""
    if case.kind not in regime.subject_kinds:
        return _kind_not_covered(regime, case)
    if is_excluded(regime, case):
        provision = regime.subject_kinds_provision or regime.scope
        own = regime.excludes_nationals_of
        reason = f"The subject is linked to {own}, and {regime.id} excludes its own people."
        return _assessment(
            regime, Status.NOT_COVERED, provision, "nationality", reason, barred=True
        )
    regulation = _regulation(regime, case)
    if regime.regulations and case.facts and regulation is None:
        return _no_regulation(regime, case)
    found_of = reaches(regime, case)
    if not found_of:
        reason = f"No ground of {regime.id} reaches such a subject."
        return _assessment(regime, Status.NOT_COVERED, regime.scope, "no-ground", reason)
    best = min(found_of, key=lambda one: _ORDER.index(one.status))
    found = _of_reach(regime, regulation, case, best)
    return _bound(regime, regulation, case, found)


def reaches(regime: Regime, case: SubjectCase) -> list[Reach]:
    """Return how far each ground that such a subject can have reaches, in the regime's order."""
    regulation = _regulation(regime, case)
    return [_reach(ground, case) for ground in _grounds(regime, regulation, case.kind)]


def is_excluded(regime: Regime, case: SubjectCase) -> bool:
    """Tell whether the subject is one of the regime's own people, whom it excludes."""
    return bool(regime.excludes_nationals_of) and regime.excludes_nationals_of in case.countries


def state_unmet(regime: Regime, case: SubjectCase) -> str:
    """Return the state that the subject must be in or of and is not recorded to be, or empty."""
    regulation = _regulation(regime, case)
    if regulation is not None:
        bound, state = regulation.bound_to_state, regulation.state
    else:
        bound = regime.bound_to_state
        state = next((fact.state for fact in case.facts if fact.state), "")
    return state if bound and state not in case.countries else ""


def may_be_argued(part: str, ground: Ground) -> bool:
    """Tell whether a part that is no part of this ground may be argued anew as the ground's."""
    return ground.involvement in COUNTERPARTS.get(part, frozenset())


def barred_ground(regime: Regime, ground_id: str, case: SubjectCase) -> str:
    """Return why a listing under this ground stands against the law recorded here, or empty.

    The ground must be one of the regime's; whether it is, is for who asks.
    """
    whole = assess(regime, case)
    if whole.barred:
        return whole.reason
    ground = regime.grounds[ground_id]
    if case.kind not in ground.subject_kinds:
        return f"Ground {ground_id} does not reach {_A_KIND[case.kind]}."
    regulation = _regulation(regime, case)
    if regulation is not None and regulation.provision_of(ground_id) is None:
        return f"{regulation.id} has no class for ground {ground_id}."
    return ""


_A_KIND: Final[Mapping[str, str]] = {
    "entity": "an entity",
    "person": "a person",
    "vessel": "a vessel",
}


def _kind_not_covered(regime: Regime, case: SubjectCase) -> Assessment:
    reason = f"{regime.id} cannot list {_A_KIND[case.kind]}."
    return _assessment(
        regime,
        Status.NOT_COVERED,
        regime.subject_kinds_provision or regime.scope,
        "subject-kind",
        reason,
        instead=_offered(regime, case),
        barred=True,
    )


def _no_regulation(regime: Regime, case: SubjectCase) -> Assessment:
    states = ", ".join(sorted({fact.state for fact in case.facts if fact.state}))
    if not states:
        reason = f"{regime.id} lists by country regulation; no fact names a state."
        return _assessment(regime, Status.UNKNOWN, regime.scope, "state-missing", reason)
    reason = f"No regulation under {regime.id} is recorded for {states}; one would have to be made."
    return _assessment(
        regime,
        Status.NOT_COVERED,
        regime.scope,
        "no-regulation",
        reason,
        instead=_offered(regime, case),
        barred=True,
    )


def _regulation(regime: Regime, case: SubjectCase) -> Regulation | None:
    found = (regime.regulation_for(fact.state) for fact in case.facts)
    return next((one for one in found if one is not None), None)


def _grounds(regime: Regime, regulation: Regulation | None, kind: str) -> Sequence[Ground]:
    return [
        ground
        for ground in regime.grounds.values()
        if kind in ground.subject_kinds
        and (regulation is None or regulation.provision_of(ground.id) is not None)
    ]


def _reach(ground: Ground, case: SubjectCase) -> Reach:
    if not case.facts:
        return Reach(Status.UNKNOWN, ground, "no-facts", "No fact of the case is recorded.")
    covered = [fact for fact in case.facts if fact.conduct in ground.conduct]
    if not covered:
        missing = _words(fact.conduct for fact in case.facts)
        return Reach(
            Status.NOT_COVERED, ground, "conduct", f"The law does not name {missing} as such."
        )
    fitting = [fact for fact in covered if fact.part == ground.involvement]
    if not fitting:
        return _other_part(ground, covered)
    if ground.victims and not victims_of(fitting):
        return _other_victims(ground, fitting)
    return Reach(Status.MET, ground, "fits", f"The recorded facts fit: {ground.label.en}.")


def _other_part(ground: Ground, covered: Sequence[RecordedFact]) -> Reach:
    parts = {fact.part for fact in covered}
    if any(may_be_argued(part, ground) for part in parts):
        reason = (
            f"The recorded part is {_words(parts)}; "
            f"it would have to be argued as {_words([ground.involvement])}."
        )
        if ground.victims and not victims_of(covered):
            reason += " " + _victims_reason(ground, covered)
            return Reach(Status.UNKNOWN, ground, "victim-class", reason)
        return Reach(Status.UNKNOWN, ground, "part", reason)
    return Reach(
        Status.NOT_MET,
        ground,
        "part",
        f"The recorded part is {_words(parts)}; the ground needs {_words([ground.involvement])}.",
    )


def _other_victims(ground: Ground, fitting: Sequence[RecordedFact]) -> Reach:
    status = Status.UNKNOWN if victims_of(fitting) is None else Status.NOT_MET
    return Reach(status, ground, "victim-class", _victims_reason(ground, fitting))


def _victims_reason(ground: Ground, facts: Sequence[RecordedFact]) -> str:
    unknown = victims_of(facts) is None
    said = (
        "Whether they were is not recorded." if unknown else "The recorded victims are not of it."
    )
    return f"The ground is for one class of victims: {ground.victims}. {said}"


def _of_reach(
    regime: Regime, regulation: Regulation | None, case: SubjectCase, best: Reach
) -> Assessment:
    own = None if regulation is None else regulation.provision_of(best.ground.id)
    if best.code == "conduct":
        kinds = {fact.conduct in CORRUPTION for fact in case.facts}
        anew = tuple(
            ground.id
            for ground in _grounds(regime, regulation, case.kind)
            if ground.involvement == "responsible"
            and any(bool(ground.conduct & CORRUPTION) == corrupt for corrupt in kinds)
        )
        return _assessment(
            regime,
            Status.NOT_COVERED,
            regime.scope,
            "conduct",
            best.reason + " It has to be founded anew, or go under another regime.",
            instead=(*_offered(regime, case), *anew),
        )
    return _assessment(
        regime,
        best.status,
        own or best.ground.provision,
        best.code,
        best.reason,
        ground=best.ground.id if best.status is not Status.NOT_COVERED else "",
        instead=() if best.status is Status.MET else _offered(regime, case),
    )


def _bound(
    regime: Regime, regulation: Regulation | None, case: SubjectCase, found: Assessment
) -> Assessment:
    """Lower what was found where a listed person must be in or of the state, and may not be."""
    state = state_unmet(regime, case)
    if found.status is not Status.MET or not state:
        return found
    law = regime.id if regulation is None else regulation.id
    status = Status.NOT_MET if case.countries else Status.UNKNOWN
    known = "is recorded as of " + ", ".join(sorted(case.countries)) if case.countries else ""
    reason = (
        f"{law} reaches who is in {state} or is or was its national; "
        f"the subject {known or 'has no country recorded'}."
    )
    return _assessment(
        regime,
        status,
        found.provision,
        "nationality",
        reason,
        ground=found.ground,
        instead=_offered(regime, case),
    )


def _assessment(  # noqa: PLR0913 - the members of one value
    regime: Regime,
    status: Status,
    provision: Provision,
    code: str,
    reason: str,
    *,
    ground: str = "",
    instead: tuple[str, ...] = (),
    barred: bool = False,
) -> Assessment:
    return Assessment(
        regime.id,
        regime.edition,
        status,
        ground,
        provision,
        f"law.{code}",
        reason,
        instead,
        barred,
    )


def _offered(regime: Regime, case: SubjectCase) -> tuple[str, ...]:
    """Regimes of the same jurisdiction that cover some of the recorded conduct."""
    shown = {fact.conduct for fact in case.facts}
    return tuple(
        other.regime for other in regime.alternatives if not shown or other.conduct & shown
    )


def _words(values: Iterable[str]) -> str:
    return ", ".join(sorted({value.replace("-", " ") for value in values}))
