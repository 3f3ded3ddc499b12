"""The checks a case goes through before a mirror under a regime: what to weigh, never a verdict.

Owns what is said of a case: one function per check; each returns suggestions with the basis of the
fact behind them. How far a regime and its grounds reach is judged in `assessment.py` alone. Must
not convert one jurisdiction's threshold into another's, and must not decide.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from api.domain.regimes.assessment import (
    Status,
    assess,
    is_excluded,
    may_be_argued,
    reaches,
    state_unmet,
)
from api.domain.regimes.cases import Case, Suggestion, Weight, victims_of
from api.domain.regimes.values import CORRUPTION, Fact, Ground, Regime

_PART: Final = {
    "leader-or-official": "Being a leader or official of the body that did it",
    "owned-or-acting-for": "Being owned by or acting for a listed person",
}


def fitting_grounds(regime: Regime, case: Case) -> list[Ground]:
    """Return the grounds whose subject, conduct and part in it the case shows."""
    return [one.ground for one in reaches(regime, case.subject) if one.status is Status.MET]


def eligibility(regime: Regime, case: Case) -> list[Suggestion]:
    """Check a case against a regime and return what to weigh, bars first.

    An empty list of bars does not mean that the subject may be listed; it means that nothing read
    here speaks against it.
    """
    found = [suggestion for check in _CHECKS for suggestion in check(regime, case)]
    weights = ("bar", "gap", "advice")
    return sorted(found, key=lambda suggestion: weights.index(suggestion.weight))


def _target_kind(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if case.subject_kind not in regime.subject_kinds:
        yield _from(
            regime.subject_kinds_fact,
            "subject-kind",
            "bar",
            f"{_article(case.subject_kind)} cannot be listed under {regime.id}."
            + _consider(regime, case.conduct),
            _offers(regime, case.conduct),
        )


def _victim_class(regime: Regime, case: Case) -> Iterator[Suggestion]:
    victims = victims_of(case.subject.facts)
    if victims:
        return
    bound = [ground for ground in _reaching(regime, case) if ground.victims]
    free = [ground for ground in _reaching(regime, case) if not ground.victims]
    if bound and not free:
        unsaid = "Whether the victims are such is not recorded."
        said = unsaid if victims is None else "They are not."
        yield _from(
            bound[0].fact,
            "victim-class",
            "gap",
            f"Ground {bound[0].id} is for one class of victims: {bound[0].victims}. {said}"
            + _consider(regime, case.conduct),
            _offers(regime, case.conduct),
        )


def _right_in_scope(regime: Regime, case: Case) -> Iterator[Suggestion]:
    yield from _out_of_scope(regime, case.conduct - CORRUPTION, "right-out-of-scope", "rights")


def _conduct_in_scope(regime: Regime, case: Case) -> Iterator[Suggestion]:
    yield from _out_of_scope(regime, case.conduct & CORRUPTION, "conduct-out-of-scope", "conduct")


def _out_of_scope(
    regime: Regime, shown: frozenset[str], code: str, fact: str
) -> Iterator[Suggestion]:
    covered = frozenset().union(*(ground.conduct for ground in regime.grounds.values()))
    missing = shown - covered
    if not missing:
        return
    carried = shown & covered
    rest = (
        f"The case has to stand on {_listed(carried)}."
        if carried
        else f"It has to be founded anew on {_listed(covered)}, or go under another regime."
    )
    yield _from(
        regime.facts.get(fact, regime.threshold),
        code,
        "gap",
        f"{regime.id} does not cover {_listed(missing)} as such. {rest}",
        _offers(regime, missing),
    )


def _association_ground(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if case.subject_kind not in regime.subject_kinds:
        return
    grounds = _reaching(regime, case)
    for part in sorted(case.involvement & set(_PART)):
        own = [ground for ground in grounds if ground.involvement == part]
        if own:
            yield _from(
                own[0].fact,
                "association-ground",
                "advice",
                f"{_PART[part]} is a ground of its own here: {own[0].label}.",
            )
            continue
        near = [ground for ground in grounds if may_be_argued(part, ground)]
        ways = f" It may be argued as {', '.join(sorted(g.id for g in near))}." if near else ""
        yield _from(
            near[0].fact if near else regime.threshold,
            "association-ground",
            "gap",
            f"{_PART[part]} is not a ground under {regime.id}.{ways}",
            _offers(regime, case.conduct),
        )


def _support_ground(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if "support" not in case.involvement:
        return
    grounds = [ground for ground in regime.grounds.values() if ground.involvement == "support"]
    covered = frozenset().union(*(ground.conduct for ground in grounds))
    missing = case.conduct - covered
    if missing:
        reach = f"only {_listed(covered)}" if covered else "nothing"
        yield _from(
            grounds[0].fact if grounds else regime.threshold,
            "support-ground",
            "gap",
            f"Support is a ground for {reach} under {regime.id}, not for {_listed(missing)}.",
            _offers(regime, missing),
        )


def _threshold(regime: Regime, case: Case) -> Iterator[Suggestion]:
    partner = f" The partner found: {case.partner_threshold}" if case.partner_threshold else ""
    yield _from(
        regime.threshold,
        "threshold",
        "advice",
        f"Record a finding of your own, in these words: {regime.threshold.text}{partner}"
        " A partner's finding is evidence and is never converted.",
    )


def _reasons_publishable(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if not regime.reasons_required or (case.releasable_sources or 0) > 0:
        return
    yield _from(
        regime.reasons,
        "reasons-publishable",
        "gap",
        f"{regime.id} publishes reasons: each ground needs at least one releasable open source.",
    )


def _urgent_route(regime: Regime, case: Case) -> Iterator[Suggestion]:
    route = regime.urgent
    if route is None or not case.listed_by & route.follows:
        return
    yield _from(
        route.fact,
        "urgent-route",
        "advice",
        f"The {route.name} is open, on the listing by {_listed(case.listed_by & route.follows)}: "
        f"{'; '.join(rule.text.en for rule in regime.clocks)}.",
    )
    if not case.partner_provision:
        yield _from(
            route.fact,
            "partner-provision",
            "gap",
            f"The {route.name} needs the partner's provision relied on; none is recorded.",
        )


def _effect_time(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if case.instants is None or regime.binding_instant in case.instants:
        return
    yield _from(
        regime.takes_effect,
        "effect-time",
        "gap",
        f"Under {regime.id} the instant that counts is '{regime.binding_instant}'; it is missing. "
        f"Give it with its zone ({regime.zone}).",
    )


def _nationality(regime: Regime, case: Case) -> Iterator[Suggestion]:
    if is_excluded(regime, case.subject):
        yield _from(
            regime.nationality,
            "nationality",
            "bar",
            f"The subject is linked to {regime.excludes_nationals_of}. {regime.nationality.text}",
        )
    if state := state_unmet(regime, case.subject):
        yield _from(
            regime.nationality,
            "nationality",
            "gap",
            f"No link of the subject to {state} is recorded. {regime.nationality.text}",
        )


def _country_regulation(regime: Regime, case: Case) -> Iterator[Suggestion]:
    """A regime that lists by country regulation has none for the state in question."""
    judged = assess(regime, case.subject)
    if judged.code == "law.no-regulation":
        yield Suggestion(
            "regime.no-regulation",
            judged.reason,
            "bar",
            judged.basis,
            judged.provision.sources,
            judged.instead,
        )


_CHECKS: Final[tuple[Callable[[Regime, Case], Iterator[Suggestion]], ...]] = (
    _target_kind,
    _victim_class,
    _right_in_scope,
    _conduct_in_scope,
    _association_ground,
    _support_ground,
    _threshold,
    _reasons_publishable,
    _urgent_route,
    _effect_time,
    _nationality,
    _country_regulation,
)


def _reaching(regime: Regime, case: Case) -> list[Ground]:
    """Grounds that the case's subject and conduct reach, whatever its part in it."""
    found = reaches(regime, case.subject) if case.subject.facts else []
    return [one.ground for one in found if one.status is not Status.NOT_COVERED]


def _article(kind: str) -> str:
    return {"entity": "An entity", "person": "A person", "vessel": "A vessel"}[kind]


def _offers(regime: Regime, conduct: frozenset[str]) -> tuple[str, ...]:
    """Other regimes of the jurisdiction that cover some of the conduct; all if none is recorded."""
    return tuple(
        other.regime for other in regime.alternatives if not conduct or other.conduct & conduct
    )


def _consider(regime: Regime, conduct: frozenset[str]) -> str:
    offers = _offers(regime, conduct)
    return f" Consider {', '.join(offers)}." if offers else ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(word.replace("-", " ") for word in sorted(words))


def _from(
    fact: Fact,
    code: str,
    weight: Weight,
    sentence: str,
    offers: tuple[str, ...] = (),
) -> Suggestion:
    return Suggestion(f"regime.{code}", sentence, weight, fact.basis, fact.sources, offers)
