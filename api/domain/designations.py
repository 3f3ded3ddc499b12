"""Proposals and designations: their lives, their instants, and what may leave the ministry.

Owns the life of a proposal, the standing form of a designation with its amendments and its
delisting, and the date from which it counts. Must not know mirror threads or storage, and reads
no clock; the only outside knowledge is the IANA time zone database.

Proposal:  drafted ─▶ submitted ─▶ endorsed ─▶ designated
                        ├▶ returned ─▶ submitted     └▶ lapsed (also from submitted, returned)

The date that counts is that of registration where there is one, else of entry into force: the
Canadian regulations of March 2021 and December 2024 bit a day before they were announced.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, Invalid
from api.wire.encoding import parse_instant
from api.wire.statements import Statement

DESIGNATION: Final = "designation/1"
AMENDMENT: Final = "designation-amendment/1"
DELISTING: Final = "delisting/1"


class ProposalState(StrEnum):
    """Where a proposal stands."""

    DRAFTED = "drafted"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ENDORSED = "endorsed"
    DESIGNATED = "designated"
    LAPSED = "lapsed"


class ProposalAct(StrEnum):
    """What can happen to a proposal."""

    SUBMIT = "submit"
    ENDORSE = "endorse"
    RETURN = "return"
    DESIGNATE = "designate"
    LAPSE = "lapse"


_NEXT: Final[Mapping[tuple[ProposalState, ProposalAct], ProposalState]] = {
    (ProposalState.DRAFTED, ProposalAct.SUBMIT): ProposalState.SUBMITTED,
    (ProposalState.RETURNED, ProposalAct.SUBMIT): ProposalState.SUBMITTED,
    (ProposalState.SUBMITTED, ProposalAct.ENDORSE): ProposalState.ENDORSED,
    (ProposalState.SUBMITTED, ProposalAct.RETURN): ProposalState.RETURNED,
    (ProposalState.ENDORSED, ProposalAct.DESIGNATE): ProposalState.DESIGNATED,
    (ProposalState.SUBMITTED, ProposalAct.LAPSE): ProposalState.LAPSED,
    (ProposalState.RETURNED, ProposalAct.LAPSE): ProposalState.LAPSED,
    (ProposalState.ENDORSED, ProposalAct.LAPSE): ProposalState.LAPSED,
}


def next_proposal_state(state: ProposalState, act: ProposalAct) -> ProposalState:
    """The state after an act.

    Raises:
        Conflict: `proposal.<state>`: the act is not open to a proposal in this state.
    """
    after = _NEXT.get((state, act))
    if after is None:
        raise Conflict(
            f"proposal.{state.value}", f"This cannot be done to a proposal that is {state.value}."
        )
    return after


def may_endorse(body: Mapping[str, Any]) -> Decision:
    """Whether a proposal is complete enough for a reviewer's endorsement.

    Thresholds are findings of law made by a person; this only asks that one was made for every
    ground and that it rests on something.

    Returns:
        Allowed, or a refusal: `proposal.ground-without-evidence` or `proposal.threshold-not-met`.
    """
    for ground in body["grounds"]:
        if not ground["evidence"]:
            return refuse("proposal.ground-without-evidence", "Give evidence for every ground.")
        if ground["threshold"]["met"] is not True:
            return refuse(
                "proposal.threshold-not-met", "Drop the ground whose threshold was not found met."
            )
    return ALLOWED


def may_leave(body: Mapping[str, Any], *, issuer: str, to: Iterable[str]) -> Decision:
    """Whether a proposal may be addressed to these ministries.

    Returns:
        Allowed, or a refusal with code `proposal.internal-reasons`.
    """
    if "internal" in body["reasons"] and any(ministry != issuer for ministry in to):
        return refuse(
            "proposal.internal-reasons", "Internal reasons never leave; share the releasable part."
        )
    return ALLOWED


def shareable(body: Mapping[str, Any]) -> dict[str, Any]:
    """A proposal's body as a partner may have it: releasable reasons only.

    Members that are not known here go too: nobody has judged whether they may leave. The edition
    of the law's data stays, and why it is proposed against a bar: partners read both.
    """
    known = (
        "subjects", "regime", "regime_edition", "grounds", "measures", "title", "against_bar",
    )  # fmt: skip
    shared = {name: body[name] for name in known if name in body}
    return {**shared, "reasons": {"releasable": body["reasons"]["releasable"]}}


def may_designate(body: Mapping[str, Any], jurisdiction: str) -> Decision:
    """Whether a designation is its issuer's to state, and its instants make sense.

    Args:
        body: body of the `designation/1`.
        jurisdiction: the issuer's jurisdiction, from the membership.

    Returns:
        Allowed, or a refusal: `designation.jurisdiction`, `designation.regime` or `instants.*`.
    """
    if body["jurisdiction"] != jurisdiction:
        return refuse("designation.jurisdiction", "A ministry states its own designations only.")
    if not body["regime"].startswith(f"{jurisdiction}-"):
        return refuse("designation.regime", "Name a regime of the designating jurisdiction.")
    return check_instants(body["instants"])


def check_instants(instants: Mapping[str, Any]) -> Decision:
    """Whether the instants name real zones and stand in an order that law allows.

    Nothing is registered or in force before it is made. Announcement and publication may come
    before or after: embargoes, leaks and gazettes each have their own time.

    Returns:
        Allowed, or a refusal: `instants.zone` or `instants.order`.
    """
    given = {name: value for name, value in instants.items() if name in _INSTANTS}
    if not all(_zone(value["zone"]) for value in given.values()):
        return refuse("instants.zone", "Name time zones as the IANA database does.")
    days = {name: day_of(value) for name, value in given.items()}
    made = days.get("made")
    later = [days[name] for name in ("registered", "in_force") if name in days]
    if made is not None and any(day < made for day in later):
        return refuse("instants.order", "Nothing is registered or in force before it is made.")
    return ALLOWED


_INSTANTS: Final = ("made", "registered", "in_force", "published", "announced")


def effective_on(instants: Mapping[str, Any]) -> dt.date:
    """The day from which an act counts: registration, else entry into force."""
    return day_of(instants.get("registered") or instants["in_force"])


def day_of(moment: Mapping[str, Any]) -> dt.date:
    """The civil day of a `{at, zone}` moment, in its own zone.

    A day stands as it is; an instant is turned into its zone. An unknown zone counts as UTC, so
    that a partner's misspelling cannot stop a table from being drawn; `check_instants` refuses it
    where it can still be mended.
    """
    at = str(moment["at"])
    if "T" not in at:
        return dt.date.fromisoformat(at)
    return parse_instant(at).astimezone(_zone(str(moment["zone"])) or dt.UTC).date()


@dataclass(frozen=True, slots=True)
class Delisting:
    """The end of a designation."""

    id: str
    on: dt.date


@dataclass(frozen=True, slots=True)
class Designation:
    """A designation as it stands after its amendments.

    Args:
        id: digest of the designation statement.
        issuer: the ministry that stated it.
        body: the designation's members with every amendment applied.
        since: the day from which it counts; amendments do not move it.
        amendments: ids of the amendments, in the order of their effect.
        delisting: its end, if any.
    """

    id: str
    issuer: str
    body: Mapping[str, Any]
    since: dt.date
    amendments: tuple[str, ...] = ()
    delisting: Delisting | None = None

    @property
    def jurisdiction(self) -> str:
        """Where it holds."""
        return str(self.body["jurisdiction"])

    @property
    def name(self) -> str:
        """The subject's first name in Latin script, else its first name."""
        names = self.body["subject"]["names"]
        latin = (name["text"] for name in names if name.get("script") == "Latn")
        return str(next(latin, names[0]["text"]))

    @property
    def mirrored(self) -> tuple[str, ...]:
        """Ids of the designations that it says it mirrors."""
        mirrors = self.body.get("mirrors", ())
        return tuple(one["designation"] for one in mirrors if "designation" in one)

    def stands(self, as_of: dt.date) -> bool:
        """Whether it counted on a day: from `since`, until the day before its delisting."""
        ended = self.delisting is not None and self.delisting.on <= as_of
        return self.since <= as_of and not ended


