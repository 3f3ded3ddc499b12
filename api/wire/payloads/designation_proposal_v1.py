"""Body of `designation-proposal/1`: the reasoned case for listing subjects under one regime.

Internal reasons may stand here because a proposal is first of all a ministry's own paper;
`api.domain.designations` refuses them in one that is addressed to a partner.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.wire.payloads.law import AgainstBar, WithCaseFacts, unknown_keys
from api.wire.payloads.parts import DistinctKeys, Keys, Measures, Part, Reasons, Restatable
from api.wire.payloads.scalars import Digest, Label, Line, Moment, Name, Prose, Regime


class GroundEvidence(Part):
    """Exhibits of one package that bear on a ground; none listed means the whole package."""

    package: Digest
    exhibits: Annotated[list[Label], Field(max_length=1000)] | None = None


class ThresholdFinding(Part):
    """The finding on a regime's own threshold: its wording, whether met, and who found it."""

    wording: Line
    met: bool
    by: Name
    at: Moment | None = None
    note: Prose | None = None


class ProposedGround(Part):
    """A legal ground with its evidence and the finding on the threshold."""

    ground: Line
    evidence: Annotated[list[GroundEvidence], Field(max_length=200)]
    threshold: ThresholdFinding
    subjects: Keys | None = None


class DesignationProposalV1(DistinctKeys, WithCaseFacts, Restatable):
    """A proposal. A ground without `subjects` is meant for all of them.

    `proposal` is the issuer's own number of the proposal whose releasable part this is.
    """

    regime: Regime
    grounds: Annotated[list[ProposedGround], Field(min_length=1, max_length=50)]
    reasons: Reasons
    measures: Measures
    title: Name | None = None
    proposal: Digest | None = None
    regime_edition: Line | None = None
    against_bar: AgainstBar | None = None

    @model_validator(mode="after")
    def _known_subjects(self) -> Self:
        keys = {subject.key for subject in self.subjects}
        if any(not keys.issuperset(ground.subjects or ()) for ground in self.grounds):
            message = "a ground names a subject that the proposal does not describe"
            raise ValueError(message)
        if unknown_keys(self.case_facts, keys):
            message = "a fact of the case names a subject that the proposal does not describe"
            raise ValueError(message)
        return self
