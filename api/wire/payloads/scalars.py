"""Scalar types of statement bodies: text, identifiers, digests, dates.

Owns the shape of every single value that may stand in a body: its pattern, its length and which
characters it may hold. Knows nothing of any statement type, never normalises a value (signed
bytes are kept as they are), and its messages never repeat what they refuse.

Sources: dates are RFC 3339 full-date and the protocol's own instant (PROTOCOL, UTC with
milliseconds); languages are BCP 47 tags; scripts are ISO 15924 codes; zones are IANA names;
media types are RFC 6838. Refused characters are the Unicode bidirectional controls (UAX 9),
because a short text that displays in another order than it is stored deceives its reader.
"""

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from api.wire.labels import check_label

MAX_SAFE_INTEGER = 2**53 - 1

# C0 and C1 controls, DEL, bidirectional controls, line and paragraph separators, BOM.
_SHORT = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$"
# Long text may hold tabs, line ends and the harmless marks of right-to-left writing, but no
# embedding or override, and no other control.
_LONG = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\ufeff]*$"
_PARTIAL_DATE = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
_DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_TIME_PART = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
_INSTANT = _DATE[:-1] + _TIME_PART + "$"
_MOMENT = _DATE[:-1] + "(" + _TIME_PART + ")?$"
_WHEN = "(" + _PARTIAL_DATE + "|" + _INSTANT + ")"
_SPAN = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def _not_blank(text: str) -> str:
    if text != text.strip() or not text:
        message = "text is empty, or begins or ends with white space"
        raise ValueError(message)
    return text


def _on_the_calendar(value: str) -> str:
    found = _SPAN.match(value)
    if found is None:
        message = "this is no date"
        raise ValueError(message)
    year, month, day = (int(part) if part else 1 for part in found.groups())
    try:
        dt.date(year, month, day)
    except ValueError as error:
        message = "this day does not exist in the calendar"
        raise ValueError(message) from error
    return value


def _checked_label(value: str) -> str:
    check_label(value)
    return value


def _text(pattern: str, longest: int) -> object:
    return Field(min_length=1, max_length=longest, pattern=pattern)


Name = Annotated[str, _text(_SHORT, 300), AfterValidator(_not_blank)]
"""A name, title or other single line of at most 300 characters."""

Line = Annotated[str, _text(_SHORT, 1000), AfterValidator(_not_blank)]
"""A longer single line of at most 1,000 characters: a source, an instrument, a ground."""

Prose = Annotated[str, _text(_LONG, 50_000), AfterValidator(_not_blank)]
"""Free text of at most 50,000 characters, with line ends."""

Label = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_checked_label)]
"""The label of an exhibit; the rules are those of `api.wire.labels`."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 lower-case hexadecimal digits."""

Ministry = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]
"""A member's id, such as `us-treasury`."""

Jurisdiction = Annotated[str, Field(pattern=r"^[A-Z]{2,8}(-[A-Z0-9]{1,8})?$")]
"""A jurisdiction's code, such as `UK`."""

Audience = Annotated[
    str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?|[A-Z]{2,8}(-[A-Z0-9]{1,8})?)$")
]
"""A ministry's id or a jurisdiction's code."""

Regime = Annotated[str, Field(pattern=r"^[A-Z]{2,8}(-[A-Z0-9]{1,24}){1,4}$", max_length=64)]
"""A regime's id, such as `UK-GHR`."""

SubjectKey = Annotated[str, Field(pattern=r"^s[1-9][0-9]{0,4}$")]
"""The key of a subject inside one statement or one thread."""

QuestionKey = Annotated[str, Field(pattern=r"^q[1-9][0-9]{0,4}$")]
"""The key of a question inside one thread."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A word from a list kept as data: a measure, an identifier scheme, a kind of name."""

Code = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", max_length=100)]
"""A stable refusal code, such as `thread.gap`."""

MessageId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$")]
"""The id of a message."""

PartialDate = Annotated[str, Field(pattern=_PARTIAL_DATE), AfterValidator(_on_the_calendar)]
"""A year, a month or a day: as precise as the source is, never more."""

Instant = Annotated[str, Field(pattern=_INSTANT), AfterValidator(_on_the_calendar)]
"""An instant as the protocol writes it: UTC, milliseconds, `Z`."""

Moment = Annotated[str, Field(pattern=_MOMENT), AfterValidator(_on_the_calendar)]
"""A day, or an instant where the source gives the time of day."""

When = Annotated[str, Field(pattern=_WHEN), AfterValidator(_on_the_calendar)]
"""A year, a month, a day or an instant."""

Zone = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$")]
"""An IANA time zone name; whether it exists is asked by the domain, not here."""

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
"""A BCP 47 language tag."""

Script = Annotated[str, Field(pattern=r"^[A-Z][a-z]{3}$")]
"""An ISO 15924 script code, such as `Hans`."""

Country = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
"""An ISO 3166-1 alpha-2 code; FollowTheMoney writes it in lower case, lists in upper case."""

MediaType = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}"
        r"(; ?charset=[A-Za-z0-9_-]{1,32})?$"
    ),
]
"""A media type in lower case, with at most a character set."""

Size = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]
"""A length in bytes."""
