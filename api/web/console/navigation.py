"""The service's navigation: which pages stand in it for whom.

Owns order and wording. A page that is not here is reached from another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.web.console.page import ADMINISTRATOR, AUDITOR, DESK, EVERYONE
from api.web.console.words import Language, catalogue, mark


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its words, its page's address, whom it is for."""

    text: str
    path: str
    roles: frozenset[str]


_WATCH: Final = frozenset({AUDITOR})
_RUN: Final = frozenset({ADMINISTRATOR})

ENTRIES: Final = (
    Entry(mark("My work"), "/", EVERYONE),
    Entry(mark("Packages"), "/packages", DESK),
    Entry(mark("Mirror requests"), "/mirror-requests", DESK),
    Entry(mark("Proposals"), "/proposals", DESK),
    Entry(mark("Designations"), "/designations", DESK | _WATCH),
    Entry(mark("Subjects"), "/subjects", DESK),
    Entry(mark("Coverage"), "/coverage", DESK | _WATCH),
    Entry(mark("Lists"), "/lists", DESK | _WATCH),
    Entry(mark("Law"), "/law", EVERYONE),
    Entry(mark("Events"), "/audit/events", _WATCH),
    Entry(mark("Samples"), "/audit/samples", _WATCH),
    Entry(mark("Log"), "/audit/log", _WATCH),
    Entry(mark("Exports"), "/audit/exports", _WATCH),
    Entry(mark("Verify"), "/verify", DESK | _WATCH),
    Entry(mark("Node"), "/run", _RUN | _WATCH),
    Entry(mark("People"), "/people", _RUN | _WATCH),
    Entry(mark("Partners"), "/partners", EVERYONE),
)


def entries(
    language: Language, roles: frozenset[str], path: str, known: frozenset[str]
) -> tuple[Mapping[str, Any], ...]:
    """Return the navigation of an officer, with the entry marked that the page belongs to.

    Args:
        language: of the page.
        roles: the officer's.
        path: the page's address without language.
        known: addresses that have a page.
    """
    words = catalogue(language)
    return tuple(
        {
            "text": words.gettext(one.text),
            "href": f"/{language}{one.path}",
            "active": _within(path, one.path),
        }
        for one in ENTRIES
        if one.roles & roles and one.path in known
    )


def _within(path: str, entry: str) -> bool:
    if entry == "/":
        return path == "/" or path.startswith("/drafts")
    return path == entry or path.startswith(f"{entry}/")
