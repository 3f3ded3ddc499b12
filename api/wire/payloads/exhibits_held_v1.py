"""Body of `exhibits-held/1`: every exhibit of a released package has come from its releaser."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.wire.payloads.parts import Part, repeated
from api.wire.payloads.scalars import Digest

MAX_EXHIBITS = 1_000


class ExhibitsHeldV1(Part):
    """The recipient's node holds the files of this release, each once."""

    release: Digest
    exhibits: Annotated[list[Digest], Field(max_length=MAX_EXHIBITS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if repeated(self.exhibits):
            message = "an exhibit is named twice"
            raise ValueError(message)
        return self
