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
        lambda limit, before: list(
            reading.rows(
                designations.listed(
                    visit.node,
                    visit.caller,
                    limit=limit,
                    before=before,
                    jurisdiction=jurisdiction,
                )
            )
        ),
        reading.place_of_designation,
    )
    members = {"page": page, "homes": homes, "jurisdiction": wanted, "query": visit.query}
    return View("designations.html", members)


def show(visit: Visit) -> Answer:
    """Show one designation as it stands."""
    id_ = reading.full(visit.parts["designation"])
    view = designations.read(visit.node, visit.caller, id_)
    members: dict[str, Any] = {
        "row": reading.row(view.row),
        "standing": view.standing,
        "body": view.standing.body,
        "names": reading.subject_names(view.standing.body.get("subject", {})),
        "statements": [reading.row(one) for one in view.statements],
        "known_to": view.known_to,
        "clocks": view.clocks,
        "rests": view.rests_on_it,
    }
    return View("designation.html", members)


PAGES: Final = (
    Page("designations", "/designations", _READERS, Action.DESIGNATION_LIST, index),
    Page("designation", "/designations/{designation}", _READERS, Action.DESIGNATION_READ, show),
)
