import json
from typing import Any

import pytest

from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.statements import (
    THREAD_TYPES,
    By,
    Content,
    Officer,
    Place,
    Seen,
    compose_payload,
    parse_statement,
    prepared_bytes,
)
from api.wire.types import NODE_TYPES, STATEMENT_TYPES
from tests.support.bodies import body
from tests.support.cases import numbered
from tests.support.signing import ANALYST, NOW, REVIEWER

THREAD = digest(b"opener")
BY = By(ANALYST.officer, REVIEWER.officer)


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


def place_of(type_: str) -> Place | None:
    if type_ not in THREAD_TYPES:
        return None
    if type_ == "mirror-request/1":
        return Place(1)
    return Place(2, digest(b"before"), Seen(4, digest(b"theirs")))


def composed(type_: str = "release/1", **changes: Any) -> bytes:
    later = type_ in THREAD_TYPES and type_ != "mirror-request/1"
    content = Content(
        type_,
        () if type_ == "evidence-package/1" else ("uk-fcdo",),
        body(type_),
        THREAD if later else None,
    )
    arguments: dict[str, Any] = {
        "issuer": "us-treasury",
        "issued_at": NOW,
        "nonce": bytes(range(16)),
        "by": None if type_ in NODE_TYPES else BY,
        "place": place_of(type_),
    }
    return compose_payload(content, **(arguments | changes))


def edited(payload: bytes, edit: Any) -> bytes:
    value = json.loads(payload)
    edit(value)
    return canonical(value)


@pytest.mark.parametrize("type_", sorted(STATEMENT_TYPES))
def test_every_type_is_composed_and_read_back(type_: str) -> None:
    payload = composed(type_)
    statement = parse_statement(payload)
    assert statement.id == digest(payload)
    assert statement.payload == payload
    assert statement.type == type_
    assert statement.issuer == "us-treasury"
    assert statement.issued_at == "2026-11-23T17:25:39.123Z"
    assert statement.nonce == "AAECAwQFBgcICQoLDA0ODw"
    assert statement.body == body(type_)
    assert statement.by == (None if type_ in NODE_TYPES else BY)
    if type_ in THREAD_TYPES:
        assert statement.thread_id == (THREAD if statement.thread else statement.id)
        place = place_of(type_)
        assert place is not None
        assert (statement.seq, statement.prev, statement.seen) == (
            place.seq,
            place.prev,
            place.seen,
        )
    else:
        assert (statement.seq, statement.thread_id) == (None, None)


def test_the_types_are_those_of_the_protocol() -> None:
    assert len(STATEMENT_TYPES) == 22
    assert len(THREAD_TYPES) == 9


def test_unknown_members_inside_the_body_survive() -> None:
    content = Content("release/1", ("uk-fcdo",), body("release/1") | {"x-note": {"a": [1, None]}})
    payload = compose_payload(
        content, issuer="us-treasury", issued_at=NOW, nonce=bytes(16), by=BY, place=None
    )
    assert parse_statement(payload).body["x-note"] == {"a": [1, None]}


def test_preparation_names_recipients_and_thread_and_nothing_born_later() -> None:
    statement = parse_statement(composed("mirror-question/1"))
    assert json.loads(statement.prepared) == {
        "comity": "1",
        "issuer": statement.issuer,
        "nonce": statement.nonce,
        "type": "mirror-question/1",
        "to": ["uk-fcdo"],
        "thread": THREAD,
        "body": body("mirror-question/1"),
    }
    package = parse_statement(composed("evidence-package/1"))
    assert set(json.loads(package.prepared)) == {"comity", "issuer", "nonce", "type", "body"}


@pytest.mark.parametrize(
    "changes",
    [
        {"to": ("b", "a")},
        {"to": ("a",)},
        {"thread": THREAD},
        {"type": "recall/1"},
        {"issuer": "uk-fcdo"},
        {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"body": {"x": 1}},
    ],
)
def test_a_preparers_signature_moves_nowhere(changes: dict[str, Any]) -> None:
    """Another ministry, draft, thread, recipient, type or body is other bytes."""
    first: dict[str, Any] = {"type": "release/1", "to": ("a", "b"), "body": {}, "thread": None}
    bound = {"issuer": "us-treasury", "nonce": "AAAAAAAAAAAAAAAAAAAAAQ"}
    other = {**first, **{name: one for name, one in changes.items() if name in first}}
    moved = {**bound, **{name: one for name, one in changes.items() if name in bound}}
    assert prepared_bytes(Content(**first), **bound) != prepared_bytes(Content(**other), **moved)


