"""Editions of the law's data: what was proposed here, proposing one, and approving by a second.

Owns their pages; what an edition is belongs to ``services.desk.regime_editions``.
"""

import json
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.records.regime_editions import RegimeEditionState
from api.services.desk import officers, regime_editions
from api.services.desk.regime_editions import LARGEST, EditionDifference, RegimeEditionView
from api.web.console import decision, edition_words, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    EVERYONE,
    Answer,
    Moved,
    Page,
    Sending,
    View,
    Visit,
)
from api.web.console.words import mark

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/law/editions"
_WRONG: Final = 422


def index(visit: Visit) -> Answer:
    """List the editions that were proposed here."""
    members = {
        "editions": regime_editions.proposed_editions(visit.node, visit.caller),
        "who": names(visit),
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "me": visit.caller.person,
    }
    return View("regime_editions.html", members)


def names(visit: Visit) -> dict[str, str]:
    """Return officers' names by their records."""
    found = officers.register(visit.node, visit.caller)
    return {one.officer.id: one.officer.name for one in found}


def _edition(visit: Visit) -> RegimeEditionView:
    wanted = visit.parts["regime_edition"]
    for one in regime_editions.proposed_editions(visit.node, visit.caller):
        if one.id == wanted:
            return one
    raise NotFound("regime-edition.unknown", "There is no such edition here.")


def show(visit: Visit) -> Answer:
    """Show one edition: who proposed it, who decided, and each value that it changes."""
    edition = _edition(visit)
    found = regime_editions.difference(visit.node, visit.caller, edition.id)
    members = {
        "edition": edition,
        "difference": found,
        "lines": edition_words.lines(found.changes),
        "who": names(visit),
        "decide": ADMINISTRATOR in visit.caller.roles
        and edition.state is RegimeEditionState.PROPOSED,
        "own": edition.proposed_by == visit.caller.person,
    }
    return View("regime_edition.html", members)


def ask_new(visit: Visit) -> Answer:
    """Ask for the document."""
    return _new(visit, [])


def _new(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    held = regime_editions.regimes_in_force(visit.node, visit.caller)
    return View("regime_edition_new.html", {"faults": faults, "regimes": held}, status)


def propose(visit: Visit) -> Answer:
    """Check the file and show what it changes; propose it once that was shown."""
    shown = visit.form.one("document").encode()
    content = shown or visit.form.content("file", LARGEST + 1)
    if not content:
        return _new(visit, [{"field": "file", "text": mark("Choose the document.")}], _WRONG)
    try:
        if not shown:
            found = regime_editions.check_edition(visit.node, visit.caller, content)
            return _shown_first(found, content)
        made = regime_editions.propose(visit.node, visit.caller, content)
    except ComityError as error:
        return _new(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"{_HOME}/{made.id}"))


def _shown_first(found: EditionDifference, content: bytes) -> Answer:
    members = {
        "difference": found,
        "lines": edition_words.lines(found.changes),
        "document": content.decode("utf-8", "replace"),
    }
    return View("regime_edition_checked.html", members)


def send_document(visit: Visit) -> Answer:
    """Send the document in force, to be changed and proposed again."""
    name = visit.parts["regime"]
    found = regime_editions.document_of(visit.node, visit.caller, name)
    text = json.dumps(found, indent=2, ensure_ascii=False)
    sent = iter((f"{text}\n".encode(),))
    return Sending(sent, f"{name}-{found['edition']}.json", "application/json")


def _approval(visit: Visit, edition: RegimeEditionView) -> Decision:
    found = regime_editions.difference(visit.node, visit.caller, edition.id)
    own = edition.proposed_by == visit.caller.person
    return Decision(
        mark("Approve this edition?"),
        mark("Approve"),
        f"{_HOME}/{edition.id}",
        mark("Edition"),
        (
            Fact(mark("Regime"), edition.regime),
            Fact(mark("Edition"), edition.edition, "day"),
            Fact(mark("Replaces"), found.replaces or "-", "day"),
            Fact(mark("Proposed by"), names(visit).get(edition.proposed_by, ""), "name"),
            Fact(mark("Digest"), edition.digest, "digest"),
        ),
        lead=mark("It is in force at once, for every officer of this ministry."),
        warning=mark("Compare each value with the law itself."),
        why_not=mark("You proposed it. Another administrator approves.") if own else "",
        lines=edition_words.lines(found.changes),
    )


def ask_approve(visit: Visit) -> Answer:
    """Show what the edition changes, and ask."""
    edition = _edition(visit)

    def look() -> object:
        return regime_editions.preview_regime(visit.node, visit.caller, edition.id)

    return decision.ask(visit, _approval(visit, edition), look)


def approve(visit: Visit) -> Answer:
    """Approve the edition; it is in force from then on."""
    edition = _edition(visit)
    return decision.carry_out(
        visit,
        _approval(visit, edition),
        lambda: regime_editions.approve(visit.node, visit.caller, edition.id),
        f"/law/{edition.regime}",
    )


PAGES: Final = (
    Page("regime_editions", _HOME, _WATCHERS, Action.OFFICER_LIST, index),
    Page(
        "regime_edition_new",
        f"{_HOME}/new",
        _ADMINISTRATORS,
        Action.REGIME_LIST,
        ask_new,
        propose,
        fresh=True,
        files=True,
    ),
    Page("regime_edition", f"{_HOME}/{{regime_edition}}", _WATCHERS, Action.OFFICER_LIST, show),
    Page(
        "regime_edition_approve",
        f"{_HOME}/{{regime_edition}}/approve",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_approve,
        approve,
        fresh=True,
    ),
    Page(
        "regime_document",
        "/law/{regime}/document",
        EVERYONE,
        Action.REGIME_LIST,
        send_document,
        download=True,
    ),
)
