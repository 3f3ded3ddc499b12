"""Rows of the tables of ``records.packages`` as classes.

Owns their members and no look-up.
"""

from dataclasses import dataclass
from typing import Annotated

from api.domain.evidence import (
    ExhibitState,
    HolderState,
    PackageState,
    RecallOutcome,
    ReleaseState,
)
from api.records.rows import Kept


@dataclass(frozen=True, slots=True)
class Package:
    """One package as this node has it; what it says stands in its statement.

    Attributes:
        id: of its statement.
        originator: ministry that made it.
        title: from its body.
        state: where it stands here.
        prepared_by: officer record of its author; ``None`` for a partner's.
        submitted_at: when it was submitted, or received.
        supersedes: the package that it replaces, once it is released.
        superseded_by: the released package that replaces it.
        return_reason: why a reviewer returned it.
        release: the release that brought it; ``None`` for an own one.
    """

    id: str
    originator: str
    title: str
    state: PackageState
    prepared_by: str | None
    submitted_at: str
    supersedes: str | None
    superseded_by: str | None
    return_reason: str | None
    release: str | None

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in lists: when it was submitted, or came, and its id."""
        return self.submitted_at, self.id


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One file of evidence by its digest; ``stored_at`` is when its bytes came to lie here."""

    digest: str
    size: int
    state: ExhibitState
    stored_at: str | None


@dataclass(frozen=True, slots=True)
class OfferedExhibit(Exhibit):
    """An exhibit as a new package of this ministry finds it.

    ``under_recall``: a partner recalled it, and this ministry has neither answered nor listed it.
    """

    under_recall: Annotated[bool, Kept(bool)]


@dataclass(frozen=True, slots=True)
class PackageExhibit:
    """One exhibit as a package lists it, ``size`` in bytes as the package states it.

    ``arrival`` says of a received package whether it came from who released it: ``awaited`` or
    ``came``; ``None`` in own packages.
    """

    package: str
    label: str
    digest: str
    size: int
    media_type: str
    arrival: str | None


@dataclass(frozen=True, slots=True)
class ListedExhibit(PackageExhibit):
    """An exhibit of a package with the state of its file; ``None`` if none was ever noted."""

    state: ExhibitState | None


@dataclass(frozen=True, slots=True)
class Awaited:
    """An exhibit that is to come from the ministry that released its package.

    Attributes:
        package: id of the package that lists it.
        digest: its name.
        size: as that package states it.
        fetched: bytes that came from that ministry so far.
        turn: the transfer of these bytes is filled from that ministry, or compared with it.
    """

    package: str
    digest: str
    size: int
    fetched: int
    turn: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """A release all of whose exhibits came from its issuer, which was not told so yet."""

    release: str
    package: str


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a package to one recipient; ``tlp`` is the label of its marking.

    ``held`` is this node's word to the releaser that every exhibit came; ``None`` before.
    """

    id: str
    package: str
    issuer: str
    recipient: str
    tlp: str
    state: ReleaseState
    released_at: str
    held: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """What one ministry did with a package, and with its recall.

    Attributes:
        package: the package.
        ministry: who holds it.
        release: the release, or the consent by which it may get it from another holder.
        state: the furthest that is known.
        message: message that brought the release, once there is a receipt.
        receipted_at: when its node signed for it.
        disposition: its disposition's statement.
        code: why it refused.
        recall: the recall.
        recall_message: message that brought the recall, once there is a receipt.
        recall_receipted_at: when its node signed for the recall.
        recall_disposition: its disposition of the recall.
        recall_outcome: what is known of the recall.
        held: its node's word that every exhibit came.
        held_at: when it said so.
    """

    package: str
    ministry: str
    release: str
    state: HolderState
    message: str | None
    receipted_at: str | None
    disposition: str | None
    code: str | None
    recall: str | None
    recall_message: str | None
    recall_receipted_at: str | None
    recall_disposition: str | None
    recall_outcome: RecallOutcome | None
    held: str | None
    held_at: str | None


@dataclass(frozen=True, slots=True)
class TitledHolder(Holder):
    """A holder with the title of what it holds."""

    title: str


@dataclass(frozen=True, slots=True)
class RecallAnswer:
    """A holder's own answer to a recall; a row of ``recall_answers``.

    Attributes:
        statement: id of the ``recall-answer/1``.
        recall: id of the recall.
        package: id of the recalled package.
        ministry: the holder.
        answer: ``stopped``, ``returned``, ``destroyed`` or ``kept``.
        at: when this node stored it.
    """

    statement: str
    recall: str
    package: str
    ministry: str
    answer: str
    at: str
