"""Body of `identity-verdict/1`: whether two descriptions are of one subject, and how one knows."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from api.wire.payloads.parts import Part, Restatable
from api.wire.payloads.scalars import Digest, Line, Name, PartialDate, Prose, Slug, SubjectKey

MAX_SIGNALS = 40


class Described(Part):
    """A description: in a statement, or as an entry of a published list; never both.

    `kind` says how the statement is held (`designation`, `package`, `proposal`, `thread`); `key`
    names the subject inside it where it has several. An entry is named by its publisher, the list,
    the day of the edition that was looked at, and the publisher's id.
    """

    kind: Literal["designation", "package", "proposal", "thread", "list"]
    statement: Digest | None = None
    key: SubjectKey | None = None
    publisher: Name | None = None
    list_: Slug | None = Field(default=None, alias="list")
    edition: PartialDate | None = None
    id: Name | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        entry = (self.publisher, self.list_, self.edition, self.id)
        of_list = self.kind == "list"
        if of_list != all(one is not None for one in entry) or of_list == bool(self.statement):
            message = "name a statement, or publisher, list, edition and id of an entry"
            raise ValueError(message)
        if not of_list and any(one is not None for one in entry):
            message = "a statement has no publisher, list, edition or id"
            raise ValueError(message)
        if of_list and self.key is not None:
            message = "an entry of a list has no key"
            raise ValueError(message)
        return self


def reference(described: dict[str, Any]) -> str:
    """Return the reference under which a node holds what a validated body names.

    `list:<list>:<id>`, `<kind>:<statement>`, or `<kind>:<statement>#<key>`.
    """
    if described["kind"] == "list":
        return f"list:{described['list']}:{described['id']}"
    whole = f"{described['kind']}:{described['statement']}"
    return f"{whole}#{described['key']}" if "key" in described else whole


class IdentityVerdictV1(Restatable):
    """A ministry's finding on two descriptions; its later one on the same two takes its place.

    With `withdraws` the ministry takes back an earlier one and has no finding any more; the outcome
    is `unsure` then.
    """

    one: Described
    other: Described
    outcome: Literal["same", "not-same", "unsure"]
    reason: Prose
    signals: Annotated[list[Line], Field(min_length=1, max_length=MAX_SIGNALS)] | None = None
    withdraws: Digest | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        told = [one.model_dump(by_alias=True, exclude_none=True) for one in (self.one, self.other)]
        if reference(told[0]) == reference(told[1]):
            message = "name two descriptions"
            raise ValueError(message)
        if self.withdraws is not None and self.outcome != "unsure":
            message = "what is taken back leaves the ministry unsure"
            raise ValueError(message)
        return self
