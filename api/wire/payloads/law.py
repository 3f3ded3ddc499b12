"""Words in which statements say what happened and who took which part in it.

Owns the recorded facts of a case (`CaseFact`): never inferred from a ground, always said by an
officer with the exhibits that show it. What the law makes of them is `api.domain.regimes`.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from api.wire.payloads.parts import Keys, Part
from api.wire.payloads.scalars import Country, Label, Line, PartialDate, Prose

Conduct = Literal[
    "killing",
    "torture",
    "forced-labour",
    "arbitrary-detention",
    "religious-persecution",
    "other-gross-violation",
    "bribery",
    "misappropriation",
    "other-corruption",
]
Involvement = Literal[
    "responsible",
    "leader-or-official",
    "support",
    "owned-or-acting-for",
    "associate-or-family",
    "agent-of-state",
    "conceals",
    "profits",
    "fails-to-prosecute",
    "attempt",
]
DesignationProcedure = Literal["standard", "urgent"]
AmendmentProcedure = Literal["renewed", "confirmed"]
Victims = Literal["rights-defenders", "others", "not-known"]

CONDUCT: frozenset[str] = frozenset(get_args(Conduct))
INVOLVEMENT: frozenset[str] = frozenset(get_args(Involvement))


class CaseFact(Part):
    """One recorded fact: an act, the subjects' part in it, its victims, place and time.

    `subjects` names keys of the same statement; absent, the fact is about all of them. `victims`
    says whether they sought to expose officials' illegality or to exercise or defend rights.
    """

    conduct: Conduct
    part: Involvement
    subjects: Keys | None = None
    victims: Victims | None = None
    state: Country | None = None
    place: Line | None = None
    from_: PartialDate | None = Field(default=None, alias="from")
    to: PartialDate | None = None
    exhibits: Annotated[list[Label], Field(max_length=200)] | None = None
    note: Prose | None = None


CaseFacts = Annotated[list[CaseFact], Field(max_length=500)]


class WithCaseFacts(Part):
    """Mixin of bodies with keyed subjects that may record facts of the case."""

    case_facts: CaseFacts | None = None


def unknown_keys(facts: Iterable[CaseFact] | None, keys: Iterable[str]) -> list[str]:
    """Return the subject keys that facts name and the statement does not describe."""
    known = set(keys)
    named = {key for fact in facts or () for key in fact.subjects or ()}
    return sorted(named - known)


class AgainstBar(Part):
    """Why a decision is taken although the law as recorded here stands against it.

    The approver and the partner see it beside the decision.
    """

    reason: Prose

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.reason.strip():
            message = "give the reason for deciding against a bar of the law"
            raise ValueError(message)
        return self
