import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.wire.canonical import canonical
from api.wire.errors import WireError
from api.wire.leaf import (
    LeafEntry,
    LeafOpening,
    event_commitment,
    leaf_entry,
    parse_leaf_entry,
    statement_commitment,
)

hashes = st.binary(min_size=32, max_size=32)


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


@given(hashes, hashes)
def test_entries_round_trip(e: bytes, s: bytes) -> None:
    entry = leaf_entry(e, s)
    assert parse_leaf_entry(entry) == LeafEntry(e, s)
    assert entry == f'{{"e":"{e.hex()}","s":"{s.hex()}","v":1}}'.encode()


def test_commitments_are_those_of_the_protocol() -> None:
    salt, raw = bytes(32), bytes(range(32))
    assert event_commitment(salt, b"event") == (
        hashlib.sha256(b"comity/event/v1\n" + salt + b"event").digest()
    )
    assert statement_commitment(salt, raw) == (
        hashlib.sha256(b"comity/statement/v1\n" + salt + raw).digest()
    )
    assert event_commitment(salt, raw) != statement_commitment(salt, raw)


@given(hashes, hashes, hashes)
def test_an_opening_rebuilds_the_leaf(e: bytes, salt: bytes, raw: bytes) -> None:
    opening = LeafOpening(e, salt)
    assert LeafOpening.from_bytes(opening.to_bytes()) == opening
    assert opening.entry(raw) == leaf_entry(e, statement_commitment(salt, raw))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_lengths_are_fixed(length: int) -> None:
    good, bad = bytes(32), bytes(length)
    for call in (
        lambda: event_commitment(bad, b""),
        lambda: statement_commitment(bad, good),
        lambda: statement_commitment(good, bad),
        lambda: leaf_entry(bad, good),
        lambda: leaf_entry(good, bad),
    ):
        with refused("leaf.malformed"):
            call()


@pytest.mark.parametrize(
    "edit",
    [
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"e": "AB" * 32},
        {"s": "00" * 31},
        {"s": None},
        {"x": 1},
    ],
    ids=str,
)
def test_entry_refusals(edit: dict[str, object]) -> None:
    value = json.loads(leaf_entry(bytes(32), bytes(32))) | edit
    with refused("leaf.malformed"):
        parse_leaf_entry(canonical(value))


def test_entries_and_openings_are_canonical() -> None:
    with refused("json.not-canonical"):
        parse_leaf_entry(leaf_entry(bytes(32), bytes(32)) + b" ")
    with refused("json.not-canonical"):
        LeafOpening.from_bytes(LeafOpening(bytes(32), bytes(32)).to_bytes() + b" ")
    for bad in ({"e": "00" * 32}, {"e": "00" * 32, "salt_s": "00"}):
        with refused("leaf.opening"):
            LeafOpening.from_bytes(canonical(bad))
