"""Proposals: reasoned cases for listing somebody; endorsing, returning, letting one lapse."""

from typing import Any, Final

from api.domain.designations import ProposalState
from api.domain.errors import ComityError, Stale
from api.ports.policy import Action, Resource
from api.services.authorising import may
from api.services.desk import proposals
from api.web.console import listing, reading
from api.web.console.page import ANALYST, DESK, REVIEWER, Answer, Moved, Page, View, Visit
from api.web.console.words import mark

_STATES: Final = tuple(ProposalState)
_REVIEWERS: Final = frozenset({REVIEWER})
_WRITTEN: Final = frozenset({ProposalState.DRAFTED, ProposalState.RETURNED})
_FOLLOWED: Final = frozenset({ProposalState.ENDORSED, ProposalState.DESIGNATED})
_OVER: Final = frozenset({ProposalState.DRAFTED, ProposalState.DESIGNATED, ProposalState.LAPSED})


def index(visit: Visit) -> Answer:
    """List proposals, newest first."""
    state = visit.query.get("state", "")
    wanted = state if state in set(_STATES) else None
    page = listing.page_of(
        visit,
        f"proposals:{wanted}",
        lambda limit, before: proposals.proposals_page(
            visit.node, visit.caller, limit=limit, before=before, state=wanted
        ),
        lambda one: (one.created_at, one.id),
    )
    members = {
        "page": page,
        "state": state,
        "states": _STATES,
        "query": visit.query,
        "makes": ANALYST in visit.caller.roles,
    }
    return View("proposals.html", members)


def show(visit: Visit) -> Answer:
    """Show one proposal with what can be done."""
    return _proposal_shown(visit, "proposal.html", {})


def _proposal_shown(visit: Visit, template: str, more: dict[str, Any], status: int = 200) -> Answer:
    view = proposals.read(visit.node, visit.caller, visit.parts["proposal"])
    authors = frozenset(one.author for one in view.versions)
    target = Resource(
        "proposal",
        view.id,
        {"ministry": view.ministry, "authors": authors, "recused": frozenset()},
    )

    def can(action: Action) -> bool:
        return view.state is ProposalState.SUBMITTED and may(
            visit.node, visit.caller, action, target
        )

    members = {
        "view": view,
        "can_endorse": can(Action.PROPOSAL_ENDORSE),
        "can_return": can(Action.PROPOSAL_RETURN),
        "can_write": view.state in _WRITTEN and ANALYST in visit.caller.roles,
        "can_follow": view.state in _FOLLOWED and ANALYST in visit.caller.roles,
        "can_lapse": view.state not in _OVER and REVIEWER in visit.caller.roles,
        "own_work": bool(authors & visit.caller.authors),
        "moved": False,
        "reason": visit.form.one("reason"),
        "faults": [],
    }
    return View(template, members | more, status)


def ask_endorse(visit: Visit) -> Answer:
    """Ask for the endorsement on a page of its own."""
    return _proposal_shown(visit, "proposal_endorse.html", {})


def endorse(visit: Visit) -> Answer:
    """Endorse the version that was shown."""
    id_ = visit.parts["proposal"]
    if visit.form.one("sure") != "yes":
        fault = {"field": "sure", "text": mark("Confirm that you read the case.")}
        return _proposal_shown(visit, "proposal_endorse.html", {"faults": [fault]}, 422)
    try:
        proposals.endorse(visit.node, visit.caller, id_, visit.form.tag)
    except Stale:
        return _proposal_shown(visit, "proposal.html", {"moved": True}, 409)
    except ComityError as error:
        return _proposal_shown(
            visit, "proposal_endorse.html", {"faults": [reading.refused(error)]}, 422
        )
    return Moved(visit.to(f"/proposals/{id_}"))


def ask_return(visit: Visit) -> Answer:
    """Ask why the proposal goes back."""
    return _proposal_shown(visit, "proposal_return.html", {})


def give_back(visit: Visit) -> Answer:
    """Return the proposal to its authors."""
    id_, reason = visit.parts["proposal"], visit.form.one("reason")
    if not reason:
        fault = {"field": "reason", "text": mark("Say why, so that its authors can mend it.")}
        return _proposal_shown(visit, "proposal_return.html", {"faults": [fault]}, 422)
    try:
        proposals.give_back(visit.node, visit.caller, id_, reason)
    except ComityError as error:
        return _proposal_shown(
            visit, "proposal_return.html", {"faults": [reading.refused(error)]}, 409
        )
    return Moved(visit.to(f"/proposals/{id_}"))


_ONE: Final = "/proposals/{proposal}"
PAGES: Final = (
    Page("proposals", "/proposals", DESK, Action.PROPOSAL_LIST, index),
    Page("proposal", _ONE, DESK, Action.PROPOSAL_READ, show),
    Page(
        "proposal_endorse",
        f"{_ONE}/endorse",
        _REVIEWERS,
        Action.PROPOSAL_ENDORSE,
        ask_endorse,
        endorse,
        fresh=True,
    ),
    Page(
        "proposal_return",
        f"{_ONE}/return",
        _REVIEWERS,
        Action.PROPOSAL_RETURN,
        ask_return,
        give_back,
        fresh=True,
    ),
)
