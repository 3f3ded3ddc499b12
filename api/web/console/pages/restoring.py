"""After a restore: who has answered what they hold of this log, and going on without an answer."""

from typing import Final

from api.domain.errors import NotFound
from api.ports.policy import Action
from api.services.log import giving_up, guard
from api.services.operations import status
from api.web.console import decision
from api.web.console.decision import Decision, Fact
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Page, View, Visit
from api.web.console.words import mark

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/run/restore"


def index(visit: Visit) -> Answer:
    """Show how far a restore has come."""
    found = status.status(visit.node, visit.caller)
    members = {
        "restore": found.restore,
        "partners": visit.node.others(),
        "me": visit.node.me,
        "administrator": ADMINISTRATOR in visit.caller.roles,
    }
    return View("restore.html", members)


def _waiver(visit: Visit) -> Decision:
    member, act = visit.parts["ministry"], visit.parts["step"]
    own = member == visit.node.ministry
    if act not in {"propose", "approve"} or not (own or member in visit.node.others()):
        raise NotFound("restore.unknown-member", "Name another member of the pinned membership.")
    title = (
        (mark("Propose to go on without it?"), mark("Propose"))
        if act == "propose"
        else (mark("Go on without it?"), mark("Go on without it"))
    )
    lead = (
        mark("The end of this log that no member holds is given up. It cannot be brought back.")
        if own
        else mark("The answer of this partner is not waited for. What only it holds may be lost.")
    )
    facts = (Fact(mark("Ministry"), member),)
    return Decision(*title, _HOME, mark("Restore"), facts, lead, alarming=True)


def ask(visit: Visit) -> Answer:
    """Ask before a waiver."""
    member, approves = visit.parts["ministry"], visit.parts["step"] == "approve"

    def look() -> object:
        if member == visit.node.ministry:
            return giving_up.preview_tail(visit.node, visit.caller)
        return guard.preview_waiver(visit.node, visit.caller, member)

    return decision.ask(visit, _waiver(visit), look if approves else None)


def waive(visit: Visit) -> Answer:
    """Propose or approve a waiver."""
    member, proposes = visit.parts["ministry"], visit.parts["step"] == "propose"

    def act() -> object:
        if member == visit.node.ministry:
            own = giving_up.propose if proposes else giving_up.approve
            return own(visit.node, visit.caller)
        waiver = guard.propose_waiver if proposes else guard.approve_waiver
        return waiver(visit.node, visit.caller, member)

    return decision.carry_out(visit, _waiver(visit), act, _HOME)


PAGES: Final = (
    Page("restore", _HOME, _WATCHERS, Action.NODE_STATUS, index),
    Page(
        "restore_waiver",
        f"{_HOME}/{{ministry}}/{{step}}",
        _ADMINISTRATORS,
        Action.NODE_STATUS,
        ask,
        waive,
        fresh=True,
    ),
)
