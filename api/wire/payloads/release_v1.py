"""Body of `release/1`: the decision to give one package to one recipient under a marking."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.wire.payloads.parts import Marking, Part, Restatable
from api.wire.payloads.scalars import Digest, Line, Ministry, Name, PartialDate, Prose


class AcquisitionV1(Part):
    """An exhibit whose bytes the releaser acquired by its own work; it names no other package."""

    exhibit: Digest
    source: Line
    collector: Name
    collected: PartialDate


class ReleaseV1(Restatable):
    """A release; an onward release also names the originator and its consent."""

    package: Digest
    recipient: Ministry
    marking: Marking
    legal_basis: Prose
    note: Prose | None = None
    supersedes_release: Digest | None = None
    originator: Ministry | None = None
    consent: Digest | None = None
    acquired_independently: (
        Annotated[list[AcquisitionV1], Field(min_length=1, max_length=1_000)] | None
    ) = None

    @model_validator(mode="after")
    def _consent_with_originator(self) -> Self:
        if (self.originator is None) != (self.consent is None):
            message = "an onward release names both the originator and its consent"
            raise ValueError(message)
        return self
