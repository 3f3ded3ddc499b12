"""What officers are shown of packages, their exhibits, releases and holders.

Owns the read models; ``evidence`` makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.domain.evidence import (
    ExhibitState,
    HolderState,
    PackageState,
    RecallOutcome,
    ReleaseState,
)
from api.domain.notation import Count, Digest, Instant
from api.services.desk.recalls import RecallView


@dataclass(frozen=True, slots=True)
class SubmittedPackage:
    """The id of a package, born with its seal; ``repeated`` if it was submitted before."""

    id: Digest
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """One line of the list of packages.

    Attributes:
        id: of its statement.
        originator: ministry that made it.
        title: from its body.
        state: where it stands here.
        submitted_at: when it was submitted, or received.
        supersedes: the package that it replaces once it is released.
        superseded_by: the package that replaces it.
        return_reason: why a reviewer returned it.
    """

    id: Digest
    originator: str
    title: str
    state: PackageState
    submitted_at: Instant
    supersedes: Digest | None
    superseded_by: Digest | None
    return_reason: str | None


@dataclass(frozen=True, slots=True)
class ExhibitView:
    """One exhibit of a package; ``state`` says whether its bytes are here."""

    label: str
    digest: Digest
    size: Count
    media_type: str
    state: ExhibitState | None


@dataclass(frozen=True, slots=True)
class AcquisitionView:
    """An exhibit that the releaser acquired by its own work, not from a partner."""

    exhibit: Digest
    source: str
    collector: str
    collected: str


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """One release of a package; ``tlp`` is the label of its marking."""

    id: Digest
    issuer: str
    recipient: str
    tlp: str
    state: ReleaseState
    released_at: Instant
    acquired_independently: tuple[AcquisitionView, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageView(PackageSummary):
    """A package with everything its readers see.

    Attributes:
        recall: the originator's recall, where there is one; it stands above everything else.
        withheld: whether content and exhibits stay shut until the officer acknowledges the recall.
        body: what its author signed.
        issued_at: when its ministry sealed it.
        envelope_digest: of the sealed bytes.
        exhibits: by label.
        releases: oldest first.
        acquisitions: records of independent acquisition; a release states them.
        tag: entity tag.
    """

    recall: RecallView | None
    withheld: bool
    body: Mapping[str, Any]
    issued_at: Instant
    envelope_digest: Digest
    exhibits: tuple[ExhibitView, ...]
    releases: tuple[ReleaseView, ...]
    acquisitions: tuple[AcquisitionView, ...]
    tag: str


@dataclass(frozen=True, slots=True)
class HolderView:
    """One ministry that holds a package, and what it did with it.

    Attributes:
        package: the package.
        ministry: who holds it.
        release: the release, or the consent by which it may get it from another holder.
        state: the furthest that its node's signatures show.
        message: message that brought the release, once there is a receipt.
        receipted_at: when its node signed for it.
        disposition: its disposition's statement.
        code: why it refused.
        recall: the recall.
        recall_message: message that brought the recall, once there is a receipt.
        recall_receipted_at: when its node signed for the recall.
        recall_disposition: its disposition of the recall.
        recall_outcome: what its node is known to have done with the recall.
        held: its node's word that every exhibit came (``exhibits-held/1``).
        held_at: when it said so.
        answer: what its people say they did: ``stopped``, ``returned``, ``destroyed``, ``kept``.
        answer_reason: in their words.
        answered_at: when that answer was stored here.
    """

    package: Digest
    ministry: str
    release: Digest
    state: HolderState
    message: str | None
    receipted_at: Instant | None
    disposition: Digest | None
    code: str | None
    recall: Digest | None
    recall_message: str | None
    recall_receipted_at: Instant | None
    recall_disposition: Digest | None
    recall_outcome: RecallOutcome | None
    held: Digest | None = None
    held_at: Instant | None = None
    answer: str | None = None
    answer_reason: str | None = None
    answered_at: Instant | None = None
