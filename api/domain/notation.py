"""How values are written where programs read them: the annotations of read models.

Owns the forms of ids, instants and counts in answers. Row classes and read models name them as
their members' types; the HTTP interface and its OpenAPI document (``api/web/shapes.py``) read them
there, so that no form is written down a second time. To a type checker each is its plain type.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from typing_extensions import override

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Written:
    """How a value looks in JSON.

    Attributes:
        schema: keywords of JSON Schema that hold for it beyond its type.
    """

    schema: dict[str, Any]

    @override
    def __hash__(self) -> int:
        """Annotations are compared and cached by Python's typing."""
        return hash(tuple(sorted((name, repr(value)) for name, value in self.schema.items())))


@dataclass(frozen=True, slots=True)
class ShownNull:
    """Says that a member without a value is shown as ``null``; others are left out."""


@dataclass(frozen=True, slots=True)
class Split:
    """Says that a text of words separated by spaces is shown as a list."""


Nullable = Annotated[T | None, ShownNull()]
"""A member that is shown as ``null`` where it has no value."""

Digest = Annotated[str, Written({"pattern": "^sha256:[0-9a-f]{64}$"})]
"""SHA-256 of bytes, by which statements, packages and exhibits are named."""

RecordId = Annotated[str, Written({"pattern": "^[0-9a-f]{32}$"})]
"""Id of a record that stays at this node."""

KeyId = Annotated[str, Written({"pattern": "^[A-Za-z0-9_-]{43}$"})]
"""Thumbprint of a key (RFC 7638)."""

Instant = Annotated[
    str,
    Written(
        {
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            "description": "RFC 3339, UTC, milliseconds.",
        }
    ),
]
"""An instant (RFC 3339) in UTC with milliseconds."""

Day = Annotated[str, Written({"pattern": r"^\d{4}-\d\d-\d\d$"})]
"""A calendar day (RFC 3339 full-date)."""

Count = Annotated[int, Written({"minimum": 0})]
"""How many there are, or a number in an order; never negative."""

Cursor = Annotated[str, Written({"description": "Send as `cursor` for the next page."})]
"""Where the next page of a list begins."""

Words = Annotated[str, Split()]
"""Words separated by spaces, as a column keeps them; a list wherever it is shown."""
