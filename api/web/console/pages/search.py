"""Search: one box for a reference, a digest or a name; what is found, by kind.

Owns the page. References are found among what the officer may know of, names among what they may
read: what may not be read is neither shown nor counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.desk import references, subjects
from api.services.desk.references import Reference
from api.web.console import reading
from api.web.console.page import ADMINISTRATOR, AUDITOR, DESK, EVERYONE, Answer, Page, View, Visit
from api.web.console.words import mark

_LONGEST: Final = 200
_MOST: Final = 20
_REFERENCE: Final = re.compile(r"(?:sha256:)?[A-Za-z0-9_-]{8,64}")
_DIGEST: Final = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}")
_OF_THE_DESK: Final = frozenset({"package", "draft", "thread", "designation", "proposal"})
# Pages that stand for a kind as a whole, for kinds whose objects have none of their own.
_REGISTERS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "officer": ("/people/officers/{id}", frozenset({ADMINISTRATOR, AUDITOR})),
    "sample": ("/audit/samples/{id}", frozenset({AUDITOR})),
    "regime-edition": ("/law/editions/{id}", frozenset({ADMINISTRATOR, AUDITOR})),
    "parked": ("/run/parked", frozenset({ADMINISTRATOR, AUDITOR})),
    "proof": ("/run/misbehaviour", frozenset({ADMINISTRATOR, AUDITOR})),
    "watch": ("/subjects/watches", DESK),
    "verdict": ("/subjects/verdicts", DESK),
    "grant": ("/people", frozenset({ADMINISTRATOR, AUDITOR})),
    "key": ("/people", frozenset({ADMINISTRATOR, AUDITOR})),
    "delegation": ("/people/absences", frozenset({ADMINISTRATOR})),
    "relying-party": ("/people/passkey-sites", frozenset({ADMINISTRATOR})),
    "erasure": ("/run/erasures", frozenset({ADMINISTRATOR})),
    "task": ("/", DESK),
    "edition": ("/lists", DESK | {AUDITOR}),
}


@dataclass(frozen=True, slots=True)
class Hit:
    """What a reference names, and the page to see it on, if there is one."""

    kind: str
    id: str
    title: str
    href: str


def find_any(visit: Visit) -> Answer:
    """Look for a reference and for a name."""
    text = " ".join(visit.query.get("q", "")[:_LONGEST].split())
    desk = bool(visit.caller.roles & DESK)
    members: dict[str, Any] = {"q": text, "desk": desk, "hits": [], "names": [], "faults": []}
    if not text:
        return View("search.html", members)
    # Pages show digests in groups of four.
    joined = text.replace(" ", "")
    digest = _DIGEST.fullmatch(joined) is not None
    if digest or _REFERENCE.fullmatch(text):
        found = references.find_references(visit.node, visit.caller, joined if digest else text)
        members["hits"] = [_hit(visit, one) for one in found]
    elif not desk:
        words = mark("Give at least eight signs of a reference or digest.")
        members["faults"] = [{"field": "q", "text": words}]
    if desk and not digest:
        try:
            names = subjects.search(visit.node, visit.caller, text, limit=_MOST)
            members["names"] = names.candidates
        except Invalid as error:
            members["faults"] = [reading.refused(error)]
    return View("search.html", members)


def _hit(visit: Visit, one: Reference) -> Hit:
    place, roles = _REGISTERS.get(one.kind, ("", frozenset()))
    if place and visit.caller.roles & roles:
        return Hit(one.kind, one.id, one.title, visit.to(place.format(id=one.id)))
    kind, id_ = one.kind, one.id
    if one.place_kind is not None and one.place is not None:
        # What has no page of its own stands on that of what holds it.
        kind, id_ = one.place_kind, one.place
    here = kind in _OF_THE_DESK and visit.caller.roles & DESK
    href = reading.href_of(visit, kind, id_) if here else ""
    return Hit(one.kind, one.id, one.title, href)


PAGES: Final = (Page("search", "/search", EVERYONE, Action.ME_READ, find_any),)
