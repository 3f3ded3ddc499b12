"""The membership of the federation: who is in it, what is proposed, and confirming it by two.

Owns their pages. The fingerprint is what people compare by another road; the file counts from the
node's next start with it.
"""

from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.desk import members
from api.services.desk.members import MembershipChangeView
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Moved, Page, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/run/membership"
_LARGEST: Final = 4 * 1024 * 1024
_PROPOSED: Final = "proposed"


def index(visit: Visit) -> Answer:
    """Show the membership in use, with keys, and what was proposed."""
    node = visit.node
    found = {
        "membership": node.membership,
        "changes": members.changes(node, visit.caller),
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "me": visit.caller.person,
    }
    return View("membership.html", found)


def ask_new(_: Visit) -> Answer:
    """Ask for the file."""
    return View("membership_new.html", {"faults": []})


def propose(visit: Visit) -> Answer:
    """Propose the membership of a file."""
    content = visit.form.content("file", _LARGEST + 1)
    faults: list[dict[str, Any]] = []
    if not content:
        faults = [{"field": "file", "text": mark("Choose the membership file.")}]
    elif len(content) > _LARGEST:
        faults = [{"field": "file", "text": mark("This file is too large for a membership.")}]
    else:
        try:
            members.propose(visit.node, visit.caller, content)
        except (ComityError, WireError) as error:
            faults = [reading.refused(error)]
    if faults:
        return View("membership_new.html", {"faults": faults}, 422)
    return Moved(visit.to(_HOME))


def _change(visit: Visit) -> MembershipChangeView:
    wanted = reading.full(visit.parts["membership"])
    found = members.changes(visit.node, visit.caller)
    change = next((one for one in found if one.digest == wanted), None)
    if change is None:
        raise NotFound("membership.unknown", "No such membership was proposed here.")
    return change


def _approval(visit: Visit, change: MembershipChangeView) -> Decision:
    found = change.difference
    facts = [
        Fact(mark("Number"), str(change.serial)),
        Fact(mark("Fingerprint"), change.digest, "digest"),
        Fact(mark("New members"), ", ".join(found.added) or "-"),
        Fact(mark("Members that leave"), ", ".join(found.removed) or "-"),
    ]
    facts += [
        Fact(mark("Changed member"), f"{name} ({', '.join(parts)})")
        for name, parts in found.changed.items()
    ]
    own = change.proposed_by == visit.caller.person
    return Decision(
        mark("Approve this membership?"),
        mark("Approve"),
        _HOME,
        mark("Membership"),
        facts,
        lead=mark("It counts when the node next starts with this file."),
        warning=mark("Compare the fingerprint with what another ministry reads to you, by voice."),
        why_not=mark("You proposed it. Another administrator approves.") if own else "",
    )


def ask_approve(visit: Visit) -> Answer:
    """Show what a proposed membership changes, and ask."""
    change = _change(visit)

    def look() -> object:
        return members.preview_membership(visit.node, visit.caller, change.digest)

    return decision.ask(visit, _approval(visit, change), look)


def approve(visit: Visit) -> Answer:
    """Approve a proposed membership."""
    change = _change(visit)
    return decision.carry_out(
        visit,
        _approval(visit, change),
        lambda: members.approve(visit.node, visit.caller, change.digest),
        _HOME,
    )


PAGES: Final = (
    Page("membership", _HOME, _WATCHERS, Action.OFFICER_LIST, index),
    Page(
        "membership_new",
        f"{_HOME}/new",
        _ADMINISTRATORS,
        Action.MEMBERSHIP_PROPOSE,
        ask_new,
        propose,
        fresh=True,
        files=True,
    ),
    Page(
        "membership_approve",
        f"{_HOME}/{{membership}}/approve",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_approve,
        approve,
        fresh=True,
    ),
)
