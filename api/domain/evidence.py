"""Evidence packages: their life, their releases, and what each holder is known to have.

Owns the rules of release, onward release and recall, and the state of a holder at any past
instant. Must not read exhibits, signatures or a clock; instants are the protocol's text form,
which sorts by time.

At the originator:  submitted ─▶ released ─▶ superseded | recalled
                       ├▶ returned (then only superseded), and both ends may follow directly.
At a recipient:     received ─▶ superseded | recalled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from api.domain.decisions import ALLOWED, Decision, refuse


class PackageState(StrEnum):
    """Where a package stands at one node."""

    SUBMITTED = "submitted"
    RELEASED = "released"
    RETURNED = "returned"
    RECEIVED = "received"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"


class ExhibitState(StrEnum):
    """Where the bytes of an exhibit stand at one node."""

    AWAITED = "awaited"
    HELD = "held"
    ERASED = "erased"
    DESTROYED = "destroyed"


class ReleaseState(StrEnum):
    """Where a release stands."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class RecallOutcome(StrEnum):
    """What a holder's node is known to have done with a recall."""

    SENT = "sent"
    APPLIED = "applied"
    REFUSED = "refused"


class PackageAct(StrEnum):
    """What can happen to a package."""

    RELEASE = "release"
    RETURN = "return"
    SUPERSEDE = "supersede"
    RECALL = "recall"


