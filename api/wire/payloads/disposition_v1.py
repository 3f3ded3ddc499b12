"""Body of `disposition/1`: the node applied a statement, or refused it, and why."""

from typing import Literal, Self

from pydantic import model_validator

from api.wire.payloads.parts import Part
from api.wire.payloads.scalars import Code, Digest, Line, MessageId


class DispositionV1(Part):
    """One disposition for one statement of one message."""

    message: MessageId
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
