"""Body of `mirror-amendment/1`: the requester adds or removes subjects, evidence or time."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.wire.payloads.law import WithCaseFacts
from api.wire.payloads.mirror_request_v1 import Designations, Regimes
from api.wire.payloads.parts import (
    MAX_SUBJECTS,
    Evidence,
    Keys,
    Restatable,
    Subject,
    check_subject_keys,
    repeated,
)
from api.wire.payloads.scalars import Instant, Prose


class MirrorAmendmentV1(WithCaseFacts, Restatable):
    """An amendment of a request; a key that was once used is never given to another subject."""

    note: Prose
    add: Annotated[list[Subject], Field(min_length=1, max_length=MAX_SUBJECTS)] | None = None
    designations: Designations | None = None
    regimes: Regimes | None = None
    remove: Keys | None = None
    respond_by: Instant | None = None
    release_at: Instant | None = None
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        added = self.add or []
        check_subject_keys(added)
        keys = {subject.key for subject in added}
        if not keys.issuperset(self.designations or ()) or not keys.issuperset(self.regimes or ()):
            message = "designations and regimes may name only subjects that the amendment adds"
            raise ValueError(message)
        if repeated(self.remove or ()) or keys.intersection(self.remove or ()):
            message = "a subject is removed twice, or added and removed at once"
            raise ValueError(message)
        changes = (self.add, self.remove, self.respond_by, self.release_at, self.evidence)
        if not any((*changes, self.case_facts)):
            message = "an amendment changes nothing; ask or answer a question instead"
            raise ValueError(message)
        return self
