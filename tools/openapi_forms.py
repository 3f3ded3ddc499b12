"""Small words for JSON Schemas, used by the tables of answers.

In an object a member whose name ends in ``?`` is optional. A form names what a client may rely on:
answers may hold more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Schema = dict[str, Any]

_DIGEST_PATTERN: Final = "^sha256:[0-9a-f]{64}$"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal.

    Attributes:
        description: what it is.
        schema: JSON Schema of its body; empty if it is no JSON.
        headers: name and meaning of the headers a client uses.
        statuses: the statuses that carry it.
    """

    description: str
    schema: Schema = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ("200", "201")


def object_of(members: Mapping[str, Schema], description: str = "") -> Schema:
    """An object with these members."""
    schema: Schema = {
        "type": "object",
        "required": sorted(name for name in members if not name.endswith("?")),
        "properties": {name.removesuffix("?"): form for name, form in members.items()},
    }
    return {**schema, "description": description} if description else schema


def list_of(form: Schema) -> Schema:
    """A list of entries of one form."""
    return {"type": "array", "items": form}


def map_of(form: Schema) -> Schema:
    """An object with any names and values of one form."""
    return {"type": "object", "additionalProperties": form}


def or_null(form: Schema) -> Schema:
    """The form, or null."""
    return {"anyOf": [form, {"type": "null"}]}


def one_of(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def named(name: str) -> Schema:
    """A schema that stands once among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(form: Schema) -> Schema:
    """One page of a list, with the cursor of the next."""
    return object_of({"items": list_of(form), "next?": CURSOR})


TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
INTEGER: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
FLAG: Final[Schema] = {"type": "boolean"}
ANY_OBJECT: Final[Schema] = {"type": "object"}
DIGEST: Final[Schema] = {"type": "string", "pattern": _DIGEST_PATTERN}
RECORD: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
KID: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
INSTANT: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "RFC 3339, UTC, milliseconds.",
}
DAY: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
CURSOR: Final[Schema] = {"type": "string", "description": "Send as `cursor` for the next page."}
