"""Drafts: a statement in the making, and the second pair of eyes it needs.

Owns the life of a draft and the rule of four eyes as pure functions. Must not compose or seal
anything, look up roles (policies do), or read a clock.

    drafted ──approve──▶ sealed ──confirm──▶ sealed, confirmed
       │ ▲                                   (only where the table asks for it afterwards)
 return│ │replace
       ▼ │
    returned ──discard──▶ discarded   (also from drafted)

* The author set is everyone who wrote any version; whoever is in it approves and confirms nothing.
* An approval binds the digest that was seen. Another digest, or a draft that moved on, is stale.
* A person with two accounts is one person: officers are compared by their record's id.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from api.domain.errors import Conflict, Invalid, Refused, Stale


class DraftState(StrEnum):
    """Where a draft stands."""

    DRAFTED = "drafted"
    RETURNED = "returned"
    SEALED = "sealed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the content.

    Args:
        number: from 1.
        digest: digest of what a preparer signs.
        author: id of the officer record.
    """

    number: int
    digest: str
    author: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with all its versions.

    Args:
        state: where it stands.
        versions: oldest first, at least one.
        approver: who approved, once sealed; empty where the table asks for nobody.
        confirmer: who confirmed afterwards.
        confirm_by: instant by which a confirmation is due; None where none is.
        reason: why it was returned.
    """

    state: DraftState
    versions: tuple[Version, ...]
    approver: str = ""
    confirmer: str = ""
    confirm_by: str | None = None
    reason: str = ""

    @property
    def current(self) -> Version:
        """The version that would be signed."""
        return self.versions[-1]

    @property
    def authors(self) -> frozenset[str]:
        """Everyone who wrote any version."""
        return frozenset(version.author for version in self.versions)


def begin(author: str, digest: str) -> Draft:
    """A new draft by one officer."""
    return Draft(DraftState.DRAFTED, (Version(1, digest, author),))


def write_again(draft: Draft, author: str, digest: str, seen: int) -> Draft:
    """The draft with a new version; its author joins the author set for good.

    Args:
        draft: the draft.
        author: who writes.
        digest: digest of the new content.
        seen: the version that the author had before them.

    Raises:
        Conflict: `draft.sealed` or `draft.discarded`.
        Stale: `draft.stale` if another version came in between.
    """
    _require(draft, DraftState.DRAFTED, DraftState.RETURNED)
    if seen != draft.current.number:
        raise _stale()
    version = Version(draft.current.number + 1, digest, author)
    versions = (*draft.versions, version)
    return replace(draft, state=DraftState.DRAFTED, versions=versions, reason="")


def approve(draft: Draft, approver: str, seen: str, confirm_by: str | None = None) -> Draft:
    """The sealed draft.

    Args:
        draft: the draft.
        approver: an officer outside the author set.
        seen: digest of the version that the approver had before them.
        confirm_by: when a later confirmation is due, if the table asks for one.

    Raises:
        Conflict: the draft is returned, sealed or discarded.
        Stale: `draft.stale`.
        Refused: `draft.own-work`.
    """
    _require(draft, DraftState.DRAFTED)
    if seen != draft.current.digest:
        raise _stale()
    _require_outsider(draft, approver)
    return replace(draft, state=DraftState.SEALED, approver=approver, confirm_by=confirm_by)


def send(draft: Draft, sender: str, seen: str, confirm_by: str | None = None) -> Draft:
    """The draft sealed by its author alone, where the table asks for no approval before it leaves.

    Args:
        draft: the draft.
        sender: one of the authors.
        seen: digest of the version sent.
        confirm_by: when a second officer's confirmation is due (recall), or None.

    Raises:
        Conflict: the draft is returned, sealed or discarded.
        Stale: `draft.stale`.
        Refused: `draft.not-author`.
    """
    _require(draft, DraftState.DRAFTED)
    if seen != draft.current.digest:
        raise _stale()
    if sender not in draft.authors:
        raise Refused("draft.not-author", "Only an author sends a draft that nobody approves.")
    return replace(draft, state=DraftState.SEALED, confirm_by=confirm_by)


def confirm(draft: Draft, confirmer: str) -> Draft:
    """The draft with the second look at a statement that left at once.

    Raises:
        Conflict: `draft.not-awaiting-confirmation` or `draft.confirmed`.
        Refused: `draft.own-work`.
    """
    if draft.state is not DraftState.SEALED or draft.confirm_by is None:
        raise Conflict("draft.not-awaiting-confirmation", "This statement needs no confirmation.")
    if draft.confirmer:
        raise Conflict("draft.confirmed", "This statement has been confirmed already.")
    _require_outsider(draft, confirmer)
    if confirmer == draft.approver:
        raise Refused("draft.own-work", "Somebody who did not approve it must confirm it.")
    return replace(draft, confirmer=confirmer)


def give_back(draft: Draft, by: str, reason: str) -> Draft:
    """The draft returned to its authors.

    Raises:
        Conflict: it is not waiting for approval.
        Refused: `draft.own-work`.
        Invalid: `draft.reason-missing`.
    """
    _require(draft, DraftState.DRAFTED)
    _require_outsider(draft, by)
    if not reason.strip():
        raise Invalid("draft.reason-missing", "Say why the draft is returned.")
    return replace(draft, state=DraftState.RETURNED, reason=reason)


def discard(draft: Draft, by: str) -> Draft:
    """The draft set aside by one of its authors.

    Raises:
        Conflict: it is sealed or discarded.
        Refused: `draft.not-author`.
    """
    _require(draft, DraftState.DRAFTED, DraftState.RETURNED)
    if by not in draft.authors:
        raise Refused("draft.not-author", "Only an author sets a draft aside; return it instead.")
    return replace(draft, state=DraftState.DISCARDED)


def alarm(draft: Draft, now: str) -> bool:
    """Whether a confirmation is overdue (instants of one form compare as text)."""
    due = draft.confirm_by
    return draft.state is DraftState.SEALED and bool(due) and not draft.confirmer and now > str(due)


def _require(draft: Draft, *states: DraftState) -> None:
    if draft.state not in states:
        now = draft.state.value
        raise Conflict(f"draft.{now}", f"This draft is {now}; the act comes too late.")


def _require_outsider(draft: Draft, officer: str) -> None:
    if officer in draft.authors:
        raise Refused("draft.own-work", "Somebody who wrote no version of it must do this.")


def _stale() -> Stale:
    return Stale("draft.stale", "The draft changed since you read it; read it again.")
