import dataclasses
import json
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from api.wire import limits
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.envelope import MESSAGE, verify_seal
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.leaf import LeafOpening
from api.wire.message_bodies import (
    Carried,
    Cosignature,
    EpochChange,
    ExhibitRange,
    Fetch,
    Item,
    Receipt,
    items_body,
    parse_items,
    spliced_items,
)
from api.wire.messages import (
    DATED,
    NUMBERED,
    ConsistencyPath,
    Evidence,
    InclusionPath,
    MessageBody,
    MessageKind,
    compose_message,
    compose_request,
    embed,
    extract,
    parse_message,
    parse_message_body,
    parse_request,
)
from api.wire.statements import Content
from tests.support.bodies import body
from tests.support.cases import numbered
from tests.support.signing import ANALYST, REVIEWER, US

BEFORE = digest(b"before")
NODE = bytes(range(32))
LINE = "\u2014 uk-fcdo.example/log/witness AAAA"
STORED = "2026-11-23T17:25:39.123Z"


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


@pytest.fixture(scope="module")
def item() -> Item:
    """A release that brings its package."""
    package = US.statement(Content("evidence-package/1", (), body("evidence-package/1")), ANALYST)
    release = US.statement(Content("release/1", ("uk-fcdo",), body("release/1")), ANALYST, REVIEWER)
    opening = LeafOpening(NODE, NODE[::-1])
    return Item(release, 7, opening, (Carried(package, 3, opening),))


def message(kind: MessageKind = MessageKind.DELIVER, **changes: Any) -> MessageBody:
    made = MessageBody(
        from_="us-treasury",
        to="uk-fcdo",
        id="0d9d4c0e-7f5a-4c59-8d0e-1f2f3a4b5c6d",
        kind=kind,
        epoch=1,
        seq=2 if kind in NUMBERED else None,
        prev=BEFORE if kind in NUMBERED else None,
        body={},
        substantive_size=12,
        issued_at="2026-11-23T12:00:00.000Z" if kind in DATED else None,
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_kind_is_composed_and_read_back(kind: MessageKind) -> None:
    made = message(kind, body={"any": ["thing"]})
    assert parse_message_body(compose_message(made)) == made


def test_the_first_of_an_epoch_has_no_predecessor() -> None:
    first = message(seq=1, prev=None)
    assert parse_message_body(compose_message(first)) == first


def test_members_are_those_of_the_protocol() -> None:
    assert set(json.loads(compose_message(message()))) == {
        "comity", "from", "to", "id", "kind", "epoch", "seq", "prev", "body", "substantive_size"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(comity="2"), "message.malformed"),
            (lambda v: v.update(extra=1), "message.malformed"),
            (lambda v: v.pop("substantive_size"), "message.malformed"),
            (lambda v: v.update({"from": "US"}), "message.malformed"),
            (lambda v: v.update(to="us-treasury"), "message.malformed"),
            (lambda v: v.update(id="a b"), "message.malformed"),
            (lambda v: v.update(id="../1"), "message.malformed"),
            (lambda v: v.update(epoch=0), "message.malformed"),
            (lambda v: v.update(epoch=1.5), "message.malformed"),
            (lambda v: v.update(seq=0), "message.malformed"),
            (lambda v: v.pop("seq"), "message.malformed"),
            (lambda v: v.update(body=[]), "message.malformed"),
            (lambda v: v.update(substantive_size=-1), "message.malformed"),
            (lambda v: v.pop("prev"), "message.sequence"),
            (lambda v: v.update(seq=1), "message.sequence"),
            (lambda v: v.update(prev="x"), "message.malformed"),
            (lambda v: v.update(kind="pull"), "message.kind"),
            (lambda v: v.update(kind=None), "message.kind"),
            (lambda v: v.update(kind="fetch"), "message.malformed"),
            (lambda v: v.update(issued_at="2026-11-23T12:00:00.000Z"), "message.malformed"),
        ]
    ),
)
def test_refusals(edit: Any, code: str) -> None:
    value = json.loads(compose_message(message()))
    edit(value)
    with refused(code):
        parse_message_body(canonical(value))


