"""What an edition of a regime changes, in the words of a page.

Owns the words for the members of regime documents, and the lines that a difference is shown in:
one for each value, with the place where it stands. Compares nothing itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.domain.regimes.editions import EditionChange
from api.web.console.words import mark

_STEPS: Final = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")
_SHAPES: Final[Mapping[str, str]] = {
    "basis": "basis",
    "binding_instant": "instant-of-law",
    "conduct": "conduct",
    "consolidated_to": "day",
    "edition": "day",
    "in_force_from": "day",
    "involvement": "involvement",
    "starts": "clock-event",
    "stops": "clock-event",
    "subject_kinds": "subject-kind",
}
_LANGUAGES: Final = frozenset({"en", "fr"})

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "instant-of-law": {
        "made": mark("Made"),
        "registered": mark("Registered"),
        "in-force": mark("In force"),
        "published": mark("Published"),
        "announced": mark("Announced"),
    },
    "regime-member": {
        "alternatives": mark("Other regimes to offer"),
        "basis": mark("How it is known"),
        "binding_instant": mark("Date that counts"),
        "bound_to_state": mark("Only persons in or of the state"),
        "circumstances": mark("Circumstances"),
        "citation": mark("Citation"),
        "classes": mark("Who can be listed"),
        "clocks": mark("Periods"),
        "compelled_information": mark("Compelled information"),
        "conduct": mark("Conduct"),
        "confidentiality": mark("Confidentiality"),
        "consolidated_to": mark("Current to"),
        "dates_in_list": mark("Dates in the list"),
        "days": mark("Days"),
        "decision_maker": mark("Who decides"),
        "disclosure": mark("Disclosure"),
        "edition": mark("Edition"),
        "en": mark("English"),
        "excludes_nationals_of": mark("Nationals who cannot be listed"),
        "fact": mark("Where this is from"),
        "facts": mark("Further facts"),
        "follows": mark("Lists that it follows"),
        "fr": mark("French"),
        "ground": mark("Ground"),
        "grounds": mark("Grounds"),
        "houses": mark("Houses"),
        "id": mark("Identifier"),
        "in_force": mark("In force"),
        "in_force_from": mark("In force from"),
        "involvement": mark("Part taken"),
        "jurisdiction": mark("Jurisdiction"),
        "label": mark("Label"),
        "lapses": mark("Lapses by itself"),
        "measures": mark("Measures"),
        "mirror_route": mark("Way to mirror"),
        "name": mark("Name"),
        "nationality": mark("Nationality"),
        "note": mark("Note"),
        "notice": mark("Notice"),
        "outside_information": mark("Information from outside"),
        "ownership": mark("Ownership"),
        "parliament": mark("Parliament"),
        "partner_provision": mark("Provision about partners"),
        "policy_factors": mark("Policy factors"),
        "provision": mark("Provision"),
        "publication": mark("Publication"),
        "reasons": mark("Reasons"),
        "reasons_required": mark("Reasons are required"),
        "regime": mark("Regime"),
        "regulations": mark("Regulations"),
        "reporting": mark("Reporting"),
        "required_fields": mark("Members that a designation needs"),
        "review": mark("Review"),
        "rights": mark("Rights"),
        "scope": mark("Scope"),
        "sitting_days": mark("Sitting days"),
        "sources": mark("Sources"),
        "starts": mark("Begins with"),
        "state": mark("State"),
        "stops": mark("Ends with"),
        "subject_kinds": mark("Who can be listed"),
        "subject_kinds_fact": mark("Who can be listed, in words"),
        "subject_kinds_provision": mark("Who can be listed, the provision"),
        "takes_effect": mark("Takes effect"),
        "text": mark("Text"),
        "threshold": mark("What must be found"),
        "title": mark("Title"),
        "urgent": mark("Urgent route"),
        "use": mark("Use"),
        "victims": mark("Who suffered it"),
        "warn_days": mark("Days of warning"),
        "zone": mark("Time zone"),
    },
}


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One value that differs.

    Attributes:
        place: where it stands, from the outside in: a member and ``True``, or an id and ``False``.
        shape: the kind of a label, ``day``, ``yes`` for what holds or not, or ``text``.
        lang: language of a text; empty where it is no sentence.
        old: its values before; empty if it is new.
        new: its values now; empty if it is gone.
    """

    place: tuple[tuple[str, bool], ...]
    shape: str
    lang: str
    old: tuple[Any, ...]
    new: tuple[Any, ...]


def lines(changes: Iterable[EditionChange]) -> list[ChangeLine]:
    """Return a difference value by value; a member with members is told by each of them."""
    return [line for one in changes for line in _value_lines(_place(one.path), one.old, one.new)]


def _place(path: str) -> tuple[tuple[str, bool], ...]:
    return tuple((member or id_, bool(member)) for id_, member in _STEPS.findall(path))


def _value_lines(place: tuple[tuple[str, bool], ...], old: Any, new: Any) -> Iterator[ChangeLine]:
    before, after = _members_of(old), _members_of(new)
    if before is not None or after is not None:
        before, after = before or {}, after or {}
        for step in dict.fromkeys((*after, *before)):
            if before.get(step) != after.get(step):
                yield from _value_lines((*place, step), before.get(step), after.get(step))
        return
    name = next((word for word, member in reversed(place) if member), "")
    shape = "yes" if isinstance(new if new is not None else old, bool) else _SHAPES.get(name)
    lang = name if name in _LANGUAGES else ""
    yield ChangeLine(place, shape or "text", lang, _values(old), _values(new))


def _members_of(value: Any) -> dict[tuple[str, bool], Any] | None:
    """Return what a value is made of, by steps; ``None`` if it is told as one."""
    if isinstance(value, Mapping):
        return {(name, True): part for name, part in value.items()}
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return {
            (one["id"], False) if "id" in one else (str(at), False): one
            for at, one in enumerate(value, start=1)
        }
    return None


def _values(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
