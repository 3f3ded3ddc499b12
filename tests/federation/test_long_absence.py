"""A log that grew while a partner was away: it catches up, and no request grows with the backlog."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.errors import ComityError
from api.records import peer_logs
from api.services.log import checkpoints
from api.services.node import Node
from api.services.road import answering, fetching, offering
from api.wire.message_bodies import Fetch
from api.wire.messages import MessageKind, parse_request
from tests.support import counted_streams, exchange
from tests.support.campaigns import campaign
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.grown_logs import grow

STEP = 256


@pytest.fixture
def federation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Federation]:
    made = Federation(tmp_path)
    monkeypatch.setattr(offering, "STEP", STEP)
    yield made
    made.close()


def leaves_sent(federation: Federation, to: str) -> list[int]:
    """How many leaf hashes each request to a partner brought."""
    requests = [body for peer, body in federation.wires[US].log if peer == to]
    return [len(parse_request(body)[1].leaves) // 32 for body in requests]


def seen_by(node: Node) -> int:
    row = node.db.read(lambda c: peer_logs.peer_log(c, US))
    return 0 if row is None else row.size


@pytest.mark.parametrize(
    "known",
    [pytest.param(True, id="it was away"), pytest.param(False, id="it is new", marks=campaign())],
)
def test_it_catches_up_step_by_step(federation: Federation, known: bool) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Before", to=(CA,))
    if known:
        exchange.designate(federation, US, "To London", to=(UK,))
    federation.settle()
    size = grow(us, 5000, batch=100)
    federation.wires[US].log.clear()
    exchange.designate(federation, US, "After years", to=(UK,))
    federation.settle()
    federation.watch(2)
    assert max(leaves_sent(federation, UK)) <= STEP
    assert seen_by(federation[UK]) >= size
    counts = us.db.read(counted_streams.delivered)[UK]
    assert counts["receipted"] == (2 if known else 1)
    # Each head in between is one that was signed then, and is cosigned now.
    with us.db.engine.connect() as connection:
        cosigned = set(connection.exec_driver_sql("SELECT size FROM cosignatures").scalars())
        signed = set(connection.exec_driver_sql("SELECT size FROM log_heads").scalars())
    assert cosigned <= signed
    assert len(cosigned) > 5000 // STEP


def test_without_delivery_the_watch_catches_up_too(federation: Federation) -> None:
    size = grow(federation[US], 3000, batch=100)
    federation.watch()
    for partner in (UK, CA):
        assert seen_by(federation[partner]) >= size
        assert max(leaves_sent(federation, partner)) <= STEP


def test_what_the_partner_holds_beyond_our_knowledge_is_taken_from_its_hint(
    federation: Federation,
) -> None:
    """Its receipts were lost: it says where it stands, and the steps start there."""
    us = federation[US]
    grow(us, 1000, batch=100)
    federation.watch()
    with us.db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM cosignatures WHERE size > 300")
    grow(us, 1000, batch=100)
    federation.wires[US].log.clear()
    federation.watch()
    assert seen_by(federation[UK]) == checkpoints.newest(us).size
    assert max(leaves_sent(federation, UK)) <= STEP


def test_a_stretch_without_heads_goes_whole(federation: Federation) -> None:
    """After a recovery only the largest head is left of a stretch: none is signed anew."""
    us = federation[US]
    grow(us, 1000, batch=1000)
    grow(us, 300, batch=100)
    federation.watch()
    assert seen_by(federation[UK]) == checkpoints.newest(us).size
    assert max(leaves_sent(federation, UK)) == 1000


def test_a_fetch_does_not_carry_the_backlog(federation: Federation) -> None:
    us = federation[US]
    exchange.designate(federation, US, "Before", to=(UK,))
    federation.settle()
    grow(us, 1000, batch=100)
    with pytest.raises(ComityError):
        fetching.ask(federation[UK], US, MessageKind.FETCH, dict(Fetch(1, 1, 1).to_json()))
    federation.watch()
    assert fetching.ask(federation[UK], US, MessageKind.FETCH, dict(Fetch(1, 1, 1).to_json()))
    assert answering.TIME.total_seconds() == 300