def test_composing_refuses_what_reading_would() -> None:
    with refused("message.sequence"):
        compose_message(message(prev=None))
    with refused("message.kind"):
        parse_message_body(b"[]")


def test_a_message_is_sealed_with_the_message_keys() -> None:
    raw = US.seal_message(message())
    envelope, read = parse_message(raw)
    verify_seal(envelope, US.records_for(Purpose.MESSAGE), MESSAGE)
    assert read == message()
    with refused("key.unknown"):
        verify_seal(envelope, US.records_for(Purpose.SEAL), MESSAGE)


def test_embedded_envelopes_come_out_byte_for_byte(item: Item) -> None:
    """Enforces docs/decisions/0002-message-embedding.md."""
    assert extract(embed(item.envelope)) == item.envelope
    raw = US.seal_message(message(body=items_body([item])))
    evidence = Evidence(
        "origin\n8\nroot\n\n\u2014 origin sig\n",
        (InclusionPath(7, (NODE, NODE)),),
        ConsistencyPath(5, (NODE,)),
    )
    request = compose_request(raw, evidence)
    assert raw in request
    received, same = parse_request(request)
    assert received == raw
    assert same == evidence
    assert parse_items(parse_message(received)[1].body) == (item,)
    assert item.envelope in parse_message(received)[0].payload


def test_what_is_spliced_is_what_would_be_written(item: Item) -> None:
    """Enforces docs/decisions/0002-message-embedding.md."""
    bare = Item(item.envelope, 0, item.opening)
    for items in ([item], [bare, item, bare]):
        assert spliced_items(items) == canonical(items_body(items))
        whole = compose_message(message(body=items_body(items)))
        assert compose_message(message(body={}), spliced_items(items)) == whole


def test_evidence_may_be_empty() -> None:
    raw = US.seal_message(message(MessageKind.CHECKPOINT))
    assert parse_request(compose_request(raw, Evidence("x"))) == (raw, Evidence("x"))


@given(st.data())
def test_no_spelling_of_a_request_changes_the_message_in_it(data: st.DataObject) -> None:
    raw = US.seal_message(message())
    request = compose_request(raw, Evidence("x"))
    position = data.draw(st.sampled_from([i for i, b in enumerate(request) if b in b'{}[],:"']))
    space = data.draw(st.sampled_from([b" ", b"\n", b"\t"]))
    try:
        received, _ = parse_request(request[:position] + space + request[position:])
        parse_message(received)
    except WireError as refusal:
        event(refusal.code)
    else:
        assert received == raw


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(extra=1), "message.request"),
            (lambda v: v.pop("evidence"), "message.request"),
            (lambda v: v["evidence"].pop("consistency"), "message.request"),
            (lambda v: v["evidence"].update(checkpoint=""), "message.request"),
            (lambda v: v["evidence"].update(checkpoint="x" * 70_000), "message.request"),
            (lambda v: v["evidence"].update(inclusion={}), "message.request"),
            (lambda v: v["evidence"].update(inclusion=[{"index": 1}]), "message.request"),
            (
                lambda v: v["evidence"].update(inclusion=[{"index": -1, "path": []}]),
                "message.request",
            ),
            (
                lambda v: v["evidence"].update(inclusion=[{"index": 1, "path": ["AB" * 32]}]),
                "message.request",
            ),
            (
                lambda v: v["evidence"].update(inclusion=[{"index": 1, "path": ["00" * 32] * 65}]),
                "message.request",
            ),
            (
                lambda v: v["evidence"].update(consistency={"from": 0, "path": []}),
                "message.request",
            ),
        ]
    ),
)
def test_request_refusals(edit: Any, code: str) -> None:
    value = json.loads(compose_request(US.seal_message(message()), Evidence("x")))
    edit(value)
    with refused(code):
        parse_request(canonical(value))


