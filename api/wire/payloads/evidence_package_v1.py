"""Body of `evidence-package/1`: a manifest of claims and of the exhibits that bear them out.

Owns the shape of the manifest and its inner references (claims to subjects and exhibits). Files
themselves are checked where they are read, against `digest` and `size`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.wire.payloads.law import WithCaseFacts, unknown_keys
from api.wire.payloads.parts import DistinctKeys, Part, repeated
from api.wire.payloads.scalars import (
    Digest,
    Label,
    Language,
    Line,
    MediaType,
    Name,
    Prose,
    Size,
    SubjectKey,
    When,
)

EvidenceKind = Literal[
    "official-record",
    "leaked-official-document",
    "witness-statement",
    "medical",
    "imagery",
    "video-or-photo",
    "audio",
    "financial-record",
    "corporate-registry",
    "contract",
    "court-ruling",
    "un-report",
    "ngo-report",
    "media",
    "academic-study",
    "partner-designation",
    "intelligence-assessment",
    "social-media",
]
"""What a file is, as evidence. `intelligence-assessment` says that one exists, no more."""


class Claim(Part):
    """What one subject did, under which ground, and which exhibits show it."""

    subject: SubjectKey
    act: Prose
    ground: Line
    exhibits: Annotated[list[Label], Field(max_length=1000)]
    note: Prose | None = None


class Collected(Part):
    """Who collected an exhibit, when and how."""

    by: Name
    at: When
    how: Line


class CustodyEvent(Part):
    """One change of hands of an exhibit."""

    at: When
    by: Name
    act: Line


class Exhibit(Part):
    """One file, named by its digest; the label is for people and never a path."""

    label: Label
    media_type: MediaType
    size: Size
    digest: Digest
    kind: EvidenceKind
    source: Line
    collected: Collected | None = None
    custody: Annotated[list[CustodyEvent], Field(max_length=200)] | None = None
    translation_of: Label | None = None


class EvidencePackageV1(DistinctKeys, WithCaseFacts):
    """An evidence package, signed by its author; it stays home until it is released."""

    title: Name
    summary: Prose
    language: Language
    claims: Annotated[list[Claim], Field(min_length=1, max_length=2000)]
    exhibits: Annotated[list[Exhibit], Field(max_length=1000)]
    exculpatory: Prose
    legal_basis: Prose
    compelled: bool
    supersedes: Digest | None = None

    @model_validator(mode="after")
    def _references_hold(self) -> Self:
        labels = {exhibit.label for exhibit in self.exhibits}
        if len(labels) != len(self.exhibits):
            message = "two exhibits have the same label; give each its own"
            raise ValueError(message)
        if repeated(exhibit.digest for exhibit in self.exhibits):
            message = "two exhibits are the same file; list a file once"
            raise ValueError(message)
        keys = {subject.key for subject in self.subjects}
        if any(claim.subject not in keys for claim in self.claims):
            message = "a claim names a subject that the package does not describe"
            raise ValueError(message)
        if any(not labels.issuperset(claim.exhibits) for claim in self.claims):
            message = "a claim names an exhibit that the package does not hold"
            raise ValueError(message)
        if unknown_keys(self.case_facts, keys):
            message = "a fact of the case names a subject that the package does not describe"
            raise ValueError(message)
        if any(not labels.issuperset(fact.exhibits or ()) for fact in self.case_facts or ()):
            message = "a fact of the case names an exhibit that the package does not hold"
            raise ValueError(message)
        for exhibit in self.exhibits:
            if exhibit.translation_of is None:
                continue
            if exhibit.translation_of == exhibit.label or exhibit.translation_of not in labels:
                message = "a translation must name another exhibit of the same package"
                raise ValueError(message)
        return self
