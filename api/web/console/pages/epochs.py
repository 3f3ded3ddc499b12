"""A new epoch of the stream to a partner: proposed, withdrawn, approved by a second person."""

from collections.abc import Mapping
from typing import Final

from api.domain.errors import NotFound
from api.ports.policy import Action
from api.services.authorising import unknown
from api.services.road import epochs, peering
from api.services.road.peering import PeerView
from api.web.console import decision
from api.web.console.decision import Decision, Fact, Step
from api.web.console.page import ADMINISTRATOR, Answer, Page, Visit
from api.web.console.words import mark

_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_STEPS: Final[Mapping[str, Step]] = {
    "propose": Step(
        epochs.propose,
        mark("Propose a new epoch?"),
        mark("Propose"),
        mark(
            "Do it where the stream cannot go on: after a message was given up, after a recovery, "
            "or for a new message key. The partner is asked where the old epoch ends there."
        ),
    ),
    "withdraw": Step(
        epochs.withdraw,
        mark("Give the proposed epoch up?"),
        mark("Give it up"),
        mark("The stream stays as it is."),
    ),
    "approve": Step(
        epochs.approve,
        mark("Open the proposed epoch?"),
        mark("Open it"),
        mark("The partner is asked again; if it took more meanwhile, propose anew."),
    ),
}


def _partner(visit: Visit) -> PeerView:
    found = peering.listed(visit.node, visit.caller)
    wanted = visit.parts["ministry"]
    partner = next((one for one in found if one.ministry == wanted), None)
    if partner is None:
        raise unknown("peer")
    return partner


def _decision(visit: Visit) -> Decision:
    step = _STEPS.get(visit.parts["step"])
    if step is None:
        raise NotFound("route.unknown", "There is no such page.")
    partner = _partner(visit)
    sending, change = partner.sending, partner.epoch_change
    facts = [Fact(mark("Partner"), partner.name, "name")]
    if sending is not None:
        facts.append(Fact(mark("Epoch in force"), str(sending.epoch)))
        facts.append(Fact(mark("State of the stream"), sending.state, "stream-state"))
    own = False
    if change is not None:
        facts.append(Fact(mark("The old one ends there with number"), str(change.seq)))
        own = change.proposed_by == visit.caller.person
    why_not = ""
    if visit.parts["step"] == "approve" and own:
        why_not = mark("You proposed it. Another administrator approves.")
    back = f"/partners/{partner.ministry}"
    return Decision(
        step.title, step.button, back, mark("Partner"), facts, step.lead, why_not=why_not
    )


def ask(visit: Visit) -> Answer:
    """Ask before an epoch is proposed, withdrawn or opened."""
    ministry, approves = visit.parts["ministry"], visit.parts["step"] == "approve"

    def look() -> object:
        return epochs.preview_epoch(visit.node, visit.caller, ministry)

    return decision.ask(visit, _decision(visit), look if approves else None)


def act(visit: Visit) -> Answer:
    """Propose, withdraw or open an epoch."""
    asked, ministry = _decision(visit), visit.parts["ministry"]
    step = _STEPS[visit.parts["step"]]
    return decision.carry_out(
        visit, asked, lambda: step.carry_out(visit.node, visit.caller, ministry), asked.back
    )


PAGES: Final = (
    Page(
        "epoch",
        "/partners/{ministry}/epoch/{step}",
        _ADMINISTRATORS,
        Action.PEER_LIST,
        ask,
        act,
        fresh=True,
    ),
)