_NEXT: Final[Mapping[tuple[PackageState, PackageAct], PackageState]] = {
    (PackageState.SUBMITTED, PackageAct.RELEASE): PackageState.RELEASED,
    (PackageState.RELEASED, PackageAct.RELEASE): PackageState.RELEASED,
    (PackageState.RECEIVED, PackageAct.RELEASE): PackageState.RECEIVED,
    (PackageState.SUBMITTED, PackageAct.RETURN): PackageState.RETURNED,
    (PackageState.SUBMITTED, PackageAct.SUPERSEDE): PackageState.SUPERSEDED,
    (PackageState.RELEASED, PackageAct.SUPERSEDE): PackageState.SUPERSEDED,
    (PackageState.RETURNED, PackageAct.SUPERSEDE): PackageState.SUPERSEDED,
    (PackageState.RECEIVED, PackageAct.SUPERSEDE): PackageState.SUPERSEDED,
    (PackageState.RELEASED, PackageAct.RECALL): PackageState.RECALLED,
    (PackageState.RECEIVED, PackageAct.RECALL): PackageState.RECALLED,
    (PackageState.SUPERSEDED, PackageAct.RECALL): PackageState.RECALLED,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a ministry must look at before it releases a package.

    Args:
        state: the package's state here.
        originator: ministry that made it.
        active: recipients of active releases, with the release's id.
        missing_exhibits: how many exhibits are not stored here.
    """

    state: PackageState
    originator: str
    active: Mapping[str, str]
    missing_exhibits: int = 0


def may_release(situation: Situation, body: Mapping[str, Any]) -> Decision:
    """Whether a package may be given to one more recipient now; markings are asked apart.

    Args:
        situation: the package here.
        body: body of the `release/1`.

    Returns:
        Allowed, or a refusal: `package.not-releasable`, `release.exists`,
        `release.supersedes-other` or `package.exhibits-missing`.
    """
    if (situation.state, PackageAct.RELEASE) not in _NEXT:
        return refuse(
            "package.not-releasable", "A returned, superseded or recalled package is not released."
        )
    standing = situation.active.get(body["recipient"])
    replaced = body.get("supersedes_release")
    if standing is not None and replaced is None:
        return refuse(
            "release.exists", "This ministry holds the package already; supersede that release."
        )
    if replaced is not None and replaced != standing:
        return refuse(
            "release.supersedes-other", "Supersede the release that this recipient holds now."
        )
    if situation.missing_exhibits:
        return refuse("package.exhibits-missing", "Store every exhibit here before the release.")
    return ALLOWED


@dataclass(frozen=True, slots=True)
class Consent:
    """An originator's consent as a statement gave it.

    Args:
        issuer: the ministry that consented.
        to: the holder that asked.
        body: body of the `onward-consent/1`.
    """

    issuer: str
    to: Collection[str]
    body: Mapping[str, Any]


def consent_covers(
    consent: Consent | None, *, originator: str, holder: str, release: Mapping[str, Any], at: str
) -> Decision:
    """Whether a consent covers an onward release.

    Args:
        consent: the consent that the release names, or None if there is none here.
        originator: the package's own issuer.
        holder: the ministry that releases onward.
        release: body of the onward `release/1`.
        at: when the release was sealed.

    Returns:
        Allowed, or a refusal: `onward.no-consent` or `onward.consent-expired`.
    """
    if consent is None:
        return refuse("onward.no-consent", "An onward release brings the originator's consent.")
    same = all(consent.body.get(name) == release.get(name) for name in ("package", "recipient"))
    parties = consent.issuer == originator == release.get("originator") and holder in consent.to
    if not (same and parties):
        return refuse("onward.no-consent", "The consent is for something else; ask for another.")
    until = consent.body.get("until")
    if until is not None and at > until:
        return refuse("onward.consent-expired", "The consent has run out; ask for another.")
    return ALLOWED


class HolderState(StrEnum):
    """What is known of one ministry's copy, from the weakest knowledge to the last."""

    NONE = "none"
    CONSENTED = "consented"
    SENT = "sent"
    PERHAPS_RECEIVED = "perhaps-received"
    RECEIPTED = "receipted"
    APPLIED = "applied"
    REFUSED = "refused"
    RECALL_SENT = "recall-sent"
    RECALL_RECEIPTED = "recall-receipted"
    RECALL_REFUSED = "recall-refused"
    RECALLED = "recalled"


@dataclass(frozen=True, slots=True)
class Holding:
    """The instants at which one ministry's copy of one package changed.

    Args:
        ministry: the holder.
        consented_at: when the originator let another holder pass it on.
        released_at: when it was released.
        receipted_at: when the holder's node signed for it.
        disposed_at: when the holder's disposition came.
        outcome: `applied` or `refused`.
        recalled_at: when the recall left.
        recall_receipted_at: when the holder's node signed for the recall.
        recall_disposed_at: when the disposition of the recall came.
        recall_outcome: `applied` or `refused`.
    """

    ministry: str
    consented_at: str | None = None
    released_at: str | None = None
    receipted_at: str | None = None
    disposed_at: str | None = None
    outcome: str | None = None
    recalled_at: str | None = None
    recall_receipted_at: str | None = None
    recall_disposed_at: str | None = None
    recall_outcome: str | None = None


def holder_state(holding: Holding, as_of: str) -> HolderState:
    """What was known of a holder's copy at an instant; only signed answers count as knowledge."""
    recall_end = _ended(holding.recall_outcome, HolderState.RECALLED, HolderState.RECALL_REFUSED)
    end = _ended(holding.outcome, HolderState.APPLIED, HolderState.REFUSED)
    latest_first = (
        (holding.recall_disposed_at, recall_end),
        (holding.recall_receipted_at, HolderState.RECALL_RECEIPTED),
        (holding.recalled_at, HolderState.RECALL_SENT),
        (holding.disposed_at, end),
        (holding.receipted_at, HolderState.RECEIPTED),
        (holding.released_at, HolderState.SENT),
        (holding.consented_at, HolderState.CONSENTED),
    )
    known = (state for instant, state in latest_first if instant is not None and instant <= as_of)
    return next(known, HolderState.NONE)


def provably_held(holding: Holding, as_of: str) -> bool:
    """Whether the holder's own signature shows that it had the package at an instant.

    A copy is held from its receipt on, unless the holder refused it, until it acknowledged a
    recall. A release without receipt proves nothing about the other side.
    """
    got = holding.receipted_at or holding.disposed_at
    if got is None or got > as_of:
        return False
    return holder_state(holding, as_of) not in (HolderState.REFUSED, HolderState.RECALLED)


def _ended(outcome: str | None, applied: HolderState, refused: HolderState) -> HolderState:
    return refused if outcome == "refused" else applied
