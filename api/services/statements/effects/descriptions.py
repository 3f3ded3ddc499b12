"""Descriptions of subjects, noted for search when the object that holds them is stored.

Owns the rows of ``subjects`` and their place in the index by which they are found. Compares nothing
and decides nothing: who is who is an officer's verdict.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from api.domain.identity import profiles
from api.domain.identity.profiles import Said
from api.records import identity, subjects
from api.records.identity import Indexed
from api.records.rows import as_row
from api.records.subjects import Description
from api.records.unit_of_work import Unit

_WORD = re.compile(r"[^\W_]+")


def tokens_of(text: str) -> list[str]:
    """Return a name's words without case, accents and punctuation, in order.

    The name is decomposed (Unicode NFKD), combining marks are dropped, and what is left is split
    at everything that is neither letter nor digit. Scripts without spaces stay whole.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return _WORD.findall(plain)


def reference(kind: str, object_id: str, key: str = "") -> str:
    """Return the reference of a description: ``<kind>:<id>`` or ``<kind>:<id>#<key>``."""
    return f"{kind}:{object_id}#{key}" if key else f"{kind}:{object_id}"


def note(
    unit: Unit,
    kind: str,
    object_id: str,
    issuer: str,
    described: Iterable[Mapping[str, Any]],
    *,
    fresh: bool = False,
) -> None:
    """Make the noted descriptions of an object these; untouched ones are not written again.

    Args:
        unit: the open unit of work.
        kind: ``designation``, ``package``, ``proposal`` or ``thread``.
        object_id: its id.
        issuer: the ministry whose description it is.
        described: subjects as bodies hold them, with their keys where they have any.
        fresh: the object is new, so that there is nothing to compare with.
    """
    if fresh:
        all_new = [_description(kind, object_id, issuer, subject) for subject in described]
        unit.insert(subjects.SUBJECTS, [as_row(one) for one in all_new])
        identity.add(unit, [indexed(one) for one in all_new])
        return
    known = {row.ref: row for row in subjects.of_object(unit.connection, object_id)}
    for subject in described:
        now = _description(kind, object_id, issuer, subject)
        old = known.get(now.ref)
        if old is None:
            unit.insert(subjects.SUBJECTS, as_row(now))
            identity.put(unit, [indexed(now)])
        elif old != now:
            changed = {name: value for name, value in as_row(now).items() if name != "ref"}
            unit.update(subjects.SUBJECTS, {"ref": now.ref}, changed)
            identity.put(unit, [indexed(now)])


def indexed(row: Description) -> Indexed:
    """Return what the index gets for a noted description."""
    more = json.loads(row.said) if row.said else {}
    said = Said(
        births=json.loads(row.births),
        identifiers=[(scheme, value) for scheme, value in more.get("identifiers", ())],
        countries=more.get("countries", ()),
        posts=more.get("posts", ()),
    )
    return Indexed(profiles.of_description(row.ref, row.schema, json.loads(row.names), said))


def _description(kind: str, object_id: str, issuer: str, subject: Mapping[str, Any]) -> Description:
    names = [str(name["text"]) for name in subject["names"]]
    latin = (str(one["text"]) for one in subject["names"] if one.get("script") == "Latn")
    words = sorted({word for name in names for word in tokens_of(name)})
    births = [str(one["value"]) for one in subject.get("birth_dates", ())]
    key = str(subject.get("key", ""))
    return Description(
        ref=reference(kind, object_id, key),
        kind=kind,
        object=object_id,
        key=key,
        issuer=issuer,
        schema=str(subject["schema"]),
        name=next(latin, names[0]),
        names=json.dumps(names, ensure_ascii=False),
        tokens="".join(f" {word}" for word in words),
        births=json.dumps(births),
        said=_beside_names(subject),
    )


def _beside_names(subject: Mapping[str, Any]) -> str | None:
    """Return what else is compared, as the table keeps it."""
    told = {
        "identifiers": [[one["scheme"], one["value"]] for one in subject.get("identifiers", ())],
        "countries": list(subject.get("countries", ())),
        "posts": [one["title"] for one in subject.get("positions", ())],
    }
    kept = {member: values for member, values in told.items() if values}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None
