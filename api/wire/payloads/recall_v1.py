"""Body of `recall/1`: the originator's withdrawal of a package from every holder."""

from typing import Literal, Self

from pydantic import model_validator

from api.wire.payloads.parts import Restatable
from api.wire.payloads.scalars import Digest, Prose


class RecallV1(Restatable):
    """A recall, with what each holder is asked to do with its copy."""

    package: Digest
    reason: Prose
    instruction: Literal["stop-use", "return", "destroy"]
    replaced_by: Digest | None = None

    @model_validator(mode="after")
    def _another_package(self) -> Self:
        if self.replaced_by == self.package:
            message = "a package cannot replace itself"
            raise ValueError(message)
        return self
