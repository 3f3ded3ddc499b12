"""How read models become JSON, and that their schemas say the same: for every answer there is."""

import dataclasses
import datetime as dt
import json
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, StrEnum
from typing import (
    Annotated,
    Any,
    Literal,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.domain.notation import Count, Digest, Instant, Nullable, Words
from api.web import answers, shapes
from api.web.answers import Answer, Created, Declared, Page
from tools import openapi


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


LostRange = TypedDict("LostRange", {"from": Count, "to": Count})


class Opaque:
    """What another document describes."""

    def to_json(self) -> dict[str, Any]:
        return {"made": "elsewhere"}


@dataclasses.dataclass(frozen=True, slots=True)
class PartView:
    """A part.

    Attributes:
        id: names it.
        size: bytes of it; a second line
            that goes on.
    """

    id: Digest
    size: Count | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class WholeView(PartView):
    """A whole with everything that may stand in one.

    More is said here, which a reader of the reference does not need.

    Attributes:
        parts: by :func:`name`, as ``code``.
    """

    parts: tuple[PartView, ...] = ()
    colours: frozenset[Colour] = frozenset()
    by_name: Mapping[str, PartView | None] = dataclasses.field(default_factory=dict)
    words: Words = ""
    seen: Nullable[Instant] = None
    day: dt.date | None = None
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    opaque: Opaque | None = None
    lost: tuple[LostRange, ...] = ()
    tag: str = "a tag"


def test_what_is_none_is_left_out_but_for_nulls_that_are_meant() -> None:
    part = PartView("sha256:" + "0" * 64)
    assert shapes.document(part) == {"id": part.id}
    whole = WholeView(
        part.id,
        3,
        (part,),
        frozenset({Colour.RED, Colour.BLUE}),
        {"a": part, "b": None},
        "two words",
        None,
        dt.date(2026, 1, 2),
        {"signed": None},
        Opaque(),
        ({"from": 1, "to": 2},),
    )
    assert shapes.document(whole) == {
        "id": part.id,
        "size": 3,
        "parts": [{"id": part.id}],
        "colours": ["blue", "red"],
        "by_name": {"a": {"id": part.id}, "b": None},
        "words": ["two", "words"],
        "seen": None,
        "day": "2026-01-02",
        "body": {"signed": None},
        "opaque": {"made": "elsewhere"},
        "lost": [{"from": 1, "to": 2}],
    }


def test_a_schema_says_what_a_docstring_says() -> None:
    found = shapes.components([WholeView])
    assert sorted(found) == ["Part", "Whole"]
    whole, part = found["Whole"], found["Part"]
    assert whole["description"] == "A whole with everything that may stand in one."
    assert whole["properties"]["parts"]["description"] == "By `name`, as `code`."
    assert whole["properties"]["size"]["description"] == "Bytes of it; a second line that goes on."
    assert whole["properties"]["parts"]["items"] == {"$ref": "#/components/schemas/Part"}
    assert part["required"] == ["id"]
    assert "seen" in whole["required"]
    assert "tag" not in whole["properties"]


def test_two_types_of_one_name_are_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class PartRow:
        """Another part."""

        id: str

    with pytest.raises(ValueError, match="two types are called Part"):
        shapes.components([PartView, PartRow])


@pytest.mark.parametrize(
    "form", [bytes, memoryview, complex, tuple[bytes, ...], list[Colour | bytes]]
)
def test_what_has_no_form_in_json_is_refused(form: Any) -> None:
    with pytest.raises(TypeError, match="has no form in JSON"):
        shapes.shape_of(form)
    with pytest.raises(TypeError, match="has no form in JSON"):
        shapes.plain(b"bytes")


def test_an_answer_has_the_headers_that_it_is_documented_with() -> None:
    made = Created(WholeView("sha256:" + "1" * 64), "/there")
    assert made.status_code == 201
    assert made.headers["etag"] == '"a tag"'
    assert made.headers["location"] == "/there"
    assert made.headers["cache-control"] == "no-store"
    assert set(Declared(WholeView, placed=True).headers) == {"ETag", "Location"}
    assert Declared(PartView, placed=False).headers == {}
    assert "etag" not in Answer(PartView("sha256:" + "1" * 64)).headers


def test_a_page_tells_where_the_next_one_begins() -> None:
    last = answers.page([PartView("a")])
    assert json.loads(last.body) == {"items": [{"id": "a"}]}
    assert "link" not in last.headers
    more = answers.page([PartView("a")], "there")
    assert json.loads(more.body)["next"] == "there"
    assert more.headers["link"] == '<?cursor=there>; rel="next"'


def test_routes_declare_what_they_answer_with() -> None:
    def page() -> Answer[Page[PartView]]:
        raise NotImplementedError

    def made() -> Created[PartView]:
        raise NotImplementedError

    def plain() -> str:
        raise NotImplementedError

    assert answers.declared_answer(page) == Declared(Page[PartView], placed=False)
    assert answers.declared_answer(made) == Declared(PartView, placed=True)
    assert answers.declared_answer(plain) is None


def listed(arguments: Any) -> st.SearchStrategy[Any]:
    return st.lists(values(arguments[0]), max_size=2).map(tuple)


def distinct(arguments: Any) -> st.SearchStrategy[Any]:
    return st.frozensets(values(arguments[0]), max_size=2)


def either(arguments: Any) -> st.SearchStrategy[Any]:
    return st.one_of([values(one) for one in arguments])


def mapped(arguments: Any) -> st.SearchStrategy[Any]:
    return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)


