"""The body of every call that takes nothing but a reason."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Reason(BaseModel):
    """Why something is returned, or ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=4000)]
