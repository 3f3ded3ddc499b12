"""Partners: the other ministries, their streams, what they vouch for, what they hold from us."""

from typing import Any, Final

from api.ports.policy import Action
from api.services.authorising import unknown
from api.services.desk import holdings
from api.services.desk.holdings import HeldView
from api.services.road import peering
from api.web.console import listing, reading
from api.web.console.page import (
    ADMINISTRATOR,
    DESK,
    EVERYONE,
    Answer,
    Column,
    Page,
    View,
    Visit,
)


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
    desk = bool(visit.caller.roles & DESK)
    members = {
        "partner": partner,
        "desk": desk,
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "page": _held_page(visit, ministry) if desk else None,
        "query": visit.query,
    }
    return View("partner.html", members)


def _held_page(visit: Visit, ministry: str) -> Column:
    node, caller = visit.node, visit.caller
    holdings.authorise_peer(node, caller, ministry)
    now = node.now()
    found = listing.page_of(
        visit,
        f"holdings:{ministry}",
        lambda limit, start: holdings.held_page(
            node, caller, ministry, now, limit=limit, start=start
        ),
        holdings.place_of,
    )
    return Column([_held(visit, one) for one in found.entries], found.following)


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
