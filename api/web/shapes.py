"""The JSON form of a read model: how it is written, and the JSON Schema that says so.

Owns the one rule by which a type becomes JSON, used twice: to write an answer, and to describe it
in the OpenAPI document. A frozen dataclass is an object of its members by their names; one that is
``None`` is left out unless its type is ``Nullable``; ``tag`` goes into the ETag and ``place`` into
a cursor. Each dataclass is a component of the document under its name, with the sentences of its
docstring. pydantic is not used for this: it has no form in which members without a value are left
out while bodies that were signed keep their nulls (decision record 0068).
"""

import dataclasses
import datetime as dt
import functools
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from api.domain.notation import ShownNull, Split, Written

Schema = dict[str, Any]
Writer = Callable[[Any], Any]

_UNSHOWN: Final = frozenset({"tag", "place"})
_PLAIN: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}
_LISTS: Final = frozenset({list, Sequence, tuple, Iterable})
_SETS: Final = frozenset({AbstractSet, frozenset, set})
_NAMED: Final = re.compile(r"^ {4}(?P<name>\w+): (?P<text>.+(?:\n {5,}.+)*)", re.MULTILINE)
_SUFFIX: Final = re.compile(r"(?<=.)(View|Row)$")


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What becomes of values of one type.

    Attributes:
        schema: their JSON Schema; other dataclasses are referred to as components.
        write: makes the JSON value of one; ``None`` where it is JSON already.
        parts: dataclasses that the schema refers to.
    """

    schema: Schema
    write: Writer | None = None
    parts: tuple[type, ...] = ()


def document(value: Any) -> Any:
    """Return the JSON value of a read model, or of anything that may stand in one."""
    if _is_view(value) and not hasattr(value, "to_json"):
        form: Any = type(value)
        return _writer(form)(value)
    return plain(value)


def _is_view(value: Any) -> bool:
    return dataclasses.is_dataclass(value)


def plain(value: Any) -> Any:
    """Return the JSON value of what is typed as ``Any``; also what ``json.dumps`` asks for.

    Raises:
        TypeError: for bytes and for what has no form in JSON.
    """
    if hasattr(value, "to_json"):
        return value.to_json()
    if _is_view(value):
        form: Any = type(value)
        return _writer(form)(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return sorted(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | list | tuple):
        return value
    message = f"{type(value).__name__} has no form in JSON"
    raise TypeError(message)


def component_name(form: type) -> str:
    """Return the name of a dataclass among the document's components."""
    return _SUFFIX.sub("", form.__name__)


def components(forms: Iterable[Any]) -> dict[str, Schema]:
    """Return the schema of every dataclass that these types lead to, by its component's name.

    Raises:
        ValueError: two of them have the same name.
    """
    found: dict[str, type] = {}
    waiting = [part for form in forms for part in shape_of(form).parts]
    while waiting:
        form = waiting.pop()
        name = component_name(form)
        if found.setdefault(name, form) is not form:
            message = f"two types are called {name}: {found[name]!r} and {form!r}"
            raise ValueError(message)
        waiting += [part for part in object_shape(form).parts if component_name(part) not in found]
    return {name: object_shape(found[name]).schema for name in sorted(found)}


@functools.cache
def shape_of(form: Any) -> Shape:
    """Return the shape of a type.

    Raises:
        TypeError: a type that has no form in JSON, such as ``bytes``.
    """
    if form in _PLAIN:
        return Shape(_PLAIN[form])
    made = _generic_shape(get_origin(form), get_args(form))
    if made is not None:
        return made
    if dataclasses.is_dataclass(get_origin(form)):
        return object_shape(form)
    return _class_shape(form)


def _generic_shape(origin: Any, arguments: tuple[Any, ...]) -> Shape | None:
    """Return the shape of one of Python's own generic types; ``None`` for another type."""
    made: Shape | None = None
    if origin is Annotated:
        made = _marked_shape(shape_of(arguments[0]), arguments[1:])
    elif origin is Literal:
        made = Shape({"type": "string", "enum": list(arguments)})
    elif origin in {Union, types.UnionType}:
        made = _union_shape(arguments)
    elif origin in _LISTS or origin in _SETS:
        made = _array_shape(shape_of(arguments[0]), list if origin in _LISTS else sorted)
    elif origin in {dict, Mapping}:
        made = _mapping_shape(shape_of(arguments[1]))
    return made


def _class_shape(form: Any) -> Shape:
    if is_typeddict(form):
        return _typed_dict_shape(form)
    if not isinstance(form, type):
        message = f"{form!r} has no form in JSON"
        raise TypeError(message)
    if issubclass(form, Enum):
        return Shape({"type": "string", "enum": [one.value for one in form]})
    if issubclass(form, dt.date):
        pattern = {"type": "string", "format": "date"}
        return Shape(pattern, lambda value: value.isoformat())
    if hasattr(form, "to_json"):
        return Shape({"type": "object", **_first_paragraph(form)}, lambda value: value.to_json())
    if dataclasses.is_dataclass(form):
        reference = {"$ref": f"#/components/schemas/{component_name(form)}"}
        return Shape(reference, _writer(form), (form,))
    message = f"{form.__name__} has no form in JSON"
    raise TypeError(message)


def _marked_shape(shape: Shape, marks: tuple[Any, ...]) -> Shape:
    for mark in marks:
        if isinstance(mark, Written):
            shape = dataclasses.replace(shape, schema={**shape.schema, **mark.schema})
        if isinstance(mark, Split):
            schema = {"type": "array", "items": {"type": "string"}}
            shape = Shape(schema, lambda text: text.split())
    return shape


