"""Body of `recall-answer/1`: what a holder's people did with a recalled package."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.wire.payloads.parts import Restatable, repeated
from api.wire.payloads.scalars import Digest, Prose

MAX_EXHIBITS = 1_000


class RecallAnswerV1(Restatable):
    """An answer to a recall; `exhibits` names the files it is about, all of them if absent."""

    recall: Digest
    answer: Literal["stopped", "returned", "destroyed", "kept"]
    reason: Prose | None = None
    exhibits: Annotated[list[Digest], Field(min_length=1, max_length=MAX_EXHIBITS)] | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.answer == "kept" and self.reason is None:
            message = "say why it is kept"
            raise ValueError(message)
        if repeated(self.exhibits or ()):
            message = "an exhibit is named twice"
            raise ValueError(message)
        return self
