"""Body of `designation/1`: the fact that a jurisdiction listed one subject."""

from api.wire.payloads.parts import (
    Grounds,
    LegalInstants,
    Measures,
    Mirrors,
    Part,
    ReleasableReasons,
    Sources,
    SubjectFacts,
)
from api.wire.payloads.scalars import Digest, Jurisdiction, Line, Name, Regime


class DesignationV1(Part):
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
    sources: Sources | None = None
