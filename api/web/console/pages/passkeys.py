"""One's own passkeys: which there are, and asking for a new one.

Owns the officer's side. A new passkey proves itself at once and counts when two administrators have
let it; their side is on the page of people.
"""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.records.officers import OfficerKey
from api.services.desk import officer_keys
from api.services.desk.officer_keys import NewKey
from api.services.statements.passkeys import relying_party
from api.web.console import passkeys, reading
from api.web.console.page import EVERYONE, Answer, Moved, Page, View, Visit
from api.wire.envelope import WEBAUTHN
from api.wire.errors import WireError


def index(visit: Visit) -> Answer:
    """Show the officer's signing keys and where each stands."""
    usable = {one.kid for one in passkeys.usable(visit)}
    members = {
        "keys": officer_keys.own_keys(visit.node, visit.caller),
        "usable": usable,
        "foreign": _foreign(visit, usable),
        "asked": visit.query.get("asked", ""),
        "ready": _ready(visit),
    }
    return View("passkeys.html", members)


def _foreign(visit: Visit, usable: set[str]) -> set[str]:
    """Return passkeys that were made for an address that is no longer this ministry's."""
    held: list[OfficerKey] = officer_keys.own_keys(visit.node, visit.caller)
    active = visit.caller.principal.key_kids
    return {one.kid for one in held if one.form == WEBAUTHN and one.kid in active} - usable


def _ready(visit: Visit) -> bool:
    """Tell whether two administrators have set where passkeys are used."""
    try:
        relying_party(visit.node)
    except ComityError:
        return False
    return True


def ask(visit: Visit) -> Answer:
    """Give a fresh challenge to a new passkey."""
    return _asked(visit, [])


def _asked(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    members: dict[str, Any] = {"faults": faults, "ready": _ready(visit), "options": ""}
    if members["ready"]:
        made = officer_keys.challenge(visit.node, visit.caller, WEBAUTHN)
        options = dict(made.options or {})
        options["excludeCredentials"] = [
            {"type": "public-key", "id": one.credential} for one in passkeys.usable(visit)
        ]
        members |= {"options": reading.compact(options), "challenge": made.challenge}
    return View("passkey_new.html", members, status)


def register(visit: Visit) -> Answer:
    """Ask that the new passkey be enrolled."""
    try:
        new = NewKey(WEBAUTHN, visit.form.tag, credential=passkeys.posted(visit))
        made = officer_keys.request_key(visit.node, visit.caller, new)
    except (ComityError, WireError) as error:
        return _asked(visit, [reading.refused(error)], 422)
    return Moved(visit.to("/account/passkeys", asked=made.kid))


_KEYS: Final = "/account/passkeys"
PAGES: Final = (
    Page("passkeys", _KEYS, EVERYONE, Action.ME_READ, index),
    Page("passkey_new", f"{_KEYS}/new", EVERYONE, Action.KEY_REQUEST, ask, register, fresh=True),
)