def standing(designation: Statement, later: Iterable[Statement]) -> Designation:
    """A designation with what its own issuer later said about it.

    Args:
        designation: the `designation/1`.
        later: amendments and delistings in any order; those of other designations or by other
            issuers are disregarded.

    Returns:
        The designation as it stands. Amendments apply in the order of their legal effect, then of
        their issue, then of their id, so that every node gets the same result.

    Raises:
        Invalid: `designation.type` if the statement is no designation.
    """
    if designation.type != DESIGNATION:
        raise Invalid("designation.type", "Give the designation itself first.")
    own = [one for one in later if _concerns(one, designation)]
    amendments = sorted((one for one in own if one.type == AMENDMENT), key=_order)
    delistings = sorted((one for one in own if one.type == DELISTING), key=_order)
    body: dict[str, Any] = dict(designation.body)
    for amendment in amendments:
        changes: Any = amendment.body["changes"]
        body.update({name: value for name, value in changes.items() if name in _AMENDABLE})
    ended = [Delisting(one.id, effective_on(_instants(one))) for one in delistings]
    return Designation(
        id=designation.id,
        issuer=designation.issuer,
        body=body,
        since=effective_on(_instants(designation)),
        amendments=tuple(dict.fromkeys(one.id for one in amendments)),
        delisting=ended[0] if ended else None,
    )


_AMENDABLE: Final = (
    "subject",
    "regime",
    "instrument",
    "grounds",
    "list_reference",
    "measures",
    "reasons",
    "mirrors",
)


def may_change(designation: Designation | None, issuer: str) -> Decision:
    """Whether a ministry may amend or delist a designation.

    Returns:
        Allowed, or a refusal: `designation.unknown`, `designation.not-yours` or
        `designation.delisted`.
    """
    if designation is None:
        return refuse("designation.unknown", "There is no such designation here.")
    if designation.issuer != issuer:
        return refuse("designation.not-yours", "Only its own ministry changes a designation.")
    if designation.delisting is not None:
        return refuse("designation.delisted", "It was delisted; a new listing is a new one.")
    return ALLOWED


def _concerns(later: Statement, designation: Statement) -> bool:
    about = later.body.get("designation")
    return later.issuer == designation.issuer and about == designation.id


def _order(statement: Statement) -> tuple[dt.date, str, str]:
    return (effective_on(_instants(statement)), statement.issued_at, statement.id)


def _instants(statement: Statement) -> Mapping[str, Any]:
    instants: Any = statement.body["instants"]
    return dict(instants)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
