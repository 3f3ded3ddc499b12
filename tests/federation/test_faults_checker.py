"""The checker of the fault tests sees what it is there to see: each change to a row is named."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.support import exchange
from tests.support.acting import recall
from tests.support.check_log import Copy, check_copies, read_copy
from tests.support.federation import Federation

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Copy]]:
    """Three nodes at rest after a release to both partners and a recall."""
    federation = Federation(tmp_path_factory.mktemp("settled"))
    package = exchange.package(federation, US)
    for to in (UK, CA):
        exchange.release(federation, US, package, to)
    federation.settle()
    recall(federation, US, package)
    federation.settle()
    yield {node.ministry: read_copy(node) for node in federation}
    federation.close()


def changed(settled: dict[str, Copy], ministry: str, change: Callable[[Rows], object]) -> None:
    """Check the copies after a change to one node's rows."""
    copies = {
        name: dataclasses.replace(
            copy,
            faults=[],
            rows=cast(
                "Any", {table: [dict(row) for row in rows] for table, rows in copy.rows.items()}
            ),
        )
        for name, copy in settled.items()
    }
    change(copies[ministry].rows)  # type: ignore[arg-type]
    check_copies(copies)


def spoil(table: str, column: str, value: Any, place: int = 0) -> Callable[[Rows], object]:
    def change(rows: Rows) -> None:
        rows[table][place][column] = value

    return change


def flip(table: str, column: str, place: int = 0) -> Callable[[Rows], object]:
    def change(rows: Rows) -> None:
        raw = bytearray(rows[table][place][column])
        raw[len(raw) // 2] ^= 1
        rows[table][place][column] = bytes(raw)

    return change


def drop(table: str, place: int = 0) -> Callable[[Rows], object]:
    return lambda rows: rows[table].pop(place)


def twice(table: str, **members: Any) -> Callable[[Rows], object]:
    return lambda rows: rows[table].append({**rows[table][0], **members})


CHANGES: dict[str, tuple[str, Callable[[Rows], object]]] = {
    "an event is gone": (US, drop("events", 3)),
    "an event says otherwise": (US, flip("events", "salt_e", 2)),
    "a change set is another": (US, spoil("events", "touched", "[]", 1)),
    "an event has no leaf": (US, spoil("events", "leaf_index", None, -1)),
    "a bundle is spoiled": (UK, flip("log_bundles", "data")),
    "a tile is spoiled": (UK, flip("log_tiles", "data")),
    "a head has another root": (US, spoil("log_heads", "root", "00" * 32)),
    "a head's note is spoiled": (US, flip("log_heads", "note", -1)),
    "a cosignature is another's": (US, spoil("cosignatures", "cosigner", US)),
    "a state was changed by hand": (UK, spoil("packages", "state", "received")),
    "a row was added by hand": (UK, twice("role_grants", id="x")),
    "a row is gone": (CA, drop("releases")),
    "a statement was never posted": (US, drop("outbox")),
    "a statement was posted twice": (US, twice("outbox", id="x")),
    "a message has other bytes": (UK, flip("messages_in", "envelope")),
    "a message was never sent": (UK, twice("messages_in", id="x", seq=99)),
    "a message is gone there": (UK, drop("messages_in")),
    "a receipt is another": (US, flip("messages_out", "receipt")),
    "a number is missing": (US, drop("messages_out")),
    "a stream's head is another": (UK, spoil("streams_in", "next_seq", 1)),
    "an item was never decided": (UK, drop("inbox")),
    "an item was decided twice": (UK, twice("inbox", ordinal=7)),
    "a disposition is gone": (US, drop("dispositions")),
    "a disposition says otherwise": (US, spoil("dispositions", "outcome", "refused")),
    "a holder's state is another": (US, spoil("holders", "state", "sent")),
    "a recall's outcome is another": (US, spoil("holders", "recall_outcome", "refused")),
    "a view has another root": (CA, spoil("peer_logs", "root", "11" * 32)),
    "a view's leaves are others": (CA, flip("peer_tiles", "data")),
    "an envelope is another": (CA, flip("statements", "envelope")),
}


def test_nothing_is_wrong_at_first(settled: dict[str, Copy]) -> None:
    changed(settled, US, lambda rows: None)


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_seen(settled: dict[str, Copy], name: str) -> None:
    ministry, change = CHANGES[name]
    with pytest.raises(Exception, match=r"."):
        changed(settled, ministry, change)
