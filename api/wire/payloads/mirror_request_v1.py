"""Body of `mirror-request/1`: the opener of a thread; asks one ministry to mirror designations."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.wire.payloads.law import WithCaseFacts, unknown_keys
from api.wire.payloads.parts import (
    MAX_SUBJECTS,
    DistinctKeys,
    Evidence,
    PermittedUse,
    ReleasableReasons,
    Restatable,
)
from api.wire.payloads.scalars import Digest, Instant, Name, Prose, Regime, SubjectKey

Designations = Annotated[dict[SubjectKey, Digest], Field(max_length=MAX_SUBJECTS)]
Regimes = Annotated[dict[SubjectKey, Regime], Field(max_length=MAX_SUBJECTS)]


class MirrorRequestV1(DistinctKeys, WithCaseFacts, Restatable):
    """A mirror request. `regimes` suggests, per subject, a regime of the addressee's law."""

    title: Name
    designations: Designations
    evidence: Evidence
    authority: Prose
    permitted_use: PermittedUse
    respond_by: Instant
    reasons: ReleasableReasons
    regimes: Regimes | None = None
    release_at: Instant | None = None
    continues: Digest | None = None

    @model_validator(mode="after")
    def _known_subjects(self) -> Self:
        keys = {subject.key for subject in self.subjects}
        if not keys.issuperset(self.designations) or not keys.issuperset(self.regimes or ()):
            message = "designations and regimes may name only subjects of the request"
            raise ValueError(message)
        if unknown_keys(self.case_facts, keys):
            message = "a fact of the case names a subject that the request does not describe"
            raise ValueError(message)
        return self
