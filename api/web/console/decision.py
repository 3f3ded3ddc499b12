"""One decision on a page of its own: what it is about, what follows from it, and its button.

Owns the shape that administrators' decisions share, and what becomes of a refusal: the page is
drawn again with the refusal's own sentence. Which use case acts is the page's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from api.domain.errors import ComityError
from api.services.authorising import Caller
from api.services.node import Node
from api.web.console import reading
from api.web.console.edition_words import ChangeLine
from api.web.console.page import Answer, Moved, View, Visit
from api.wire.errors import WireError

_WRONG: Final = 422


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is decided on.

    Attributes:
        key: a marked message.
        value: as it is recorded.
        shape: how it is written: ``text``, ``name``, ``digest``, ``instant``, ``day``, or the
            kind of a label.
    """

    key: str
    value: str
    shape: str = "text"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        title: the question, a marked message.
        button: what the button does, a marked message.
        back: address of the page it belongs to, without language.
        back_text: that page's name, a marked message.
        facts: what it is about.
        lead: what follows from it, a marked message; empty for nothing to add.
        warning: what must be thought of first, a marked message; empty for none.
        alarming: the button takes something away.
        why_not: why the officer cannot do it, a marked message; the page has no button then.
        lines: the values that an edition of a regime changes.
    """

    title: str
    button: str
    back: str
    back_text: str
    facts: Sequence[Fact] = field(default_factory=tuple)
    lead: str = ""
    warning: str = ""
    alarming: bool = False
    why_not: str = ""
    lines: Sequence[ChangeLine] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One act among those of a page: the use case that does it, and the words that ask before it.

    Attributes:
        carry_out: the use case; it takes the id of what is decided on.
        title: the question, a marked message.
        button: what the button does, a marked message.
        lead: what follows from it, a marked message.
    """

    carry_out: Callable[[Node, Caller, str], object]
    title: str
    button: str
    lead: str


def ask(visit: Visit, decision: Decision, look: Callable[[], object] | None = None) -> Answer:
    """Show the decision.

    Args:
        visit: of the officer.
        decision: what is shown.
        look: the use case that records what this officer is shown now; an approval rests on it.
            Where it is refused the page says so, as the approval would be.
    """
    try:
        if look is not None and not decision.why_not:
            look()
    except (ComityError, WireError) as error:
        return _drawn(visit, decision, [reading.refused(error)], 200)
    return _drawn(visit, decision, [], 200)


def carry_out(visit: Visit, decision: Decision, act: Callable[[], object], to: str) -> Answer:
    """Do what was decided, and go to another page of the console; show a refusal here.

    Args:
        visit: of the officer.
        decision: to draw again if it is refused.
        act: the use case.
        to: address of the page to go to, without language.
    """
    try:
        act()
    except (ComityError, WireError) as error:
        return _drawn(visit, decision, [reading.refused(error)], _WRONG)
    return Moved(visit.to(to))


def _drawn(visit: Visit, decision: Decision, faults: list[dict[str, Any]], status: int) -> Answer:
    members = {"decision": decision, "faults": faults, "path": visit.path}
    return View("decision.html", members, status)
