"""Legal orders to erase: entered by one administrator, carried out by a second one."""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.audit import erasure
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact, Step
from api.web.console.page import ADMINISTRATOR, Answer, Moved, Page, View, Visit
from api.web.console.words import mark

_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/run/erasures"
_STEPS: Final[Mapping[str, Step]] = {
    "approve": Step(
        erasure.approve,
        mark("Carry this order out?"),
        mark("Erase"),
        mark("The content is erased for good. The log keeps its place and what ordered it."),
    ),
    "reject": Step(
        erasure.reject,
        mark("Reject this order?"),
        mark("Reject"),
        mark("Nothing is erased."),
    ),
}


def index(visit: Visit) -> Answer:
    """List the orders."""
    orders = erasure.listed(visit.node, visit.caller)
    return View("erasures.html", {"orders": orders, "me": visit.caller.person})


def ask_new(visit: Visit) -> Answer:
    """Ask what is ordered."""
    return _form(visit, [])


def _form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    names = ("kind", "target", "authority", "reference")
    typed = {name: visit.form.one(name) for name in names}
    return View("erasure_new.html", {"typed": typed, "faults": faults}, status)


def propose(visit: Visit) -> Answer:
    """Enter an order."""
    form = visit.form
    faults: list[dict[str, Any]] = [
        {"field": name, "text": mark("This is needed.")}
        for name in ("target", "authority", "reference")
        if not form.one(name)
    ]
    if form.one("kind") not in {"event", "exhibit"}:
        faults.insert(0, {"field": "kind", "text": mark("Choose one.")})
    if not faults:
        order = erasure.NewOrder(
            form.one("kind"), form.one("target"), form.one("authority"), form.one("reference")
        )
        try:
            erasure.propose(visit.node, visit.caller, order)
        except ComityError as error:
            faults = [reading.refused(error)]
    return _form(visit, faults, 422) if faults else Moved(visit.to(_HOME))


def _order(visit: Visit) -> Decision:
    step = _STEPS.get(visit.parts["decision"])
    found = erasure.listed(visit.node, visit.caller)
    row = next((one for one in found if one.id == visit.parts["order"]), None)
    if step is None or row is None:
        raise NotFound("erasure.unknown", "There is no such order here.")
    facts = [
        Fact(mark("What"), row.kind, "erasure-kind"),
        Fact(mark("Which one"), row.target, "digest"),
        Fact(mark("Ordered by"), row.authority),
        Fact(mark("Reference"), row.reference),
    ]
    own = row.proposed_by == visit.caller.person
    return Decision(
        step.title,
        step.button,
        _HOME,
        mark("Erasures"),
        facts,
        lead=step.lead,
        alarming=visit.parts["decision"] == "approve",
        why_not=mark("You proposed it. Another administrator approves.") if own else "",
    )


def ask(visit: Visit) -> Answer:
    """Ask before an order is carried out or rejected."""
    id_, approves = visit.parts["order"], visit.parts["decision"] == "approve"

    def look() -> object:
        return erasure.preview_erasure(visit.node, visit.caller, id_)

    return decision.ask(visit, _order(visit), look if approves else None)


def decide(visit: Visit) -> Answer:
    """Carry an order out, or reject it."""
    asked, id_ = _order(visit), visit.parts["order"]
    step = _STEPS[visit.parts["decision"]]
    return decision.carry_out(
        visit, asked, lambda: step.carry_out(visit.node, visit.caller, id_), _HOME
    )


PAGES: Final = (
    Page("erasures", _HOME, _ADMINISTRATORS, Action.AUDIT_ERASE_PROPOSE, index),
    Page(
        "erasure_new",
        f"{_HOME}/new",
        _ADMINISTRATORS,
        Action.AUDIT_ERASE_PROPOSE,
        ask_new,
        propose,
        fresh=True,
    ),
    Page(
        "erasure_decision",
        f"{_HOME}/{{order}}/{{decision}}",
        _ADMINISTRATORS,
        Action.AUDIT_ERASE_PROPOSE,
        ask,
        decide,
        fresh=True,
    ),
)
