"""Statements that cannot be decided here: what waits and why; trying again, or refusing."""

from typing import Final

from api.domain.errors import NotFound
from api.ports.policy import Action
from api.services.road import undecidable
from api.services.road.undecidable import Settling, Waiting
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Page, View, Visit
from api.web.console.words import mark

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/run/parked"


def index(visit: Visit) -> Answer:
    """List what waits."""
    members = {
        "parked": undecidable.waiting(visit.node, visit.caller),
        "administrator": ADMINISTRATOR in visit.caller.roles,
    }
    return View("parked.html", members)


def _waiting(visit: Visit) -> Waiting:
    wanted = (visit.parts["sender"], reading.full(visit.parts["statement"]))
    found = undecidable.waiting(visit.node, visit.caller)
    row = next((one for one in found if (one.ministry, one.statement) == wanted), None)
    if row is None or visit.parts["settling"] not in set(Settling):
        raise NotFound("parked.unknown", "No such statement of that ministry waits here.")
    return row


def _settling(visit: Visit, row: Waiting) -> Decision:
    facts = [
        Fact(mark("From"), row.ministry),
        Fact(mark("Statement"), row.statement, "digest"),
        Fact(mark("Type"), row.type or "-"),
        Fact(mark("Why it waits"), row.code),
        Fact(mark("Since"), row.since, "instant"),
    ]
    back = mark("Parked statements")
    if visit.parts["settling"] == Settling.RETRY:
        title, button = mark("Try this statement again?"), mark("Try again")
        lead = mark("Do it once the defect is mended. If it fails again, it waits on.")
        return Decision(title, button, _HOME, back, facts, lead)
    title, button = mark("Refuse this statement?"), mark("Refuse it")
    lead = mark("The partner is told that it was refused, and why. This cannot be taken back.")
    return Decision(title, button, _HOME, back, facts, lead, alarming=True)


def ask(visit: Visit) -> Answer:
    """Ask before a statement is tried again or refused."""
    return decision.ask(visit, _settling(visit, _waiting(visit)))


def settle(visit: Visit) -> Answer:
    """Try a statement again, or refuse it."""
    row, settling = _waiting(visit), Settling(visit.parts["settling"])
    return decision.carry_out(
        visit,
        _settling(visit, row),
        lambda: undecidable.settle(visit.node, visit.caller, row.ministry, row.statement, settling),
        _HOME,
    )


PAGES: Final = (
    Page("parked", _HOME, _WATCHERS, Action.NODE_STATUS, index),
    Page(
        "parked_settle",
        f"{_HOME}/{{sender}}/{{statement}}/{{settling}}",
        _ADMINISTRATORS,
        Action.NODE_STATUS,
        ask,
        settle,
        fresh=True,
    ),
)
