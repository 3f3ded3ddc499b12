"""May a decision to list be drafted under a regime: known words, and no bar passed over.

Owns the ministry's question to itself before a finding, proposal or designation leaves. A bar of
the law as recorded here does not forbid: it asks for a recorded reason, which the approver and the
partner see. What partners decide is theirs and is not judged here.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.regimes.assessment import assess, barred_ground
from api.domain.regimes.cases import RecordedFact, SubjectCase
from api.domain.regimes.values import Regime

_KINDS: Mapping[str, str] = {"Person": "person", "Vessel": "vessel", "Airplane": "vessel"}
_VICTIMS: Mapping[str, bool] = {"rights-defenders": True, "others": False}


@dataclass(frozen=True, slots=True)
class Listing:
    """What a decision would list, and under what.

    Attributes:
        regime: Id of the regime.
        grounds: Ids of its grounds; may be empty where none is named yet.
        cases: The subjects with their recorded facts.
        edition: Edition of the regime's data that the statement names, or empty.
        reason: Why it is decided against a bar, or empty.
    """

    regime: str
    grounds: tuple[str, ...]
    cases: tuple[SubjectCase, ...]
    edition: str = ""
    reason: str = ""


def may_list(regimes: Mapping[str, Regime], listing: Listing) -> Decision:
    """Judge the words of a decision, and whether it is against a bar without a reason.

    Codes: ``regime.unknown``, ``regime.ground``, ``regime.edition``, ``law.barred``.
    """
    regime = regimes.get(listing.regime)
    if regime is None:
        return refuse("regime.unknown", _unknown("regime", listing.regime, regimes))
    for ground in listing.grounds:
        if ground not in regime.grounds:
            said = _unknown(f"ground under {regime.id}", ground, regime.grounds)
            return refuse("regime.ground", said)
    if listing.edition and listing.edition != regime.edition:
        said = f"This node holds edition {regime.edition} of {regime.id}; name that one."
        return refuse("regime.edition", said)
    bars = bars_of(regime, listing)
    if bars and not listing.reason.strip():
        said = f"{bars[0]} Record in against_bar why it is decided all the same."
        return refuse("law.barred", said)
    return ALLOWED


def bars_of(regime: Regime, listing: Listing) -> list[str]:
    """Return what in the law as recorded here stands against a listing, each once."""
    found: dict[str, None] = {}
    for case in listing.cases:
        whole = assess(regime, case)
        reasons = [whole.reason] if whole.barred else []
        reasons += [
            reason for id_ in listing.grounds if (reason := barred_ground(regime, id_, case))
        ]
        found |= dict.fromkeys(reasons)
    return list(found)


def subject_case(subject: Mapping[str, Any], facts: Iterable[Mapping[str, Any]]) -> SubjectCase:
    """Return a described subject with those facts of a statement that are about it.

    Args:
        subject: as a statement describes it (``schema``, ``countries``, perhaps ``key``).
        facts: the statement's ``case_facts``; a fact that names no subjects is about all.
    """
    key = subject.get("key")
    about = [one for one in facts if not one.get("subjects") or key in one["subjects"]]
    return SubjectCase(
        kind=_KINDS.get(str(subject["schema"]), "entity"),
        facts=tuple(recorded_fact(one) for one in about),
        countries=frozenset(str(one).upper() for one in subject.get("countries", ())),
    )


def recorded_fact(fact: Mapping[str, Any]) -> RecordedFact:
    """Return one recorded fact of a statement as the assessment takes it."""
    return RecordedFact(
        conduct=str(fact["conduct"]),
        part=str(fact["part"]),
        victims_defended_rights=_VICTIMS.get(str(fact.get("victims"))),
        state=str(fact.get("state", "")).upper(),
    )


def _unknown(what: str, given: str, known: Iterable[str]) -> str:
    names: Sequence[str] = sorted(known)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.4)
    said = f"the nearest is {near[0]}" if near else f"known are {', '.join(names)}"
    return f"There is no such {what}; {said}."
