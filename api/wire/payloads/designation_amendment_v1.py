"""Body of `designation-amendment/1`: what changed in a standing designation, and when."""

from typing import Self

from pydantic import model_validator

from api.wire.payloads.law import AmendmentProcedure
from api.wire.payloads.parts import (
    Grounds,
    LegalInstants,
    Measures,
    Mirrors,
    Part,
    ReleasableReasons,
    Restatable,
    Sources,
    SubjectFacts,
)
from api.wire.payloads.scalars import Digest, Line, Name, Prose, Regime


class DesignationChanges(Part):
    """The members given here take the place of the designation's own."""

    subject: SubjectFacts | None = None
    regime: Regime | None = None
    instrument: Line | None = None
    grounds: Grounds | None = None
    list_reference: Name | None = None
    measures: Measures | None = None
    reasons: ReleasableReasons | None = None
    mirrors: Mirrors | None = None

    @model_validator(mode="after")
    def _something_changes(self) -> Self:
        if not self.model_fields_set:
            message = "an amendment changes nothing; give at least one member that changes"
            raise ValueError(message)
        return self


class DesignationAmendmentV1(Restatable):
    """An amendment; the instants are those of the amending act."""

    designation: Digest
    changes: DesignationChanges
    instants: LegalInstants
    note: Prose | None = None
    procedure: AmendmentProcedure | None = None
    sources: Sources | None = None
