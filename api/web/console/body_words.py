"""Faults of a statement's body as a form shows them: at which field, in the page's language.

Owns the way from a place in a body to a field's name, and the sentences of ``wire/body_faults`` in
words that have a French form. A sentence that nobody foresaw is shown as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.web.console.words import mark
from api.wire.body_faults import BodyFault, Place, body_faults

_SAID: Final[Mapping[str, str]] = {
    "this member is required": mark("Fill this in."),
    "this text is empty": mark("Fill this in."),
    "this text is not of the required form or holds a control character": mark(
        "This is not written as it must be."
    ),
    "this text is not of the required form": mark("This is not written as it must be."),
    "this text is too long": mark("This is too long."),
    "this list is too long": mark("These are too many."),
    "this list is too short": mark("These are too few."),
    "this value is not of the required kind": mark("This is not written as it must be."),
    "a text belongs here": mark("Fill this in."),
    "an object belongs here": mark("Fill this in."),
    "a list belongs here": mark("Fill this in."),
    "a whole number belongs here": mark("Write a whole number."),
    "this number is too small": mark("This number is too small."),
    "this number is too large": mark("This number is too large."),
    "text is empty, or begins or ends with white space": mark("Fill this in."),
    "this is not one of the words allowed here": mark("Choose one of the answers."),
    "this day does not exist in the calendar": mark("This day does not exist in the calendar."),
    "write one line without control characters": mark("Write one line without special characters."),
    "write text without control characters": mark("Write text without special characters."),
    "write one word in lower case such as asset-freeze": mark(
        "Write one word in lower case, such as passport."
    ),
    "write a year, month or day such as 1958, 1958-01 or 1958-01-02": mark(
        "Write a year, a month or a day, such as 1958, 1958-01 or 1958-01-02."
    ),
    "write a year, month, day or instant": mark(
        "Write a year, a month or a day, such as 1958, 1958-01 or 1958-01-02."
    ),
    "write a day or an instant such as 2026-11-28": mark("Write the day as 2027-01-31."),
    "write an instant in UTC such as 2026-11-28T17:00:00.000Z": mark(
        "Write the day as 2027-01-31."
    ),
    "write a time zone such as America/Toronto": mark(
        "Write a time zone, such as America/Toronto."
    ),
    "write a language tag such as en, fr or zh-Hans": mark(
        "Write a language tag, such as en, fr or zh-Hans."
    ),
    "write a script's code such as Latn, Hans or Arab": mark(
        "Write the code of a script, such as Latn, Hans or Arab."
    ),
    "write a country's two letters such as CN": mark(
        "Write the two letters of a country, such as CN."
    ),
    "two exhibits have the same label; give each its own": mark(
        "Two exhibits have the same label. Give each its own."
    ),
    "two exhibits are the same file; list a file once": mark(
        "Two exhibits are the same file. List it once."
    ),
    "a claim names a subject that the package does not describe": mark(
        "A claim is about a subject that was taken out. Choose another."
    ),
    "a claim names an exhibit that the package does not hold": mark(
        "A claim names an exhibit that was taken out. Choose another."
    ),
    "a translation must name another exhibit of the same package": mark(
        "A translation names another exhibit of the same package."
    ),
    "an urgent designation names the partner's provision that it follows": mark(
        "An urgent designation names the provision of the partner that it follows."
    ),
}
_BEGINNINGS: Final = (
    ("keep this text within", mark("This is too long. Write {limit} characters or fewer.")),
    ("keep this list within", mark("These are too many. Give {limit} or fewer.")),
    ("give at least", mark("Give {limit} or more.")),
    ("give at most", mark("Give {limit} or less.")),
)


def faults_in(
    type_: str,
    body: Mapping[str, Any],
    within: Place = (),
    groups: frozenset[str] = frozenset(),
) -> list[dict[str, Any]]:
    """Return the faults of a body, or of a part of it, for the error summary of its form.

    Args:
        type_: statement type with its version.
        body: the whole body.
        within: place of the part that the form is about.
        groups: members whose own members stand in the form by themselves.
    """
    found = (one for one in body_faults(type_, dict(body)) if one.place[: len(within)] == within)
    return [fault_of(one, _inside(one.place[len(within) :], groups)) for one in found]


def _inside(place: Place, groups: frozenset[str]) -> Place:
    return place[1:] if len(place) > 1 and place[0] in groups else place


def fault_of(fault: BodyFault, place: Place) -> dict[str, Any]:
    """Return one fault with its field, the member that it is about, and a limit that was passed."""
    names = [part for part in place if isinstance(part, str)]
    numbers = [part + 1 for part in place if isinstance(part, int)]
    said = {
        "field": field_of(place),
        "where": names[-1] if names else "",
        "number": numbers[-1] if numbers else 0,
        "text": sentence(fault.sentence),
        "limit": fault.limit,
    }
    return said if said["text"] in _KNOWN else said | {"foreign": True}


def field_of(place: Sequence[int | str]) -> str:
    """Return the id of the field for a place: ``names_text-1`` for ``names/0/text``."""
    match list(place):
        case [str(name)]:
            return name
        case [str(name), int()]:
            # One field holds the whole list.
            return name
        case [str(group), int(number), str(name)]:
            return f"{group}_{name}-{number + 1}"
        case [str(group), str(name), *_]:
            return f"{group}_{name}"
        case _:
            return ""


def sentence(said: str) -> str:
    """Return a fault's sentence as forms say it."""
    for beginning, text in _BEGINNINGS:
        if said.startswith(beginning):
            return text
    return _SAID.get(said, said)


_KNOWN: Final = frozenset({*_SAID.values(), *(text for _, text in _BEGINNINGS)})