def _union_shape(forms: tuple[Any, ...]) -> Shape:
    """Return the shape of a union; only one of its types may need writing."""
    shapes = [shape_of(one) for one in forms]
    schemas = [one.schema for one in shapes]
    writers = [one.write for one in shapes if one.write is not None]
    parts = tuple(part for one in shapes for part in one.parts)
    if not writers:
        return Shape({"anyOf": schemas}, None, parts)
    if len(writers) > 1:
        return Shape({"anyOf": schemas}, document, parts)
    write = writers[0]
    return Shape({"anyOf": schemas}, lambda value: None if value is None else write(value), parts)


def _array_shape(item: Shape, arrange: Callable[[Any], list[Any]]) -> Shape:
    each = item.write or (lambda value: value)

    def write(values: Any) -> list[Any]:
        return arrange([each(value) for value in values])

    return Shape({"type": "array", "items": item.schema}, write, item.parts)


def _mapping_shape(value: Shape) -> Shape:
    schema: Schema = {"type": "object"}
    if value.schema:
        schema["additionalProperties"] = value.schema
    each = value.write
    if each is None:
        return Shape(schema, dict, value.parts)
    write_each: Writer = each
    return Shape(
        schema, lambda mapping: {k: write_each(v) for k, v in mapping.items()}, value.parts
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Member:
    """One member of an object: its name, its shape, and whether it may be left out."""

    name: str
    shape: Shape
    optional: bool


@functools.cache
def _shown_members(form: Any) -> tuple[_Member, ...]:
    """Return the members that an object of a dataclass shows, in their order."""
    origin = get_origin(form) or form
    hints = get_type_hints(origin, include_extras=True)
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(form), strict=False))
    return tuple(
        _member(field.name, _filled(hints[field.name], given))
        for field in dataclasses.fields(origin)
        if field.name not in _UNSHOWN
    )


def _filled(hint: Any, given: Mapping[Any, Any]) -> Any:
    """Return a hint with its type variables replaced."""
    if isinstance(hint, TypeVar):
        return given.get(hint, Any)
    wanted = getattr(hint, "__parameters__", ())
    return hint[tuple(given.get(one, Any) for one in wanted)] if wanted else hint


def _member(name: str, hint: Any) -> _Member:
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        marks = tuple(rest)
    kept = any(isinstance(mark, ShownNull) for mark in marks)
    alternatives = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else ()
    optional = type(None) in alternatives and not kept
    if optional:
        others = tuple(one for one in alternatives if one is not type(None))
        hint = others[0] if len(others) == 1 else Union[others]  # noqa: UP007 - made at run time
    return _Member(name, _marked_shape(shape_of(hint), marks), optional)


@functools.cache
def object_shape(form: Any) -> Shape:
    """Return the shape of a dataclass with its members spelt out."""
    members = _shown_members(form)
    origin = get_origin(form) or form
    told = _attributes_told(origin)
    schema: Schema = {
        "type": "object",
        **_first_paragraph(origin),
        "required": sorted(one.name for one in members if not one.optional),
        "properties": {
            one.name: _with_description(one.shape.schema, told.get(one.name)) for one in members
        },
    }
    parts = tuple(part for one in members for part in one.shape.parts)
    return Shape(schema, _writer(form), parts)


@functools.cache
def _writer(form: Any) -> Writer:
    """Return what writes values of a dataclass; its members are looked up on first use."""
    plan: list[tuple[str, Writer | None, bool]] = []

    def write(value: Any) -> dict[str, Any]:
        if not plan:
            plan.extend((one.name, one.shape.write, one.optional) for one in _shown_members(form))
        made: dict[str, Any] = {}
        for name, part, optional in plan:
            held = getattr(value, name)
            if held is None and optional:
                continue
            made[name] = held if part is None or held is None else part(held)
        return made

    return write


def _typed_dict_shape(form: Any) -> Shape:
    """Return the shape of a TypedDict, which is JSON already."""
    hints = get_type_hints(form, include_extras=True)
    shapes = {name: shape_of(_bare(hint)) for name, hint in hints.items()}
    schema = {
        "type": "object",
        **_first_paragraph(form),
        "required": sorted(form.__required_keys__),
        "properties": {name: shape.schema for name, shape in shapes.items()},
    }
    parts = tuple(part for shape in shapes.values() for part in shape.parts)

    def write(value: Any) -> dict[str, Any]:
        return {
            name: held if (part := shapes[name].write) is None or held is None else part(held)
            for name, held in value.items()
        }

    return Shape(schema, write, parts)


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in {NotRequired, Required} else hint


def _first_paragraph(form: type) -> Schema:
    """Return the first paragraph of a class's docstring, as a description."""
    text = (vars(form).get("__doc__") or "").strip().partition("\n\n")[0]
    return {"description": _clean(text)} if text else {}


def _attributes_told(form: type) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say of each member."""
    told: dict[str, str] = {}
    for base in reversed(form.__mro__):
        _, _, attributes = (base.__doc__ or "").partition("Attributes:\n")
        lines = re.sub(r"^ {4}(?= )", "", attributes, flags=re.MULTILINE)
        told |= {one["name"]: _clean(one["text"]) for one in _NAMED.finditer(lines)}
    return told


def _clean(text: str) -> str:
    words = " ".join(text.split()).replace("``", "`")
    words = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", words)
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _with_description(schema: Schema, text: str | None) -> Schema:
    return schema if text is None or "$ref" in schema else {**schema, "description": text}
