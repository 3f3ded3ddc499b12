"""Where passkeys are used: the domain and the addresses, set by two administrators."""

from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.records.passkeys import RelyingParty, RelyingPartyState
from api.services.desk import relying_parties
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    Answer,
    Moved,
    Page,
    Target,
    View,
    Visit,
)
from api.web.console.words import mark

Faults = list[dict[str, Any]]
_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_SITES: Final = "/people/passkey-sites"


def index(visit: Visit) -> Answer:
    """Show the addresses in force, and what waits for the second administrator."""
    members = {
        "parties": relying_parties.everything(visit.node, visit.caller),
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "me": visit.caller.person,
    }
    return View("passkey_sites.html", members)


def ask_new(visit: Visit) -> Answer:
    """Ask for the domain and the addresses."""
    return _new(visit, [])


def _new(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    members = {"target": Target(visit.to(f"{_SITES}/new")), "typed": visit.form, "faults": faults}
    return View("passkey_site_new.html", members, status)


def propose(visit: Visit) -> Answer:
    """Propose them; another administrator approves."""
    form = visit.form
    faults: Faults = [
        {"field": name, "text": text}
        for name, text in (
            ("rp_id", mark("Give the domain.")),
            ("origins", mark("Give at least one address.")),
        )
        if not form.one(name)
    ]
    if faults:
        return _new(visit, faults, 422)
    try:
        relying_parties.propose(visit.node, visit.caller, form.one("rp_id"), form.lines("origins"))
    except ComityError as error:
        return _new(visit, [reading.refused(error)], 422)
    return Moved(visit.to(_SITES))


def _approval(visit: Visit) -> Decision:
    party = _waiting(visit)
    facts = [
        Fact(mark("Domain"), party.rp_id),
        Fact(mark("Addresses"), ", ".join(party.origins.split())),
    ]
    return Decision(
        mark("Approve where passkeys are used?"),
        mark("Approve"),
        _SITES,
        mark("Where passkeys are used"),
        facts,
        warning=mark("Passkeys of another domain count no more from then on."),
    )


def _waiting(visit: Visit) -> RelyingParty:
    """Return what waits for approval.

    Raises:
        NotFound: ``relying-party.unknown``.
    """
    for one in relying_parties.everything(visit.node, visit.caller):
        if one.id == visit.parts["party"] and one.state is RelyingPartyState.PROPOSED:
            return one
    raise NotFound("relying-party.unknown", "There is no such proposal here.")


def ask_approve(visit: Visit) -> Answer:
    """Ask for the second administrator's approval."""
    party = visit.parts["party"]

    def look() -> object:
        return relying_parties.preview_relying_party(visit.node, visit.caller, party)

    return decision.ask(visit, _approval(visit), look)


def approve(visit: Visit) -> Answer:
    """Put the addresses into force; passkeys of another domain count no more."""
    party = visit.parts["party"]
    return decision.carry_out(
        visit,
        _approval(visit),
        lambda: relying_parties.approve(visit.node, visit.caller, party),
        _SITES,
    )


PAGES: Final = (
    Page("passkey_sites", _SITES, _WATCHERS, Action.KEY_LIST, index),
    Page(
        "passkey_site_new",
        f"{_SITES}/new",
        _ADMINISTRATORS,
        Action.RELYING_PARTY_PROPOSE,
        ask_new,
        propose,
        fresh=True,
    ),
    Page(
        "passkey_site_approve",
        f"{_SITES}/{{party}}/approve",
        _ADMINISTRATORS,
        Action.RELYING_PARTY_APPROVE,
        ask_approve,
        approve,
        fresh=True,
    ),
)
