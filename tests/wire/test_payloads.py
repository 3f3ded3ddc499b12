import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.wire.bodies import json_schema, validate_body
from api.wire.errors import WireError
from api.wire.types import STATEMENT_TYPES
from tests.support.bodies import INSTANTS, MARKING, PERSON, body, digest
from tools.protocol.generate import HERE, differences

TYPES = sorted(STATEMENT_TYPES)


def refused(type_: str, value: object) -> str:
    with pytest.raises(WireError) as caught:
        validate_body(type_, value)
    assert caught.value.code == "statement.body"
    return caught.value.message


def test_one_type_has_a_second_version() -> None:
    assert [type_ for type_ in TYPES if not type_.endswith("/1")] == ["disposition/2"]


@pytest.mark.parametrize("type_", TYPES)
def test_a_well_formed_body_passes_the_model_and_the_schema(type_: str) -> None:
    validate_body(type_, body(type_))
    schema = json_schema(type_)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(body(type_), schema)


@pytest.mark.parametrize("type_", TYPES)
def test_unknown_members_are_allowed_at_every_level(type_: str) -> None:
    def widen(value: Any, *, keyed: bool = False) -> Any:
        if isinstance(value, dict):
            wider = {
                key: widen(item, keyed=key in ("designations", "regimes"))
                for key, item in value.items()
            }
            return wider if keyed else {**wider, "x-later": {"any": [1, "thing", None]}}
        return [widen(item) for item in value] if isinstance(value, list) else value

    widened = widen(body(type_))
    validate_body(type_, widened)
    jsonschema.validate(widened, json_schema(type_))
    assert STATEMENT_TYPES[type_].body.model_validate(widened).model_extra == {
        "x-later": {"any": [1, "thing", None]}
    }


@pytest.mark.parametrize("type_", TYPES)
def test_every_required_member_is_missed(type_: str) -> None:
    for name in json_schema(type_).get("required", []):
        shorter = body(type_)
        del shorter[name]
        assert f"/body/{name}:" in refused(type_, shorter)


@pytest.mark.parametrize("type_", TYPES)
def test_null_is_not_a_way_of_leaving_out(type_: str) -> None:
    for name in json_schema(type_)["properties"]:
        assert "null" in refused(type_, body(type_, **{name: None}))


@pytest.mark.parametrize("type_", TYPES)
def test_what_the_schema_refuses_the_model_refuses(type_: str) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(type_))
    for name in json_schema(type_)["properties"]:
        wrongs: tuple[object, ...] = (1.5, {"a": "b"}, "", [[]], -1)
        for wrong in wrongs:
            changed = body(type_, **{name: wrong})
            if not validator.is_valid(changed):
                refused(type_, changed)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("value", [None, [], "text", 1, True])
def test_a_body_is_an_object(type_: str, value: object) -> None:
    refused(type_, value)


@pytest.mark.parametrize("type_", ["release/2", "nothing/1", ""])
def test_an_unknown_type_has_its_own_code(type_: str) -> None:
    with pytest.raises(WireError) as caught:
        validate_body(type_, {})
    assert caught.value.code == "statement.type"


@pytest.mark.parametrize(
    "hidden", ["\u0000", "\u202e", "\u2066", "\u200f", "\u061c", "\n", "\u0085", "\ufeff", "\u200b"]
)
def test_names_and_titles_hold_no_controls(hidden: str) -> None:
    name = {"text": f"ZHU{hidden}Hailun"}
    subject = {**PERSON, "names": [name]}
    message = refused("evidence-package/1", body("evidence-package/1", subjects=[subject]))
    assert "/body/subjects/0/names/0/text" in message
    assert "/body/title" in refused(
        "evidence-package/1", body("evidence-package/1", title=f"a{hidden}b")
    )


def test_prose_has_lines_and_marks_but_no_override() -> None:
    validate_body("recall/1", body("recall/1", reason="one\ntwo\t\u200fthree"))
    for hidden in ("\u0000", "\u202e", "\u0007"):
        refused("recall/1", body("recall/1", reason=f"one{hidden}two"))


@pytest.mark.parametrize("label", ["../order.txt", "a/b", "a\\b", "a\u202eb", "a\u0000b", ""])
def test_exhibit_labels_are_no_paths(label: str) -> None:
    package = body("evidence-package/1")
    package["exhibits"][0]["label"] = label
    assert "/body/exhibits/0/label" in refused("evidence-package/1", package)


@pytest.mark.parametrize(
    "wrong",
    [
        digest("b1").upper(),
        digest("b1") + "\n",
        "sha256:" + "0" * 63,
        "sha512:" + "0" * 64,
        "0" * 64,
    ],
)
def test_digests_have_one_spelling(wrong: str) -> None:
    assert "/body/package" in refused("release/1", body("release/1", package=wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        "2027-02-30T17:00:00.000Z",
        "2027-01-31T17:00:00Z",
        "2027-01-31T17:00:00.000+00:00",
        "2027-01-31T24:00:00.000Z",
        "2027-01-31",
        "0000-01-31T17:00:00.000Z",
    ],
)
def test_instants_are_as_the_protocol_writes_them(wrong: str) -> None:
    assert "/body/respond_by" in refused(
        "mirror-request/1", body("mirror-request/1", respond_by=wrong)
    )


@pytest.mark.parametrize("value", ["1955", "1955-11", "1955-11-03"])
def test_partial_dates_are_as_precise_as_their_source(value: str) -> None:
    subject = {**PERSON, "birth_dates": [{"value": value}]}
    validate_body("evidence-package/1", body("evidence-package/1", subjects=[subject]))


