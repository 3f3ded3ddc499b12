"""Body of `designation/1`: the fact that a jurisdiction listed one subject.

`procedure` `urgent` is the one of SAMLA 2018 s. 11(2B): it follows a partner's listing, whose
provision it names, and lapses unless renewed or confirmed.
"""

from typing import Self

from pydantic import model_validator

from api.wire.payloads.law import AgainstBar, DesignationProcedure, WithCaseFacts
from api.wire.payloads.parts import (
    Grounds,
    LegalInstants,
    Measures,
    Mirrors,
    ReleasableReasons,
    Restatable,
    Sources,
    SubjectFacts,
)
from api.wire.payloads.scalars import Digest, Jurisdiction, Line, Name, Regime


class DesignationV1(WithCaseFacts, Restatable):
    """A designation with its instrument, grounds, and the instants that differ in law."""

    subject: SubjectFacts
    jurisdiction: Jurisdiction
    regime: Regime
    instrument: Line
    grounds: Grounds
    list_reference: Name
    instants: LegalInstants
    measures: Measures
    reasons: ReleasableReasons | None = None
    mirrors: Mirrors | None = None
    proposal: Digest | None = None
    regime_edition: Line | None = None
    against_bar: AgainstBar | None = None
    procedure: DesignationProcedure | None = None
    partner_provision: Line | None = None

    @model_validator(mode="after")
    def _urgent_names_a_provision(self) -> Self:
        if self.procedure == "urgent" and self.partner_provision is None:
            message = "an urgent designation names the partner's provision that it follows"
            raise ValueError(message)
        return self

    sources: Sources | None = None
