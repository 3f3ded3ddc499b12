"""Body of `mirror-finding/1`: the addressee's decision on one subject.

Owns which members each kind of finding needs. Whether a ground fits the regime is for the domain.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.wire.payloads.law import AgainstBar
from api.wire.payloads.parts import Part, ReleasableReasons, Restatable, repeated
from api.wire.payloads.scalars import Digest, Instant, Line, Regime, SubjectKey

FindingKind = Literal["mirror", "mirror-differently", "decline", "defer", "duplicate-of"]


class DuplicateOf(Part):
    """The subject of an earlier thread that is already being dealt with."""

    thread: Digest
    key: SubjectKey


class MirrorFindingV1(Restatable):
    """A finding on one subject; a later one on the same key supersedes it until closure."""

    subject: SubjectKey
    finding: FindingKind
    reasons: ReleasableReasons
    relies_on: Annotated[list[Digest], Field(max_length=200)]
    regime: Regime | None = None
    ground: Line | None = None
    regime_edition: Line | None = None
    against_bar: AgainstBar | None = None
    until: Instant | None = None
    duplicate_of: DuplicateOf | None = None

    @model_validator(mode="after")
    def _members_fit_the_finding(self) -> Self:
        if self.finding in ("mirror", "mirror-differently") and self.regime is None:
            message = "a finding that mirrors names the regime under which it will list"
            raise ValueError(message)
        if self.until is not None and self.finding != "defer":
            message = "only a finding that defers may name a time until which it does"
            raise ValueError(message)
        if (self.duplicate_of is not None) != (self.finding == "duplicate-of"):
            message = "a duplicate names the earlier thread and key, and no other finding does"
            raise ValueError(message)
        if repeated(self.relies_on):
            message = "a package is named twice among those relied on"
            raise ValueError(message)
        return self
