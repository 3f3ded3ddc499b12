"""Statement bodies: one model per statement type and version.

Owns what a well-formed body is. Members that a model does not name are allowed (they survive,
because payload bytes are stored as they came); members that it names are checked strictly. A
published model never changes its meaning: what must change becomes the next version.

    validate_body("release/1", body)   # raises WireError "statement.body", or returns None
    json_schema("release/1")           # the JSON Schema committed under docs/protocol/
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import override

from api.wire.errors import WireError
from api.wire.types import STATEMENT_TYPES

_SUBJECT_OR_QUESTION = re.compile(r"[sq][1-9][0-9]{0,4}\Z")
_SENTENCES = {
    "missing": "this member is required",
    "string_pattern_mismatch": "this text is not of the required form or holds a control character",
    "string_too_long": "this text is too long",
    "string_too_short": "this text is empty",
    "too_long": "this list is too long",
    "too_short": "this list is too short",
    "greater_than_equal": "this number is too small",
    "less_than_equal": "this number is too large",
    "literal_error": "this is not one of the words allowed here",
    "model_type": "an object belongs here",
    "dict_type": "an object belongs here",
    "list_type": "a list belongs here",
    "string_type": "a text belongs here",
    "int_type": "a whole number belongs here",
    "bool_type": "true or false belongs here",
}


def validate_body(type_: str, body: object) -> None:
    """Check a statement's body against the model of its type and version.

    Args:
        type_: the statement type with its version, such as `release/1`.
        body: the decoded JSON value.

    Raises:
        WireError: `statement.type` for a type this protocol does not have; `statement.body` with
            a JSON pointer (RFC 6901) to the first fault. Values are never repeated.
    """
    known = STATEMENT_TYPES.get(type_)
    if known is None:
        raise WireError(
            "statement.type", "This statement type or version is not part of protocol 1."
        )
    model = known.body
    try:
        model.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise WireError("statement.body", _sentence(model, fault)) from None


def json_schema(type_: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one statement type's body.

    Raises:
        KeyError: if the type is not part of the protocol.
    """
    name, version = type_.split("/")
    schema = STATEMENT_TYPES[type_].body.model_json_schema(schema_generator=_AbsentRatherThanNull)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:comity:schema:{name}:{version}",
        **schema,
        "title": f"Body of {type_}",
    }


def _sentence(model: type[BaseModel], fault: Any) -> str:
    if fault["type"] == "value_error":
        cause = fault["ctx"]["error"]
        reason = cause.message if isinstance(cause, WireError) else str(cause)
    else:
        reason = _SENTENCES.get(fault["type"], "this value is not of the required kind")
    return f"At {_pointer(model, fault['loc'])}: {reason.rstrip('.')}."


def _pointer(model: type[BaseModel], loc: Sequence[int | str]) -> str:
    """JSON pointer to a fault; a member name that the sender chose is shown as `*`."""
    known = _member_names(model)
    parts = []
    for part in loc:
        if isinstance(part, int) or part in known or _SUBJECT_OR_QUESTION.match(part):
            parts.append(str(part))
        elif part != "[key]" and not part.endswith("]"):
            parts.append("*")
    return "/body" + "".join(f"/{part}" for part in parts)


@functools.cache
def _member_names(model: type[BaseModel]) -> frozenset[str]:
    names: set[str] = set()
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        names.update(part.get("properties", ()))
    return frozenset(names)


class _AbsentRatherThanNull(GenerateJsonSchema):
    """Says in the schema what the models do: an optional member is left out, never null."""

    @override
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])