def test_the_addressees_first_statement_has_no_predecessor() -> None:
    place = Place(1, None, Seen(1, THREAD))
    statement = parse_statement(composed("mirror-acknowledgement/1", place=place))
    assert (statement.seq, statement.prev) == (1, None)


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(extra=1), "statement.members"),
            (lambda v: v.pop("nonce"), "statement.members"),
            (lambda v: v.pop("to"), "statement.members"),
            (lambda v: v.pop("by"), "statement.members"),
            (lambda v: v.update(thread=THREAD), "statement.members"),
            (lambda v: v.update(seq=1), "statement.members"),
            (lambda v: v.update(comity="2"), "statement.version"),
            (lambda v: v.update(comity=1), "statement.version"),
            (lambda v: v.pop("comity"), "statement.version"),
            (lambda v: v.update(type="release/2"), "statement.type"),
            (lambda v: v.update(type="release"), "statement.type"),
            (lambda v: v.update(type=["release/1"]), "statement.type"),
            (lambda v: v.update(issuer="US Treasury"), "statement.members"),
            (lambda v: v.update(issuer="us-treasury\u202e"), "statement.members"),
            (lambda v: v.update(issuer="us-tre\u0430sury"), "statement.members"),
            (lambda v: v.update(issued_at="2026-11-23T17:25:39Z"), "statement.members"),
            (lambda v: v.update(issued_at=5), "statement.members"),
            (lambda v: v.update(nonce="AAAA"), "statement.members"),
            (lambda v: v.update(nonce="AAECAwQFBgcICQoLDA0ODx"), "statement.members"),
            (lambda v: v.update(to=[]), "statement.members"),
            (lambda v: v.update(to="uk-fcdo"), "statement.members"),
            (lambda v: v.update(to=["uk-fcdo", "uk-fcdo"]), "statement.recipients"),
            (lambda v: v.update(to=["us-treasury"]), "statement.recipients"),
            (lambda v: v.update(to=["UK"]), "statement.recipients"),
            (lambda v: v.update(to=[7]), "statement.recipients"),
            (lambda v: v.update(body=[]), "statement.body"),
            (lambda v: v["body"].pop("recipient"), "statement.body"),
            (lambda v: v.update(by={}), "statement.by"),
            (lambda v: v["by"].update(witness={}), "statement.by"),
            (lambda v: v["by"]["prepared"].pop("sub"), "statement.by"),
            (lambda v: v["by"]["prepared"].pop("kid"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(form="recorded"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(form="none"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(kid="short"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(role="Analyst"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(iss=""), "statement.by"),
            (lambda v: v["by"]["prepared"].update(sub="a\nb"), "statement.by"),
            (lambda v: v["by"]["prepared"].update(sub=5), "statement.by"),
        ]
    ),
)
def test_refusals(edit: Any, code: str) -> None:
    with refused(code):
        parse_statement(edited(composed(), edit))


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.pop("seq"), "statement.members"),
            (lambda v: v.pop("thread"), "statement.members"),
            (lambda v: v.update(seq=0), "statement.members"),
            (lambda v: v.update(seq=True), "statement.members"),
            (lambda v: v.update(seq="2"), "statement.members"),
            (lambda v: v.update(seq=1), "statement.thread"),
            (lambda v: v.pop("prev"), "statement.thread"),
            (lambda v: v.update(prev="x"), "statement.members"),
            (lambda v: v.update(prev=None), "statement.members"),
            (lambda v: v.update(seen={}), "statement.thread"),
            (lambda v: v["seen"].update(seq=0), "statement.thread"),
            (lambda v: v["seen"].update(id="sha256:"), "statement.thread"),
        ]
    ),
)
def test_thread_refusals(edit: Any, code: str) -> None:
    with refused(code):
        parse_statement(edited(composed("mirror-question/1"), edit))


@pytest.mark.parametrize("name", ["thread", "prev", "seen"])
def test_an_opener_refers_to_nothing_before(name: str) -> None:
    with refused("statement.members"):
        parse_statement(edited(composed("mirror-request/1"), lambda v: v.update({name: THREAD})))


def test_an_opener_is_number_one() -> None:
    with refused("statement.thread"):
        parse_statement(edited(composed("mirror-request/1"), lambda v: v.update(seq=2)))


def test_a_package_names_no_recipients_and_is_signed_by_its_preparer() -> None:
    package = composed("evidence-package/1")
    with refused("statement.members"):
        parse_statement(edited(package, lambda v: v.update(to=["uk-fcdo"])))
    recorded = By(Officer(ANALYST.officer.iss, "a", "analyst", "recorded"))
    with refused("statement.by"):
        composed("evidence-package/1", by=recorded)


def test_a_disposition_is_the_nodes_own() -> None:
    with refused("statement.members"):
        composed("disposition/2", by=BY)


def test_the_payload_must_be_canonical_and_small_enough() -> None:
    payload = composed()
    with refused("json.not-canonical"):
        parse_statement(payload + b"\n")
    with refused("json.too-large"):
        parse_statement(b" " * (4 * 1024 * 1024 + 1))
    with refused("statement.version"):
        parse_statement(b"[]")
