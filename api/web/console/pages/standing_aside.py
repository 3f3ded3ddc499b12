"""Standing aside from a matter because of a conflict of interest."""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import recusing
from api.services.desk.recusing import Aside
from api.web.console import reading
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark

_LONGEST: Final = 100


def ask(visit: Visit) -> Answer:
    """Ask from what, and why."""
    return _asked(visit, visit.query.get("object", "")[:_LONGEST], [])


def _asked(visit: Visit, object_id: str, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    members = {
        "object": object_id,
        "recusals": recusing.recusals(visit.node, visit.caller),
        "me": visit.caller.person,
        "typed": visit.form,
        "target": Target(visit.to("/stand-aside")),
        "faults": faults,
    }
    return View("stand_aside.html", members, status)


def stand_aside(visit: Visit) -> Answer:
    """Record the conflict: the officer neither sees the matter nor acts on it from now."""
    form = visit.form
    faults = [
        {"field": name, "text": text}
        for name, text in (
            ("object", mark("Give the reference of the matter, in full.")),
            ("reason", mark("Say what the conflict of interest is.")),
        )
        if not form.one(name)
    ]
    if faults:
        return _asked(visit, form.one("object"), faults, 422)
    try:
        aside = Aside("", form.one("object"), form.one("reason"))
        recusing.recuse(visit.node, visit.caller, aside)
    except ComityError as error:
        return _asked(visit, form.one("object"), [reading.refused(error)], 422)
    return Moved(visit.to("/"))


PAGES: Final = (Page("stand_aside", "/stand-aside", DESK, Action.RECUSAL_RECORD, ask, stand_aside),)
