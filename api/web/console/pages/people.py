"""People: officers, roles and keys, and what waits for the second administrator."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.authorising import Caller
from api.services.desk import officers
from api.services.node import Node
from api.web.console import reading
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Moved, Page, View, Visit

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_PROPOSED: Final = "proposed"
_APPROVE: Final[Mapping[str, Callable[[Node, Caller, str], object]]] = {
    "officers": officers.approve_officer,
    "grants": officers.approve_grant,
    "keys": officers.approve_key,
}


def index(visit: Visit) -> Answer:
    """Show everybody with accounts, roles and keys, and what waits for approval."""
    return View("people.html", _facts(visit))


def _facts(visit: Visit) -> dict[str, Any]:
    register = officers.register(visit.node, visit.caller)
    people = list(reading.rows(register.officers))
    names = {one.id: one.name for one in people}
    grants, keys = list(reading.rows(register.grants)), list(reading.rows(register.keys))
    accounts = {id_: list(reading.rows(found)) for id_, found in register.identities.items()}
    return {
        "people": [
            {
                "row": one,
                "accounts": accounts.get(one.id, []),
                "grants": [each for each in grants if each.officer == one.id],
                "signing_keys": [each for each in keys if each.officer == one.id],
            }
            for one in people
        ],
        "names": names,
        "waiting": _waiting(people, grants, keys, names),
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "me": visit.caller.person,
    }


def _waiting(
    people: list[Any], grants: list[Any], keys: list[Any], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return what one administrator proposed and another has not decided."""
    found = [
        {"kind": "officers", "id": one.id, "who": one.name, "what": "", "by": one.proposed_by}
        for one in people
        if one.state == _PROPOSED
    ]
    found += [
        {
            "kind": "grants",
            "id": one.id,
            "who": names.get(one.officer, one.officer),
            "what": one.role,
            "by": one.proposed_by,
        }
        for one in grants
        if one.state == _PROPOSED
    ]
    found += [
        {
            "kind": "keys",
            "id": one.kid,
            "who": names.get(one.officer, one.officer),
            "what": one.kid,
            "by": one.proposed_by,
        }
        for one in keys
        if one.state == _PROPOSED
    ]
    return [{**one, "proposer": names.get(str(one["by"]), "")} for one in found]


def ask(visit: Visit) -> Answer:
    """Ask for the second administrator's approval on a page of its own."""
    return _asked(visit, [])


def _asked(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    facts = _facts(visit)
    kind, id_ = visit.parts["kind"], visit.parts["id"]
    wanted = [one for one in facts["waiting"] if (one["kind"], one["id"]) == (kind, id_)]
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