def marked(arguments: Any) -> st.SearchStrategy[Any]:
    words = [mark.schema["enum"] for mark in arguments[1:] if "enum" in getattr(mark, "schema", {})]
    return st.sampled_from(words[0]) if words else values(arguments[0])


def paged(arguments: Any) -> st.SearchStrategy[Any]:
    return st.builds(Page, listed(arguments), st.none() | st.text(max_size=3))


GENERIC = {
    Annotated: marked,
    Union: either,
    types.UnionType: either,
    Literal: st.sampled_from,
    list: listed,
    tuple: listed,
    Sequence: listed,
    frozenset: distinct,
    AbstractSet: distinct,
    dict: mapped,
    Mapping: mapped,
    Page: paged,
}


def values(form: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation; a text may be any, whatever pattern it is to have."""
    make = GENERIC.get(get_origin(form))
    return made_of(form) if make is None else make(get_args(form))


def made_of(form: Any) -> st.SearchStrategy[Any]:
    """Values of what is no generic type."""
    plain = {
        str: st.text(max_size=3),
        int: st.integers(0, 9),
        float: st.floats(0, 1),
        bool: st.booleans(),
        type(None): st.none(),
        Any: st.sampled_from([None, {"signed": None}, [1]]),
        dt.date: st.dates(),
    }
    if form in plain:
        return plain[form]
    if is_typeddict(form):
        hints = get_type_hints(form, include_extras=True)
        return st.fixed_dictionaries({name: values(hint) for name, hint in hints.items()})
    if issubclass(form, Enum):
        return st.sampled_from(list(form))
    if hasattr(form, "to_json"):
        return st.just(Opaque())
    hints = get_type_hints(form, include_extras=True)
    return st.builds(
        form, **{one.name: values(hints[one.name]) for one in dataclasses.fields(form)}
    )


def without_patterns(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: without_patterns(part) for name, part in schema.items() if name != "pattern"}
    return [without_patterns(one) for one in schema] if isinstance(schema, list) else schema


DECLARED = openapi.declared_answers()


def test_every_answer_has_a_type() -> None:
    """Whatever answers with JSON of its own declares it; what is left carries bytes or nothing."""
    contract = openapi.document()
    bare = {
        one["operationId"]
        for one in openapi.operations(contract)
        for status, said in one["responses"].items()
        if status.startswith("2")
        and "application/json" in said.get("content", {})
        and one["operationId"] not in DECLARED
    }
    assert bare == {
        "deliver_message",
        "read_held_head",
        "read_misbehaviour",
        "read_openapi",
        "read_own_message",
        "read_own_stream",
    }


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_whatever_a_type_can_hold_is_written_as_its_schema_says(name: str) -> None:
    form = DECLARED[name].form
    schema = shapes.shape_of(form).schema
    components = {"schemas": shapes.components([form])}
    checker = Draft202012Validator(without_patterns({**schema, "components": components}))

    @settings(max_examples=15, database=None, deadline=None, derandomize=True)
    @given(values(form))
    def check(view: Any) -> None:
        checker.validate(json.loads(json.dumps(shapes.document(view), default=shapes.plain)))

    check()
