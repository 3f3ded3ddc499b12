"""Designations: what jurisdictions listed, as it stands, with the dates that count in law."""

from typing import Any, Final

from api.ports.policy import Action
from api.services.desk import designations
from api.web.console import listing, reading
from api.web.console.page import AUDITOR, DESK, Answer, Page, View, Visit

_READERS: Final = DESK | {AUDITOR}


def index(visit: Visit) -> Answer:
    """List the designations known here, last stored first."""
    homes = sorted({member.jurisdiction for member in visit.node.membership.members})
    wanted = visit.query.get("jurisdiction", "")
    jurisdiction = wanted if wanted in homes else None
    page = listing.page_of(
        visit,
        f"designations:{jurisdiction}",
        lambda limit, before: designations.designations_page(
            visit.node, visit.caller, limit=limit, before=before, jurisdiction=jurisdiction
        ),
        lambda one: (one.stored_at, one.id),
    )
    members = {
        "page": page,
        "homes": homes,
        "jurisdiction": wanted,
        "query": visit.query,
        "makes": bool(visit.caller.roles & DESK),
    }
    return View("designations.html", members)


def show(visit: Visit) -> Answer:
    """Show one designation as it stands."""
    id_ = reading.full(visit.parts["designation"])
    view = designations.read(visit.node, visit.caller, id_)
    french = visit.language == "fr"
    members: dict[str, Any] = {
        "view": view,
        "desk": bool(visit.caller.roles & DESK),
        "ours": view.issuer == visit.node.ministry
        and not view.ended_on
        and bool(visit.caller.roles & DESK),
        "clocks": [
            {
                "name": one.name_fr if french else one.name,
                "text": one.text_fr if french else one.text,
                "due": one.due,
                "ended": one.ended,
            }
            for one in view.clocks
        ],
    }
    return View("designation.html", members)


PAGES: Final = (
    Page("designations", "/designations", _READERS, Action.DESIGNATION_LIST, index),
    Page("designation", "/designations/{designation}", _READERS, Action.DESIGNATION_READ, show),
)
