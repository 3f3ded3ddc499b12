"""Body of `disposition/2`: what the node did with the statements of one message, and why."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.wire import limits
from api.wire.payloads.parts import Part, repeated
from api.wire.payloads.scalars import Code, Digest, Line, MessageId


class OutcomeV2(Part):
    """What was done with one statement."""

    statement: Digest
    outcome: Literal["applied", "refused"]
    code: Code | None = None
    detail: Line | None = None

    @model_validator(mode="after")
    def _code_when_refused(self) -> Self:
        if (self.outcome == "refused") != (self.code is not None):
            message = "a refusal carries a code, and only a refusal does"
            raise ValueError(message)
        return self


class DispositionV2(Part):
    """One disposition for what was decided together of one message."""

    message: MessageId
    outcomes: Annotated[list[OutcomeV2], Field(min_length=1, max_length=limits.ITEMS)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if repeated(one.statement for one in self.outcomes):
            message = "a statement is disposed of twice"
            raise ValueError(message)
        return self
