"""One's own account: roles, keys, sessions in force; ending one of them."""

from typing import Final

from api.ports.policy import Action
from api.services.operations import console_sessions
from api.web.console.page import EVERYONE, Answer, Moved, Page, View, Visit


def show(visit: Visit) -> Answer:
    """Show who the officer is here and where they are signed in."""
    caller = visit.caller
    members = {
        "officer": caller,
        "roles": sorted(caller.principal.roles),
        "keys": sorted(caller.principal.key_kids),
        "sessions": console_sessions.own(visit.node, caller),
        "current": visit.present.session.id,
        "present": visit.present,
    }
    return View("account.html", members)


def end(visit: Visit) -> Answer:
    """End one of the officer's sessions."""
    console_sessions.end_own(visit.node, visit.caller, visit.form.one("session"))
    return Moved(visit.to("/account"))


PAGES: Final = (Page("account", "/account", EVERYONE, Action.ME_READ, show, end),)
