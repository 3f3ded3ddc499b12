"""Partners: the other ministries, their streams, what they vouch for, what they hold from us."""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.authorising import unknown
from api.services.desk import holdings
from api.services.desk.holdings import HeldView, Holdings
from api.services.road import peering
from api.web.console import reading
from api.web.console.page import ADMINISTRATOR, DESK, EVERYONE, Answer, Page, View, Visit


def index(visit: Visit) -> Answer:
    """List the other members."""
    found = peering.listed(visit.node, visit.caller)
    return View("partners.html", {"partners": found})


def show(visit: Visit) -> Answer:
    """Show one partner; officers of the desk also see what it holds from us."""
    ministry = visit.parts["ministry"]
    found = peering.listed(visit.node, visit.caller)
    partner = next((one for one in found if one.ministry == ministry), None)
    if partner is None:
        raise unknown("peer")
    held: Holdings | None = None
    if visit.caller.roles & DESK:
        try:
            held = holdings.of_peer(visit.node, visit.caller, ministry, None)
        except ComityError:
            held = None
    lines = [] if held is None else [_held(visit, one) for one in held.items]
    members = {
        "partner": partner,
        "desk": held is not None,
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "held": lines,
        "delivered": {} if held is None else held.delivered,
    }
    return View("partner.html", members)


def _held(visit: Visit, one: HeldView) -> dict[str, Any]:
    return {
        "title": one.title or one.package,
        "href": reading.href_of(visit, "package", one.package),
        "state": one.state,
        "proven": one.proven,
        "receipted_at": one.receipted_at,
    }


PAGES: Final = (
    Page("partners", "/partners", EVERYONE, Action.PEER_LIST, index),
    Page("partner", "/partners/{ministry}", EVERYONE, Action.PEER_LIST, show),
)
