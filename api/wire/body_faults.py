"""All that is wrong with a statement's body, in words a preparer can act on.

Owns the sentences, the words that a member allows, and the nearest known name of an unknown member.
Used where own drafts are made (PROTOCOL §9, *Unknown members*): what partners sent is checked by
`api.wire.bodies.validate_body` alone, where unknown members survive. Values are never repeated.
"""

import difflib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from api.wire.errors import WireError
from api.wire.payloads import scalars
from api.wire.types import STATEMENT_TYPES

Place = tuple[int | str, ...]
"""Members and list positions from the body inwards."""

_SENTENCES: Final = {
    "missing": "this member is required",
    "string_type": "a text belongs here",
    "int_type": "a whole number belongs here",
    "bool_type": "true or false belongs here",
    "list_type": "a list belongs here",
    "dict_type": "an object belongs here",
    "model_type": "an object belongs here",
    "string_too_short": "this text is empty",
}
_LIMITS: Final = {
    "string_too_long": ("keep this text within", "max_length", "characters"),
    "too_long": ("keep this list within", "max_length", "entries"),
    "too_short": ("give at least", "min_length", "here"),
    "greater_than_equal": ("give at least", "ge", "here"),
    "less_than_equal": ("give at most", "le", "here"),
}


@dataclass(frozen=True, slots=True)
class BodyFault:
    """One fault of a body.

    Attributes:
        place: Where it is.
        sentence: What is wrong and what belongs there.
        allowed: The words that may stand there, where there is a list of them.
        nearest: The nearest known member name, for a member that the type does not know.
        unknown: Whether the fault is a member that the type does not know.
        limit: The most or least that may stand there, where a limit was passed.
    """

    place: Place
    sentence: str
    allowed: tuple[str, ...] = ()
    nearest: str = ""
    unknown: bool = False
    limit: int | None = None


def body_faults(type_: str, body: object) -> list[BodyFault]:
    """Return every fault of an own body, unknown members among them; empty when there is none.

    Raises:
        WireError: ``statement.type`` for a type that the protocol does not have.
    """
    known = STATEMENT_TYPES.get(type_)
    if known is None:
        raise WireError("statement.type", "This statement type is not part of protocol 1.")
    try:
        known.body.model_validate(body, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return [_fault(known.body, one) for one in found]
    return []


def refuse_unknown(type_: str, body: object) -> None:
    """Refuse members that a type does not know: they would be signed and mean nothing.

    Raises:
        WireError: ``statement.unknown-member`` with the place and the nearest known name.
    """
    for fault in body_faults(type_, body):
        if fault.unknown:
            raise WireError("statement.unknown-member", f"{pointer(fault.place)}: {fault.sentence}")


def pointer(place: Place) -> str:
    """Return a place as a JSON pointer (RFC 6901) below ``/body``."""
    return "/body" + "".join(f"/{part}" for part in place)


def _fault(model: type[BaseModel], found: Any) -> BodyFault:
    place: Place = tuple(part for part in found["loc"] if not _is_branch(part))
    kind, context = found["type"], found.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(model, place)
    if kind == "value_error":
        return BodyFault(place, str(context["error"]).rstrip("."))
    if kind == "literal_error":
        allowed = tuple(
            word.strip(" '") for word in str(context["expected"]).replace(" or ", ", ").split(", ")
        )
        return BodyFault(place, "this is not one of the words allowed here", allowed)
    limit = context[_LIMITS[kind][1]] if kind in _LIMITS else None
    return BodyFault(place, _sentence(kind, context), limit=limit)


def _is_branch(part: int | str) -> bool:
    """Whether a part of pydantic's path names a branch of a union or a key, and no member."""
    return isinstance(part, str) and (part == "[key]" or part.endswith("]"))


def _sentence(kind: str, context: Any) -> str:
    if kind == "string_pattern_mismatch":
        return _forms().get(context["pattern"], "this text is not of the required form")
    if kind in _LIMITS:
        before, name, after = _LIMITS[kind]
        return f"{before} {context[name]:,} {after}"
    return _SENTENCES.get(kind, "this value is not of the required kind")


def _unknown(model: type[BaseModel], place: Place) -> BodyFault:
    names = _names_at(model, place[:-1])
    near = difflib.get_close_matches(str(place[-1]), names, n=1, cutoff=0.6)
    nearest = near[0] if near else ""
    said = f"; the nearest is {nearest}" if nearest else f"; known are {', '.join(sorted(names))}"
    return BodyFault(
        place,
        f"there is no such member{said}",
        () if nearest else tuple(sorted(names)),
        nearest,
        unknown=True,
    )


def _names_at(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """Return the member names of the object at a place."""
    current: type[BaseModel] | None = model
    for part in place:
        if current is None or isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in current.model_fields.items()}
        current = _model_in(fields[part]) if part in fields else None
    if current is None:
        return []
    return [field.alias or name for name, field in current.model_fields.items()]


def _model_in(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model inside a field's annotation: itself, optional, or in a list."""
    waiting: list[Any] = [field.annotation]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
        waiting.extend(get_args(one))
    return None


@functools.cache
def _forms() -> dict[str, str]:
    """Return for each pattern of a scalar what belongs there, in words."""
    words: list[tuple[Any, str]] = [
        (scalars.Name, "write one line without control characters"),
        (scalars.Prose, "write text without control characters"),
        (scalars.Digest, "write sha256: and 64 hexadecimal digits"),
        (scalars.Ministry, "write a ministry's id such as us-treasury"),
        (scalars.Jurisdiction, "write a jurisdiction's code such as UK"),
        (scalars.Audience, "write a ministry's id or a jurisdiction's code"),
        (scalars.Regime, "write a regime's id such as UK-GHR; see comity regimes list"),
        (scalars.SubjectKey, "write a key such as s1, s2, s3"),
        (scalars.QuestionKey, "write a key such as q1, q2, q3"),
        (scalars.Slug, "write one word in lower case such as asset-freeze"),
        (scalars.PartialDate, "write a year, month or day such as 1958, 1958-01 or 1958-01-02"),
        (scalars.Instant, "write an instant in UTC such as 2026-11-28T17:00:00.000Z"),
        (scalars.Moment, "write a day or an instant such as 2026-11-28"),
        (scalars.When, "write a year, month, day or instant"),
        (scalars.Zone, "write a time zone such as America/Toronto"),
        (scalars.Language, "write a language tag such as en, fr or zh-Hans"),
        (scalars.Script, "write a script's code such as Latn, Hans or Arab"),
        (scalars.Country, "write a country's two letters such as CN"),
        (scalars.MediaType, "write a media type such as application/pdf"),
    ]
    found: dict[str, str] = {}
    for scalar, said in words:
        field = next(one for one in get_args(scalar)[1:] if isinstance(one, FieldInfo))
        pattern = next(one.pattern for one in field.metadata if hasattr(one, "pattern"))
        found[pattern] = said
    return found
