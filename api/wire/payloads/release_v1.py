"""Body of `release/1`: the decision to give one package to one recipient under a marking."""

from typing import Self

from pydantic import model_validator

from api.wire.payloads.parts import Marking, Restatable
from api.wire.payloads.scalars import Digest, Ministry, Prose


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

    @model_validator(mode="after")
    def _consent_with_originator(self) -> Self:
        if (self.originator is None) != (self.consent is None):
            message = "an onward release names both the originator and its consent"
            raise ValueError(message)
        return self
