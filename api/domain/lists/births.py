"""Birth dates as lists and statements write them, as spans of days.

Owns the reading of such texts: English and French, ISO, ``dd/mm/yyyy``, ``00/11/1975``, a year, a
month, a range, "circa". What is not understood keeps its text and has no span; nothing is guessed.
"""

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "janvier"),
            ("feb", "february", "février", "fevrier"),
            ("mar", "march", "mars"),
            ("apr", "april", "avril"),
            ("may", "mai"),
            ("jun", "june", "juin"),
            ("jul", "july", "juillet"),
            ("aug", "august", "août", "aout"),
            ("sep", "sept", "september", "septembre"),
            ("oct", "october", "octobre"),
            ("nov", "november", "novembre"),
            ("dec", "december", "décembre", "decembre"),
        ),
        start=1,
    )
    for name in names
}
_CIRCA: Final = re.compile(r"\b(circa|approximately|approx|about|vers|ca)\b\.?", re.IGNORECASE)
_RANGE: Final = re.compile(
    r"\s+(?:to|and|or|et|ou|à)\s+|\s*[\u2013\u2014]\s*|(?<=\d{4})-(?=\d{4}$)"
)
_YEAR: Final = re.compile(r"(\d{4})(?:-00-00)?")
_ISO: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?(?:T.*)?")
_NUMBERS: Final = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})(?:er|st|nd|rd|th)?\s+([^\W\d]+)\.?,?\s+(\d{4})")
_MONTH_FIRST: Final = re.compile(r"([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_MONTH: Final = re.compile(r"([^\W\d]+)\.?,?\s+(\d{4})")
_FIRST_YEAR: Final = 1800
_LAST_YEAR: Final = 2100


class Precision(StrEnum):
    """How exactly a birth is known."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    RANGE = "range"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Birth:
    """A birth date as published.

    Attributes:
        text: as written.
        earliest: first possible day, ISO 8601; empty if the text is not understood.
        latest: last possible day, ISO 8601.
        circa: the publisher marks it as approximate.
    """

    text: str
    earliest: str = ""
    latest: str = ""
    circa: bool = False

    @property
    def precision(self) -> Precision:
        """How exactly the birth is known."""
        if not self.earliest:
            return Precision.UNKNOWN
        if self.earliest == self.latest:
            return Precision.DAY
        if self.earliest[:7] == self.latest[:7]:
            return Precision.MONTH
        return Precision.YEAR if self.earliest[:4] == self.latest[:4] else Precision.RANGE


def birth(text: str, *, circa: bool = False) -> Birth | None:
    """Read one birth date; ``None`` if the text says nothing (blank, ``0``, ``00/00/0000``)."""
    said = " ".join(text.split())
    if not said.strip("0/-. "):
        return None
    plain = _CIRCA.sub(" ", said).strip(" .,")
    about = circa or plain != said.strip(" .,")
    spans = [_span(part.strip()) for part in _RANGE.split(plain) if part.strip()]
    known = [span for span in spans if span is not None]
    if not known or len(known) != len(spans):
        return Birth(said, circa=about)
    return Birth(said, min(one[0] for one in known), max(one[1] for one in known), about)


def years(first: str, last: str, *, circa: bool = False) -> Birth | None:
    """Read a range of years; an end that is missing or ``0`` is that of the other."""
    low, high = first.strip("0 ") and first, last.strip("0 ") and last
    if not (low or high):
        return None
    return birth(f"{low or high} to {high or low}" if low != high else low, circa=circa)


def _span(text: str) -> tuple[str, str] | None:
    return _in_numbers(text) or _in_words(text)


def _in_numbers(text: str) -> tuple[str, str] | None:
    if found := _ISO.fullmatch(text):
        return _days(int(found[1]), int(found[2]), int(found[3] or 0))
    if found := _NUMBERS.fullmatch(text):
        return _days(int(found[3]), int(found[2]), int(found[1]))
    if found := _YEAR.fullmatch(text):
        return _days(int(found[1]), 0, 0)
    return None


def _in_words(text: str) -> tuple[str, str] | None:
    if found := _DAY_FIRST.fullmatch(text):
        return _named_month(found[2], int(found[3]), int(found[1]))
    if found := _MONTH_FIRST.fullmatch(text):
        return _named_month(found[1], int(found[3]), int(found[2]))
    if found := _MONTH.fullmatch(text):
        return _named_month(found[1], int(found[2]), 0)
    return None


def _named_month(month: str, year: int, day: int) -> tuple[str, str] | None:
    number = _MONTHS.get(month.casefold().rstrip("."))
    return _days(year, number, day) if number else None


def _days(year: int, month: int, day: int) -> tuple[str, str] | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        if not month:
            return f"{year:04d}-01-01", f"{year:04d}-12-31"
        if not day:
            last = calendar.monthrange(year, month)[1]
            return f"{year:04d}-{month:02d}-01", f"{year:04d}-{month:02d}-{last:02d}"
        one = dt.date(year, month, day).isoformat()
    except (ValueError, calendar.IllegalMonthError):
        return None
    return one, one
