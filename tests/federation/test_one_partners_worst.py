"""One partner's worst is one partner's problem: inbox, races for a number, what was withdrawn.

On SQLite and PostgreSQL.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from api.jobs import sequence
from api.jobs.process_inbox import process_inbox
from api.jobs.sequence import Sequencer
from api.records import log, node_state, packages, stream_counts, streams
from api.services.desk import withdrawing
from api.services.log import checkpoints, guard
from api.services.road import applying, delivering, disposing, epochs, receiving
from api.wire.digests import digest
from api.wire.message_bodies import Item
from api.wire.messages import compose_request
from api.wire.misbehaviour import MisbehaviourKind
from tests.federation.test_bad_peer_statements import designation
from tests.support import exchange
from tests.support.bad_peer import BadPeer, contents
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.looking import seen
from tests.support.signing import CA as CANADIAN
from tests.support.signing import UK as BRITISH


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def told(bad: BadPeer, name: str) -> Item:
    home = {"uk-fcdo": ("UK", "UK-GHR"), "ca-gac": ("CA", "CA-JVCFOA")}[bad.ministry.id]
    content = designation(list_reference=name, jurisdiction=home[0], regime=home[1])
    return bad.commit(bad.statement("designation/1", content))


def taken(federation: Federation, bad: BadPeer, *names: str) -> None:
    for name in names:
        assert federation.receive(US, bad.deliver(told(bad, name))).status == 200


def states(federation: Federation, peer: str) -> list[str]:
    rows = [row for row in contents(federation[US])["messages_in"] if row["peer"] == peer]
    return [row["state"] for row in sorted(rows, key=lambda row: row["seq"])]


# ---- the inbox ----------------------------------------------------------------------------------


@pytest.mark.parametrize("met", [ValueError("a defect"), KeyError("x"), OSError("an outage")])
def test_a_message_that_cannot_be_handled_stops_nobody_elses(
    federation: Federation, monkeypatch: pytest.MonkeyPatch, met: Exception
) -> None:
    """London's first message meets what nobody foresaw, outside the parts that are guarded."""
    london, ottawa = BadPeer(BRITISH, US), BadPeer(CANADIAN, US)
    taken(federation, london, "One", "Two")
    taken(federation, ottawa, "Three", "Four")
    original, broken = applying.open_items, [True]

    def opening(node: Any, message: Any, *rest: Any) -> Any:
        if broken[0] and (message.peer, message.seq) == (UK, 1):
            raise met
        return original(node, message, *rest)

    monkeypatch.setattr(applying, "open_items", opening)
    us = federation[US]
    for _ in range(2):
        assert process_inbox(us, federation.pool)
    assert states(federation, CA) == ["done", "done"]
    # Its own stream keeps its order: what follows waits behind, and nothing of it is lost.
    assert states(federation, UK) == ["stored", "stored"]
    with pytest.raises(type(met)):
        process_inbox(us, federation.pool)
    broken[0] = False
    for _ in range(2):
        process_inbox(us, federation.pool)
    assert states(federation, UK) == ["done", "done"]
    assert len(contents(us)["designations"]) == 4


