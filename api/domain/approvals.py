"""Who approved whose work, after how long, having seen it: told from events alone.

Owns the pairing of previews and approvals (PROTOCOL §6) of every kind that takes two officers, for
the log of a node and for exports alike, so that an auditor gets the same answer offline. Reads no
database.

An approval counts as *seen* if its event names a digest and the event of a look, and that look was
at this very digest of this very object, before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from api.domain.events import Act

_MADE_BY: Final[Mapping[Act, frozenset[Act]]] = {
    Act.DELEGATION_APPROVED: frozenset({Act.DELEGATION_PROPOSED}),
    Act.DRAFT_APPROVED: frozenset({Act.DRAFT_CREATED, Act.DRAFT_REPLACED}),
    Act.DRAFT_CONFIRMED: frozenset({Act.DRAFT_CREATED, Act.DRAFT_REPLACED}),
    Act.EPOCH_OPENED: frozenset({Act.EPOCH_PROPOSED}),
    Act.ERASURE_APPROVED: frozenset({Act.ERASURE_PROPOSED}),
    Act.GRANT_APPROVED: frozenset({Act.GRANT_PROPOSED}),
    Act.KEY_APPROVED: frozenset({Act.KEY_REQUESTED, Act.KEY_PROPOSED}),
    Act.MEMBERSHIP_APPROVED: frozenset({Act.MEMBERSHIP_PROPOSED}),
    Act.OFFICER_APPROVED: frozenset({Act.OFFICER_PROPOSED}),
    Act.OFFICER_REINSTATED: frozenset({Act.REINSTATEMENT_PROPOSED}),
    Act.PROPOSAL_ENDORSED: frozenset({Act.PROPOSAL_DRAFTED, Act.PROPOSAL_REPLACED}),
    Act.REGIME_APPROVED: frozenset({Act.REGIME_PROPOSED}),
    Act.RELYING_PARTY_APPROVED: frozenset({Act.RELYING_PARTY_PROPOSED}),
    Act.SUSPENSION_CONFIRMED: frozenset({Act.OFFICER_SUSPENDED}),
    Act.TAIL_ABANDONED: frozenset({Act.TAIL_PROPOSED}),
    Act.WAIVER_APPROVED: frozenset({Act.WAIVER_PROPOSED}),
}
"""Each act of a second officer, and the acts of those who made what it decides on."""

APPROVALS: Final = (*sorted(_MADE_BY),)
"""The acts of a second officer."""

_LOOKS: Final = frozenset({Act.DRAFT_PREVIEWED, Act.CHANGE_PREVIEWED})

ACTS: Final = (*sorted({*_MADE_BY, *_LOOKS, *frozenset[Act]().union(*_MADE_BY.values())}),)
"""What must be known to tell: an export that withholds one of these tells less."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval.

    Attributes:
        act: what was approved, such as ``draft.approved`` or ``grant.approved``.
        object: id of the draft or record.
        version: its version.
        digest: of exactly what was approved; empty in events that name none.
        approver: account that approved, ``iss sub``.
        authors: accounts that wrote or proposed it, up to then.
        approved_at: RFC 3339 UTC.
        previewed_at: when the approver was last shown that digest before; ``None`` if never.
        index: leaf of the approval; ``None`` while it is not in the log yet.
    """

    act: str
    object: str
    version: int
    digest: str
    approver: str
    authors: tuple[str, ...]
    approved_at: str
    previewed_at: str | None
    index: int | None

    @property
    def seconds(self) -> float | None:
        """How long after the preview it was approved; ``None`` without a preview."""
        if self.previewed_at is None:
            return None
        since = datetime.fromisoformat(self.approved_at) - datetime.fromisoformat(self.previewed_at)
        return since.total_seconds()


@dataclass(frozen=True, slots=True)
class _Look:
    object: str
    digest: str
    account: str
    at: str


class _Told:
    """What the events read so far say of makers and looks."""

    def __init__(self) -> None:
        self._makers: dict[tuple[str, Act], tuple[str, ...]] = {}
        self._looks: dict[str, _Look] = {}
        self._latest: dict[tuple[str, str, str], str] = {}

    def made(self, act: Act, event: Mapping[str, Any]) -> None:
        """Note who made something."""
        key, account = (str(event["object"]["id"]), act), _account(event)
        known = self._makers.get(key, ())
        self._makers[key] = known if account in known else (*known, account)

    def looked(self, event: Mapping[str, Any]) -> None:
        """Note that an officer was shown something."""
        look = _Look(
            str(event["object"]["id"]),
            str(event.get("digest", "")),
            _account(event),
            str(event["time"]),
        )
        self._looks[str(event["id"])] = look
        self._latest[look.object, look.digest, look.account] = look.at

    def approval(self, index: int | None, act: Act, event: Mapping[str, Any]) -> Approval:
        """Return an approval with its makers and its look."""
        about, digest = str(event["object"]["id"]), str(event.get("digest", ""))
        makers = (self._makers.get((about, each), ()) for each in sorted(_MADE_BY[act]))
        return Approval(
            act=act.value,
            object=about,
            version=int(event["object"]["version"]),
            digest=digest,
            approver=_account(event),
            authors=tuple(dict.fromkeys(one for each in makers for one in each)),
            approved_at=str(event["time"]),
            previewed_at=self._seen(about, digest, event),
            index=index,
        )

    def _seen(self, about: str, digest: str, event: Mapping[str, Any]) -> str | None:
        """Return when the officer was last shown this digest, if the approval rests on a look.

        A person with two accounts may look under one and decide under the other; the node, which
        knows persons, names the look.
        """
        look = self._looks.get(str(event.get("preview", "")))
        if look is None or not digest or (look.object, look.digest) != (about, digest):
            return None
        return self._latest.get((about, digest, _account(event)), look.at)


def approvals(events: Iterable[tuple[int | None, Mapping[str, Any]]]) -> Iterator[Approval]:
    """Yield the approvals among events.

    What an operator did on the machine, or the node by itself, is nobody's approval.

    Args:
        events: leaf index and content of each event, oldest first.
    """
    told = _Told()
    known = {act.value: act for act in ACTS}
    for index, event in events:
        act = known.get(str(event.get("act")))
        if act is None or event["actor"].get("kind") != "officer":
            continue
        if act in _LOOKS:
            told.looked(event)
        elif act in _MADE_BY:
            yield told.approval(index, act, event)
        else:
            told.made(act, event)


def _account(event: Mapping[str, Any]) -> str:
    return f"{event['actor'].get('iss', '')} {event['actor'].get('sub', '')}".strip()