def test_the_message_limit() -> None:
    assert limits.MESSAGE == 16 * 1024 * 1024
    with refused("json.too-large"):
        parse_request(b" " * (limits.MESSAGE + 1))


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.update(items=[]), "message.items"),
            (lambda v: v.update(items=v["items"] * 65), "message.items"),
            (lambda v: v.update(note=1), "message.items"),
            (lambda v: v["items"][0].pop("e"), "message.items"),
            (lambda v: v["items"][0].update(e="00"), "message.items"),
            (lambda v: v["items"][0].update(salt_s="FF" * 32), "message.items"),
            (lambda v: v["items"][0].update(salt_s=5), "message.items"),
            (lambda v: v["items"][0].update(index=-1), "message.items"),
            (lambda v: v["items"][0].update({"with": []}), "message.items"),
            (lambda v: v["items"][0].update(salt_e="00" * 32), "message.items"),
        ]
    ),
)
def test_item_refusals(item: Item, edit: Any, code: str) -> None:
    value: Any = items_body([item])
    assert parse_items(value) == (item,)
    edit(value)
    with refused(code):
        parse_items(value)


RECEIPT = Receipt(
    message="m-1",
    seq=2,
    epoch=1,
    digest=BEFORE,
    statements=(BEFORE,),
    stored_at=STORED,
    cosignature=Cosignature(8, (LINE, LINE)),
)


@pytest.mark.parametrize(
    "made", [RECEIPT, dataclasses.replace(RECEIPT, cosignature=None, statements=())], ids=["a", "b"]
)
def test_receipts_round_trip(made: Receipt) -> None:
    raw = US.seal_message(message(MessageKind.RECEIPT, body=made.to_json()))
    assert Receipt.from_json(parse_message(raw)[1].body) == made


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.pop("digest"), "message.receipt"),
            (lambda v: v.update(extra=1), "message.receipt"),
            (lambda v: v.update(seq=0), "message.receipt"),
            (lambda v: v.update(digest="sha256:00"), "message.receipt"),
            (lambda v: v.update(statements=["x"]), "message.receipt"),
            (lambda v: v.update(stored_at="now"), "message.receipt"),
            (lambda v: v.update(cosignature={"size": 8}), "message.receipt"),
            (lambda v: v["cosignature"].update(lines=[]), "message.receipt"),
            (lambda v: v["cosignature"].update(lines=["- a AAAA"]), "message.receipt"),
            (lambda v: v["cosignature"].update(lines=[LINE + "\n"]), "message.receipt"),
            (lambda v: v["cosignature"].update(lines=[LINE] * 5), "message.receipt"),
            (lambda v: v["cosignature"].update(lines=[5]), "message.receipt"),
        ]
    ),
)
def test_receipt_refusals(edit: Any, code: str) -> None:
    value: Any = RECEIPT.to_json()
    edit(value)
    with refused(code):
        Receipt.from_json(value)


def test_epoch_changes() -> None:
    for made in (EpochChange(1, 9, BEFORE), EpochChange(1, 0, None)):
        assert EpochChange.from_json(made.to_json()) == made
    for bad in (
        {"ended": 1, "seq": 9, "digest": None},
        {"ended": 1, "seq": 0, "digest": BEFORE},
        {"ended": 0, "seq": 9, "digest": BEFORE},
        {"ended": 1, "seq": 9},
    ):
        with refused("message.epoch"):
            EpochChange.from_json(bad)


def test_fetches() -> None:
    made = Fetch(1, 3, 9)
    assert Fetch.from_json(made.to_json()) == made
    for bad in (made.to_json() | {"last": 2}, made.to_json() | {"first": 0}, {"epoch": 1}):
        with refused("message.fetch"):
            Fetch.from_json(bad)


def test_exhibit_ranges() -> None:
    made = ExhibitRange(BEFORE, digest(b"exhibit"), 0, limits.EXHIBIT_RANGE)
    assert ExhibitRange.from_json(made.to_json()) == made
    for bad in (
        made.to_json() | {"length": limits.EXHIBIT_RANGE + 1},
        made.to_json() | {"length": 0},
        made.to_json() | {"offset": -1},
        made.to_json() | {"digest": "../x"},
    ):
        with refused("message.exhibit-range"):
            ExhibitRange.from_json(bad)


def test_items_refuse_envelopes_that_are_not_canonical(item: Item) -> None:
    with refused("json.not-canonical"):
        items_body([dataclasses.replace(item, envelope=item.envelope + b" ")])
