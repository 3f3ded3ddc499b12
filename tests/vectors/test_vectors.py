"""The committed vectors: what is deterministic regenerates, what is signed verifies."""

import copy
import json
from typing import Any

import pytest

from api.wire import leaf
from api.wire.canonical import canonical, parse, parse_canonical
from api.wire.digests import digest, digest_bytes
from api.wire.endorsements import check_endorsements
from api.wire.envelope import MESSAGE, STATEMENT, parse_envelope, verify_seal
from api.wire.errors import WireError
from api.wire.keys import KeyRecord, thumbprint
from api.wire.membership import parse_membership
from api.wire.message_bodies import parse_items
from api.wire.messages import parse_message, parse_request
from api.wire.statements import parse_statement
from tests.vectors.generate import EVIDENCE, SIGNED, VECTORS, text_of, vectors

LIMIT = 1_000_000
FIXED: dict[str, Any] = json.loads(VECTORS.read_text("utf-8"))
KEPT: dict[str, Any] = json.loads(SIGNED.read_text("utf-8"))
SIGNERS = [KeyRecord.from_json(value) for value in KEPT["signers"]]


def test_regenerating_changes_nothing() -> None:
    assert text_of(vectors()) == VECTORS.read_text("utf-8")


@pytest.mark.parametrize("vector", FIXED["canonical"], ids=lambda v: v["canonical"][:12])
def test_canonical_forms(vector: dict[str, str]) -> None:
    value = parse(vector["json"].encode(), limit=LIMIT)
    assert canonical(value).decode() == vector["canonical"]


@pytest.mark.parametrize("vector", FIXED["refused"], ids=lambda v: v["json"][:12])
def test_refused_texts(vector: dict[str, str]) -> None:
    with pytest.raises(WireError) as caught:
        parse_canonical(vector["json"].encode(), limit=LIMIT)
    assert caught.value.code == vector["code"]


def test_keys_are_named_by_their_thumbprints() -> None:
    for value in FIXED["keys"]:
        assert KeyRecord.from_json(value).to_json() == value
    for value in FIXED["officers"]:
        assert thumbprint(value["jwk"]) == value["kid"]


@pytest.mark.parametrize("name", list(FIXED["statements"]))
def test_statements_and_their_envelopes(name: str) -> None:
    fixed, kept = FIXED["statements"][name], KEPT["statements"][name]
    payload, raw = fixed["payload"].encode(), kept["envelope"].encode()
    assert digest(payload) == fixed["id"]
    assert digest(raw) == kept["digest"]
    statement = parse_statement(payload)
    assert statement.prepared.decode() == fixed["prepared"]
    envelope = parse_envelope(raw)
    assert envelope.payload == payload
    verify_seal(envelope, SIGNERS, STATEMENT)
    assert all(part.signed for part in check_endorsements(statement, envelope))


@pytest.mark.parametrize("name", list(FIXED["statements"]))
@pytest.mark.parametrize("number", [0, 1])
def test_tampered_envelopes_fail(name: str, number: int) -> None:
    value = copy.deepcopy(json.loads(KEPT["statements"][name]["envelope"]))
    text = value["signatures"][number]["signature"]
    value["signatures"][number]["signature"] = ("B" if text[0] == "A" else "A") + text[1:]
    with pytest.raises(WireError):
        verify_seal(parse_envelope(canonical(value)), SIGNERS, STATEMENT)


def test_the_message() -> None:
    raw = KEPT["message"]["envelope"].encode()
    assert digest(raw) == KEPT["message"]["digest"]
    envelope, body = parse_message(raw)
    verify_seal(envelope, SIGNERS, MESSAGE)
    (item,) = parse_items(body.body)
    assert item.envelope.decode() == KEPT["statements"]["release"]["envelope"]
    assert item.accompanying[0].envelope.decode() == KEPT["statements"]["package"]["envelope"]
    assert parse_request(KEPT["request"]["body"].encode()) == (raw, EVIDENCE)


def test_the_leaf() -> None:
    vector = FIXED["leaf"]
    opening = leaf.LeafOpening(bytes.fromhex(vector["e"]), bytes.fromhex(vector["salt_s"]))
    entry = opening.entry(digest_bytes(vector["envelope_digest"]))
    assert entry.decode() == vector["entry"]
    parsed = leaf.parse_leaf_entry(entry)
    assert (parsed.e.hex(), parsed.s.hex()) == (vector["e"], vector["s"])


def test_the_membership() -> None:
    found = parse_membership(FIXED["membership"]["file"].encode())
    assert found.digest == FIXED["membership"]["digest"]
    assert found.member("us-treasury").keys[:2] == tuple(SIGNERS[:2])
