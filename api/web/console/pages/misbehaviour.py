"""Proofs that a partner contradicted itself: what is kept, reading one, and ruling on it.

Owns their pages. A proof is handed out byte for byte, so that others check it without this node.
"""

from typing import Final

from api.ports.policy import Action
from api.records.node_state import REFUSED_HEAD, Misbehaviour
from api.services.log import misbehaviour
from api.services.log.misbehaviour import Ruling
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Page, Sending, View, Visit
from api.web.console.words import mark

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_HOME: Final = "/run/misbehaviour"
_TITLES: Final = {
    Ruling.RESUME: (
        mark("Let the exchange with this partner go on?"),
        mark("Let it go on"),
        mark("What the partner sends is taken in again. The proof is kept."),
    ),
    Ruling.UPHOLD: (
        mark("Uphold this proof?"),
        mark("Uphold"),
        mark("Nothing more is taken in from this partner until an administrator rules otherwise."),
    ),
}


def index(visit: Visit) -> Answer:
    """List what is kept."""
    members = {
        "kept": misbehaviour.kept_proofs(visit.node, visit.caller),
        "refused_head": REFUSED_HEAD,
        "administrator": ADMINISTRATOR in visit.caller.roles,
    }
    return View("misbehaviour.html", members)


def _kept(visit: Visit) -> Misbehaviour:
    return misbehaviour.read(visit.node, visit.caller, reading.full(visit.parts["proof"]))


def download(visit: Visit) -> Answer:
    """Send one proof."""
    kept = _kept(visit)
    name = f"proof-{kept.peer}-{kept.id.removeprefix('sha256:')[:12]}"
    is_head = kept.kind == REFUSED_HEAD
    suffix, media_type = ("txt", "text/plain") if is_head else ("json", "application/json")
    return Sending(iter([kept.proof]), f"{name}.{suffix}", media_type, len(kept.proof))


def _ruling(kept: Misbehaviour, ruling: Ruling) -> Decision:
    title, button, lead = _TITLES[ruling]
    facts = (
        Fact(mark("Ministry"), kept.peer),
        Fact(mark("What it proves"), kept.kind, "misbehaviour"),
        Fact(mark("Found"), kept.found_at, "instant"),
        Fact(mark("Proof"), kept.id, "digest"),
    )
    back = mark("Misbehaviour")
    warning = mark("Speak with the partner first, by another road.")
    return Decision(title, button, _HOME, back, facts, lead, warning, ruling is Ruling.UPHOLD)


def _asked(visit: Visit) -> Ruling:
    known = {one.value: one for one in Ruling}
    wanted = visit.parts["ruling"]
    return known.get(wanted, Ruling.UPHOLD)


def ask(visit: Visit) -> Answer:
    """Ask before a ruling."""
    return decision.ask(visit, _ruling(_kept(visit), _asked(visit)))


def rule(visit: Visit) -> Answer:
    """Record a ruling."""
    kept, ruling = _kept(visit), _asked(visit)
    return decision.carry_out(
        visit,
        _ruling(kept, ruling),
        lambda: misbehaviour.rule(visit.node, visit.caller, kept.id, ruling),
        _HOME,
    )


PAGES: Final = (
    Page("misbehaviour", _HOME, _WATCHERS, Action.NODE_STATUS, index),
    Page(
        "misbehaviour_proof",
        f"{_HOME}/{{proof}}/file",
        _WATCHERS,
        Action.NODE_STATUS,
        download,
        download=True,
    ),
    Page(
        "misbehaviour_rule",
        f"{_HOME}/{{proof}}/{{ruling}}",
        _ADMINISTRATORS,
        Action.NODE_STATUS,
        ask,
        rule,
        fresh=True,
    ),
)
