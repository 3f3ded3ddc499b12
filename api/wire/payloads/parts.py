"""Parts that several statement bodies share: subjects, markings, instants, reasons.

Owns the base class of all bodies and the composite values inside them. Must not know any
statement type. Members that these models do not name are allowed and survive; members that they
do name must be well formed, and one that is absent is left out, never null.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.wire.payloads.scalars import (
    Audience,
    Country,
    Digest,
    Jurisdiction,
    Line,
    Moment,
    Name,
    PartialDate,
    Prose,
    Script,
    Slug,
    SubjectKey,
    Zone,
)

MAX_SUBJECTS = 500


class Part(BaseModel):
    """Base of every body and of every object inside one.

    Strict scalars (no `"1"` for 1, no 1 for true), unknown members kept, null refused for a
    member that the model names.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, populate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _absent_rather_than_null(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            named = {field.alias or name for name, field in cls.model_fields.items()}
            if any(value.get(name, "") is None for name in named):
                message = "a member is null; leave a member out when there is nothing to say"
                raise ValueError(message)
        return value


def repeated(values: Iterable[str]) -> bool:
    """Whether any value occurs more than once."""
    listed = list(values)
    return len(set(listed)) != len(listed)


class Restatable(Part):
    """A body that may say once that it takes the place of a statement which a partner refused."""

    restates: Digest | None = None


class SubjectName(Part):
    """One name of a subject, in one script."""

    text: Name
    script: Script | None = None
    kind: Slug | None = None


class BirthDate(Part):
    """A birth date as one source gives it; conflicting ones stand side by side."""

    value: PartialDate
    precision: Literal["year", "month", "day", "circa"] | None = None
    source: Line | None = None


class Identifier(Part):
    """A number under a scheme: a passport, a registry, a list."""

    scheme: Slug
    value: Name


class Position(Part):
    """A post held, as far as its bounds are known."""

    title: Line
    from_: PartialDate | None = Field(default=None, alias="from")
    to: PartialDate | None = None
    source: Line | None = None


class SubjectFacts(Part):
    """Who is meant: a person, body or vessel, shaped like a FollowTheMoney entity."""

    schema_: Literal[
        "Person", "Organization", "PublicBody", "Company", "LegalEntity", "Vessel", "Airplane"
    ] = Field(alias="schema")
    names: Annotated[list[SubjectName], Field(min_length=1, max_length=100)]
    birth_dates: Annotated[list[BirthDate], Field(max_length=20)] | None = None
    birth_place: Line | None = None
    identifiers: Annotated[list[Identifier], Field(max_length=100)] | None = None
    positions: Annotated[list[Position], Field(max_length=100)] | None = None
    countries: Annotated[list[Country], Field(max_length=20)] | None = None
    source: Line | None = None


class Subject(SubjectFacts):
    """A subject with the key by which the rest of the statement or thread names it."""

    key: SubjectKey


Subjects = Annotated[list[Subject], Field(min_length=1, max_length=MAX_SUBJECTS)]


def check_subject_keys(subjects: Iterable[Subject]) -> None:
    """Refuse a list of subjects in which one key stands twice.

    Raises:
        ValueError: if a key is repeated.
    """
    if repeated(subject.key for subject in subjects):
        message = "two subjects have the same key; give each its own"
        raise ValueError(message)


class ReleasableReasons(Part):
    """Reasons that may cross a border. An `internal` member is refused, not ignored."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["internal"]}})

    releasable: Prose

    @model_validator(mode="before")
    @classmethod
    def _nothing_internal(cls, value: Any) -> Any:
        if isinstance(value, dict) and "internal" in value:
            message = "internal reasons never leave the ministry; keep only the releasable ones"
            raise ValueError(message)
        return value


class Reasons(Part):
    """Reasons inside one ministry: what may be told, apart from what may not."""

    releasable: Prose
    internal: Prose | None = None


class Marking(Part):
    """The handling rules of a release (TLP 2.0, releasable-to, originator control, uses)."""

    tlp: Literal["RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"]
    releasable_to: Annotated[list[Audience], Field(max_length=200)]
    originator_control: bool
    permitted_use: Annotated[list[Line], Field(max_length=50)]


class ZonedMoment(Part):
    """When something took legal effect, and in which zone that day or time is to be read."""

    at: Moment
    zone: Zone


class LegalInstants(Part):
    """The instants that differ in law. Canada registers a day before it announces."""

    in_force: ZonedMoment
    made: ZonedMoment | None = None
    registered: ZonedMoment | None = None
    published: ZonedMoment | None = None
    announced: ZonedMoment | None = None


class EvidenceReference(Part):
    """Evidence that the other party already holds: the package, and the release that gave it."""

    release: Digest
    package: Digest


Evidence = Annotated[list[EvidenceReference], Field(max_length=200)]
Keys = Annotated[list[SubjectKey], Field(min_length=1, max_length=MAX_SUBJECTS)]
Measures = Annotated[list[Slug], Field(min_length=1, max_length=50)]
Grounds = Annotated[list[Line], Field(min_length=1, max_length=50)]
PermittedUse = Annotated[list[Line], Field(min_length=1, max_length=50)]
Sources = Annotated[list[Line], Field(max_length=100)]


class MirrorOf(Part):
    """What a designation mirrors: a jurisdiction's, by statement where one was received."""

    jurisdiction: Jurisdiction
    designation: Digest | None = None


Mirrors = Annotated[list[MirrorOf], Field(max_length=50)]


class DistinctKeys(Part):
    """Mixin check for bodies whose `subjects` are keyed descriptions."""

    subjects: Subjects

    @model_validator(mode="after")
    def _distinct_keys(self) -> Self:
        check_subject_keys(self.subjects)
        return self
