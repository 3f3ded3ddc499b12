"""Days on which a publisher announced entries whose list gives no day.

Owns the strict reading of a ministry's documents about it (`policies/announcements`). Such a day
stands for the listing only where the list itself and designations say none.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.domain.errors import Invalid

_HEAD: Final = {"series", "about", "announcements"}
_EACH: Final = {"day", "source", "entries"}


@dataclass(frozen=True, slots=True)
class Announcement:
    """One public act that named entries of a list.

    Attributes:
        series: which list, such as ``us-ofac-sdn``.
        day: the day of the act, in the publisher's zone.
        source: where it was read.
        entries: the publisher's ids of the entries.
    """

    series: str
    day: dt.date
    source: str
    entries: tuple[str, ...]


def parse(document: Any) -> tuple[Announcement, ...]:
    """Read a document of announcements for one list.

    Raises:
        Invalid: ``announcements.malformed``: a member is missing, unknown or of another kind, a day
            is none, or an entry is announced twice.
    """
    if not isinstance(document, dict) or document.keys() != _HEAD:
        raise _malformed_announcement(
            f"it has the members {', '.join(sorted(_HEAD))} and no others"
        )
    series, told = document["series"], document["announcements"]
    if not (
        _announced_text(series) and _announced_text(document["about"]) and isinstance(told, list)
    ):
        raise _malformed_announcement("series and about are texts, announcements is a list")
    found = tuple(_announcement(series, one) for one in told)
    named = [entry for one in found for entry in one.entries]
    if len(named) != len(set(named)):
        raise _malformed_announcement("it announces one entry twice")
    return found


def _announcement(series: str, told: Any) -> Announcement:
    if not isinstance(told, dict) or told.keys() != _EACH:
        raise _malformed_announcement(
            f"each announcement has {', '.join(sorted(_EACH))} and nothing else"
        )
    entries = told["entries"]
    if not (isinstance(entries, list) and entries and all(map(_announced_text, entries))):
        raise _malformed_announcement("entries is a list of the publisher's ids")
    if not _announced_text(told["source"]):
        raise _malformed_announcement("an announcement names its source")
    try:
        day = dt.date.fromisoformat(told["day"])
    except (TypeError, ValueError):
        raise _malformed_announcement("a day is written as 2020-07-09") from None
    return Announcement(series, day, told["source"], tuple(entries))


def _announced_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _malformed_announcement(what: str) -> Invalid:
    return Invalid("announcements.malformed", f"A document of announcements is malformed: {what}.")


def by_entry(
    announcements: Mapping[str, tuple[Announcement, ...]],
) -> Mapping[tuple[str, str], Announcement]:
    """Return announcements by list and publisher's id."""
    return {
        (one.series, entry): one
        for told in announcements.values()
        for one in told
        for entry in one.entries
    }
