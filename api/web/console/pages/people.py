"""People: officers, roles and keys, and what waits for the second administrator."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.domain.changes import Change, ChangeKind
from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.records.proposed import KEY_REQUEST, ProposedChange
from api.services.authorising import Caller
from api.services.desk import grants, officer_keys, officers, suspending
from api.services.desk.officers import OfficerEntry
from api.services.node import Node
from api.web.console import reading
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Moved, Page, View, Visit

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_PROPOSED: Final = "proposed"
_REQUESTED: Final = "requested"
_OF_OFFICERS: Final = frozenset(
    {
        ChangeKind.OFFICER,
        ChangeKind.GRANT,
        ChangeKind.KEY,
        KEY_REQUEST,
        ChangeKind.SUSPENSION,
        ChangeKind.REINSTATEMENT,
    }
)
"""Kinds that :func:`waiting` finds in the register."""
_APPROVE: Final[Mapping[str, Callable[[Node, Caller, str], object]]] = {
    "officers": officers.approve_officer,
    "grants": grants.approve_grant,
    "keys": officer_keys.approve_key,
    "key-requests": officer_keys.propose_key,
    "suspensions": suspending.confirm,
    "reinstatements": suspending.approve_reinstatement,
}

_PREVIEW: Final[Mapping[str, Callable[[Node, Caller, str], Change]]] = {
    "officers": officers.preview_officer,
    "grants": grants.preview_grant,
    "keys": officer_keys.preview_key,
    "suspensions": suspending.preview_suspension,
    "reinstatements": suspending.preview_reinstatement,
}
"""What is shown on the page that asks: the look on which the approval rests."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one person asked for and an administrator has not decided.

    Attributes:
        kind: ``officers``, ``grants``, ``keys``, ``key-requests`` (nobody vouched yet),
            ``suspensions`` (to confirm) or ``reinstatements``.
        id: of the record.
        who: name of the officer whom it is about.
        what: role or key.
        by: officer record of who proposed it.
        proposer: their name; empty if unknown.
    """

    kind: str
    id: str
    who: str
    what: str
    by: str
    proposer: str


def index(visit: Visit) -> Answer:
    """Show everybody with accounts, roles and keys, and what waits for approval."""
    return View("people.html", _facts(visit))


def _facts(visit: Visit) -> dict[str, Any]:
    people = officers.register(visit.node, visit.caller)
    names = {one.officer.id: one.officer.name for one in people}
    return {
        "people": people,
        "names": names,
        "waiting": list(waiting(people, names)),
        "elsewhere": [_elsewhere(visit, one) for one in _others(visit)],
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "me": visit.caller.person,
    }


def _others(visit: Visit) -> Iterator[ProposedChange]:
    """Return what waits and is no record of one officer's: passkey addresses, absences and more."""
    for one in officers.waiting_changes(visit.node, visit.caller):
        if one.kind not in _OF_OFFICERS:
            yield one


def _elsewhere(visit: Visit, one: ProposedChange) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "by": one.proposed_by,
        "mine": one.proposed_by == visit.caller.person,
        "concerned": visit.caller.person in one.officers,
        "href": reading.href_of(visit, one.kind, one.id),
    }


def waiting(people: Sequence[OfficerEntry], names: Mapping[str, str]) -> Iterator[Waiting]:
    """Return what waits about these officers; ``names`` are those of all, by id."""
    for one in people:
        who, by = one.officer.name, one.officer.proposed_by or ""
        if one.officer.state == _PROPOSED:
            yield Waiting("officers", one.officer.id, who, "", by, names.get(by, ""))
        yield from _about_suspension(one, names)
        for grant in one.grants:
            if grant.state == _PROPOSED:
                by = grant.proposed_by
                yield Waiting("grants", grant.id, who, grant.role, by, names.get(by, ""))
        for key in one.keys:
            if key.state in {_PROPOSED, _REQUESTED}:
                kind = "keys" if key.state == _PROPOSED else "key-requests"
                by = key.proposed_by
                yield Waiting(kind, key.kid, who, key.kid, by, names.get(by, ""))


def _about_suspension(one: OfficerEntry, names: Mapping[str, str]) -> Iterator[Waiting]:
    found = one.officer.suspension
    if found is None:
        return
    who, id_ = one.officer.name, one.officer.id
    if found.confirmed_at is None:
        by = found.imposed_by
        yield Waiting("suspensions", id_, who, found.ends_at, by, names.get(by, ""))
    if found.lift_proposed_by is not None:
        by = found.lift_proposed_by
        yield Waiting("reinstatements", id_, who, "", by, names.get(by, ""))


def ask(visit: Visit) -> Answer:
    """Ask for the second administrator's approval on a page of its own."""
    return _asked(visit, [])


def _asked(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    facts = _facts(visit)
    kind, id_ = visit.parts["kind"], visit.parts["id"]
    look = _PREVIEW.get(kind)
    facts["shown"] = None if look is None else look(visit.node, visit.caller, id_)
    wanted = [one for one in facts["waiting"] if (one.kind, one.id) == (kind, id_)]
    if not wanted:
        raise NotFound("change.unknown", "There is no such proposal here.")
    return View("people_approve.html", {**facts, "change": wanted[0], "faults": faults}, status)


def approve(visit: Visit) -> Answer:
    """Approve what another administrator proposed."""
    kind, id_ = visit.parts["kind"], visit.parts["id"]
    if kind not in _APPROVE:
        raise NotFound("change.unknown", "There is no such proposal here.")
    try:
        _APPROVE[kind](visit.node, visit.caller, id_)
    except ComityError as error:
        return _asked(visit, [reading.refused(error)], 422)
    return Moved(visit.to("/people"))


PAGES: Final = (
    Page("people", "/people", _WATCHERS, Action.OFFICER_LIST, index),
    Page(
        "people_approve",
        "/people/{kind}/{id}/approve",
        _ADMINISTRATORS,
        Action.GRANT_APPROVE,
        ask,
        approve,
        fresh=True,
    ),
)