def test_a_defect_in_a_disposition_stops_no_later_message(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a partner's node says of ours is parked alone; its next message is decided."""
    uk = federation[UK]
    exchange.designate(federation, US, "Known", to=(UK,))
    original = disposing.outcomes_of

    def failing(envelope: bytes) -> Any:
        raise LookupError(len(envelope))

    for _ in range(6):
        federation.step(US)
        federation.clock.sleep(1)
        federation.step(UK)
    monkeypatch.setattr(disposing, "outcomes_of", failing)
    exchange.designate(federation, UK, "Another", to=(US,))
    for _ in range(6):
        federation.step(UK)
        federation.clock.sleep(1)
        federation.step(US)
    monkeypatch.setattr(disposing, "outcomes_of", original)
    assert set(states(federation, UK)) == {"done"}
    assert any(row["issuer"] == uk.ministry for row in contents(federation[US])["designations"])


# ---- a race for one number ----------------------------------------------------------------------


def raced(
    federation: Federation,
    monkeypatch: pytest.MonkeyPatch,
    first: bytes,
    second: bytes,
) -> tuple[int, dict[str, Any]]:
    """Both are judged before either is stored; ``first`` is stored first. Answers the second."""
    us, original, inside = federation[US], receiving._check_items, [True]

    def meeting(*arguments: Any) -> Any:
        if inside[0]:
            inside[0] = False
            assert federation.receive(US, first).status == 200
        return original(*arguments)

    monkeypatch.setattr(receiving, "_check_items", meeting)
    reply = federation.receive(US, second)
    assert us.db.read(lambda c: streams.stream_in(c, UK)) is not None
    return reply.status, json.loads(reply.body)


def test_what_loses_a_race_for_a_number_is_kept_as_proof(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two contents under one number at the same moment: as much a proof as one after the other."""
    bad = BadPeer(BRITISH, US)
    item = told(bad, "One")
    first = bad.deliver(item)
    other = BadPeer(BRITISH, US)
    other.made = 1000
    second = other.deliver(told(other, "Two"))
    status, answer = raced(federation, monkeypatch, first, second)
    assert (status, answer["code"]) == (409, "equivocation")
    (kept,) = federation[US].db.read(node_state.misbehaviour)
    assert (kept.peer, kept.kind) == (UK, MisbehaviourKind.MESSAGE_NUMBER_REUSE)


def test_the_same_message_twice_at_once_gets_one_receipt(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BadPeer(BRITISH, US)
    request = bad.deliver(told(bad, "One"))
    status, answer = raced(federation, monkeypatch, request, request)
    (row,) = contents(federation[US])["messages_in"]
    assert (status, answer) == (200, json.loads(bytes(row["receipt"])))
    assert federation[US].db.read(node_state.misbehaviour) == []


def test_an_early_message_that_loses_to_another_number_is_sent_again(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the same nor a contradiction: the stream moved, and the sender repeats."""
    bad = BadPeer(BRITISH, US)
    item, later = told(bad, "One"), told(bad, "Two")
    raw = bad.message([item])
    first = compose_request(raw, bad.evidence([item]))
    after = bad.message([later], seq=2, prev=digest(raw))
    second = compose_request(after, bad.evidence([later]))
    status, answer = raced(federation, monkeypatch, first, second)
    assert (status, answer["code"]) == (409, "stream.moved")
    assert federation[US].db.read(node_state.misbehaviour) == []
    assert states(federation, UK) == ["stored"]


# ---- withdrawn before it arrived ----------------------------------------------------------------


def abandoned(federation: Federation, release: Callable[[], str]) -> str:
    """A release in a message that is composed, never received, and given up."""
    us = federation[US]
    statement = release()
    checkpoints.integrate(us, "test")
    message = delivering.compose(us, UK) or ""
    row = us.db.read(lambda c: streams.message_out(c, message))
    assert row is not None
    delivering.abandon(us, row, "policy.test")
    return statement


def test_what_was_withdrawn_does_not_leave_in_a_new_epoch(federation: Federation) -> None:
    us = federation[US]
    kept, gone = (exchange.package(federation, US, name) for name in ("Stays", "Withdrawn"))
    federation.down = {UK}
    stays = exchange.release(federation, US, kept, UK)
    release = abandoned(federation, lambda: exchange.release(federation, US, gone, UK))
    withdrawing.withdraw(us, federation.officer(US, "reviewer"), gone, release)
    federation.down = set()
    epochs.propose(us, federation.officer(US, "admin"), UK)
    seen(epochs.approve, us, federation.officer(US, "admin2"), UK)
    federation.settle()
    uk = federation[UK]
    assert uk.db.read(lambda c: packages.by_id(c, kept)) is not None
    assert uk.db.read(lambda c: packages.by_id(c, gone)) is None
    held = {row["id"] for row in contents(uk)["releases"]}
    assert held == {stays}
    assert us.db.read(stream_counts.queue_lengths) == {}


# ---- a node that starts -------------------------------------------------------------------------


@pytest.fixture
def silent_door(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Ottawa's door answers Washington only once this event is set; patience is short."""
    opened = Event()
    monkeypatch.setattr(sequence, "_PATIENCE", 0.05)

    def fault(_: str, peer: str) -> str:
        assert peer != CA or opened.wait(20)
        return "none"

    federation.wires[US].fault = fault
    yield opened
    opened.set()


def test_a_starting_node_waits_little_for_a_slow_door(
    federation: Federation, silent_door: Event
) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Covered Person", to=(UK,))
    Sequencer(us, "test")()
    assert not silent_door.is_set()
    assert us.db.read(log.newest_signed) is not None


def test_an_answer_that_comes_late_stops_a_node_that_lost_something(
    federation: Federation, silent_door: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = federation[US]
    monkeypatch.setattr(guard, "_holds", lambda *_: False)
    silent_door.set()
    exchange.designate(federation, US, "Covered Person", to=(UK,))
    federation.settle()
    federation.watch(2)
    federation.down = {UK}
    silent_door.clear()
    Sequencer(us, "test")()
    assert not us.db.read(node_state.restoring)
    silent_door.set()
    for thread in enumerate_threads():
        if thread.name == f"comity-ask-{CA}":
            thread.join(20)
    assert us.db.read(node_state.restoring)