@pytest.mark.parametrize("value", ["1955-13", "1955-02-30", "55", "1955-1", "1955-11-03T00:00"])
def test_impossible_dates_are_refused(value: str) -> None:
    subject = {**PERSON, "birth_dates": [{"value": value}]}
    refused("evidence-package/1", body("evidence-package/1", subjects=[subject]))


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("evidence-package/1", {"subjects": [PERSON, PERSON]}),
        ("mirror-request/1", {"subjects": [PERSON, PERSON]}),
        ("mirror-request/1", {"designations": {"s2": digest("d1")}}),
        ("mirror-request/1", {"regimes": {"s2": "UK-GHR"}}),
        ("mirror-amendment/1", {"add": [PERSON], "remove": ["s1"]}),
        ("mirror-amendment/1", {"remove": ["s1", "s1"]}),
        ("mirror-amendment/1", {"designations": {"s1": digest("d1")}}),
        ("mirror-finding/1", {"until": "2027-01-31T17:00:00.000Z"}),
        ("mirror-finding/1", {"duplicate_of": {"thread": digest("1"), "key": "s1"}}),
        ("mirror-finding/1", {"finding": "duplicate-of"}),
        ("mirror-finding/1", {"relies_on": [digest("1"), digest("1")]}),
        ("release/1", {"originator": "us-treasury"}),
        ("release/1", {"consent": digest("1")}),
        ("recall/1", {"replaced_by": digest("b1")}),
        ("disposition/2", {"outcomes": [{"statement": digest("1"), "outcome": "refused"}]}),
        ("disposition/2", {"outcomes": [{"statement": digest("1"), "outcome": "applied"}] * 2}),
        ("designation-amendment/1", {"changes": {}}),
    ],
)
def test_members_must_agree_with_each_other(type_: str, changes: dict[str, Any]) -> None:
    validate_body(type_, body(type_))
    refused(type_, body(type_, **changes))


def test_a_mirror_without_regime_an_empty_amendment_and_a_bare_refusal_are_incomplete() -> None:
    for type_, name in (
        ("mirror-finding/1", "regime"),
        ("mirror-amendment/1", "respond_by"),
        ("disposition/2", "outcomes"),
    ):
        shorter = body(type_)
        del shorter[name]
        refused(type_, shorter)


def test_package_references_must_lead_somewhere() -> None:
    for path, wrong in (("subject", "s9"), ("exhibits", ["other.txt"])):
        package = body("evidence-package/1")
        package["claims"][0][path] = wrong
        refused("evidence-package/1", package)
    package = body("evidence-package/1")
    package["exhibits"][1]["digest"] = package["exhibits"][0]["digest"]
    refused("evidence-package/1", package)
    for wrong in ("order-en.txt", "other.txt"):
        package = body("evidence-package/1")
        package["exhibits"][1]["translation_of"] = wrong
        refused("evidence-package/1", package)


@pytest.mark.parametrize("type_", ["mirror-request/1", "mirror-finding/1", "designation/1"])
def test_internal_reasons_cannot_cross_a_border(type_: str) -> None:
    leaking = body(type_, reasons={"releasable": "public", "internal": "secret minute"})
    message = refused(type_, leaking)
    assert "internal reasons never leave" in message
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(leaking, json_schema(type_))


@pytest.mark.parametrize(
    ("type_", "changes"),
    [
        ("evidence-package/1", {"compelled": 1}),
        ("release/1", {"marking": {**MARKING, "tlp": "amber"}}),
        ("release/1", {"marking": {**MARKING, "originator_control": "true"}}),
        ("release/1", {"recipient": "UK FCDO"}),
        ("designation/1", {"jurisdiction": "Canada"}),
        ("designation/1", {"instants": {"announced": INSTANTS["announced"]}}),
        ("designation/1", {"measures": []}),
        ("mirror-request/1", {"subjects": []}),
    ],
)
def test_wrong_kinds_of_value(type_: str, changes: dict[str, Any]) -> None:
    refused(type_, body(type_, **changes))


def test_sizes_are_bounded() -> None:
    package = body("evidence-package/1")
    for wrong in (-1, 2**53, 1.0, True, "1"):
        package["exhibits"][0]["size"] = wrong
        assert "/body/exhibits/0/size" in refused("evidence-package/1", package)
    subjects = [{**PERSON, "key": f"s{number}"} for number in range(1, 502)]
    assert "too long" in refused("mirror-request/1", body("mirror-request/1", subjects=subjects))


LEAK = "LEAKED-VALUE"
leaking_values = st.recursive(
    st.sampled_from([LEAK, LEAK + "\u0000", f"sha256:{LEAK}"]) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([LEAK, "at", "key", "s1"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(type_=st.sampled_from(TYPES), data=st.data())
def test_refusals_never_repeat_what_they_refuse(type_: str, data: st.DataObject) -> None:
    value = body(type_)
    name = data.draw(st.sampled_from(sorted(json_schema(type_)["properties"])))
    value[name] = data.draw(leaking_values)
    refusal = ""
    try:
        validate_body(type_, value)
    except WireError as error:
        refusal = f"{error} {error.message} {error!r}"
    assert LEAK not in refusal


def test_committed_schemas_are_those_of_the_models() -> None:
    assert differences(HERE) == []


def test_a_stale_schema_is_noticed(tmp_path: Any) -> None:
    stale = tmp_path / "release-1.schema.json"
    stale.write_text(json.dumps(json_schema("release/1")), "utf-8")
    (tmp_path / "gone-1.schema.json").write_text("{}", "utf-8")
    assert {"release-1.schema.json", "gone-1.schema.json"} <= set(differences(tmp_path))
