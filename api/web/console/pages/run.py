"""Running the node: how it is doing, its keys, membership, clocks; the stop switch. No evidence."""

from typing import Any, Final

from api.ports.policy import Action
from api.services.operations import attention, readiness, status
from api.services.road import undecidable
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    Answer,
    Moved,
    Page,
    View,
    Visit,
)
from api.web.console.words import mark

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ONLY_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})


def show(visit: Visit) -> Answer:
    """Show how the node is doing."""
    node = visit.node
    members: dict[str, Any] = {
        "status": status.status(node, visit.caller),
        "checks": readiness.checks(node),
        "keys": node.signer.public_keys(),
        "concerns": attention.concerns(node, None),
        "membership": node.membership,
        "me": node.me,
        "software": node.software,
        "parked": len(undecidable.waiting(node, visit.caller)),
        "regimes": sorted(node.regimes),
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "now": node.now(),
    }
    return View("run.html", members)


def ask_switch(visit: Visit) -> Answer:
    """Ask whether to stop, or to resume, everything that leaves."""
    return _switch_form(visit, [])


def _switch_form(visit: Visit, faults: list[dict[str, Any]], code: int = 200) -> Answer:
    found = status.status(visit.node, visit.caller)
    return View("switch.html", {"status": found, "faults": faults}, code)


def switch(visit: Visit) -> Answer:
    """Stop or resume everything that leaves this node."""
    wanted = visit.form.one("position")
    if wanted not in {"on", "off"}:
        return _switch_form(visit, [{"field": "position", "text": mark("Choose one.")}], 422)
    status.switch(visit.node, visit.caller, wanted)
    return Moved(visit.to("/run"))


PAGES: Final = (
    Page("run", "/run", _WATCHERS, Action.NODE_STATUS, show),
    Page(
        "switch",
        "/run/stop-switch",
        _ONLY_ADMINISTRATORS,
        Action.NODE_STOP,
        ask_switch,
        switch,
        fresh=True,
    ),
)
