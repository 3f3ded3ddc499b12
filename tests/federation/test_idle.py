"""A node with nothing to do asks its database and its partner nothing.

On SQLite and PostgreSQL.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.jobs.sequence import Sequencer
from api.jobs.watch_peers import Watch
from api.services.log import checkpoints
from tests.support import asked, exchange, marks
from tests.support.exchange import UK, US
from tests.support.federation import Federation
from tests.support.signing import UK as BRITISH
from tests.support.signing import US as AMERICAN


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, ministries=(AMERICAN, BRITISH), urls={US: database_url})
    us = made[US]
    us.db.listen()
    exchange.designate(made, US, "Covered Person", to=(UK,))
    made.settle()
    made.watch(2)
    marks.awaited(us.db)
    yield made
    made.close()


def test_the_sequencer_reads_nothing_while_nothing_was_committed(federation: Federation) -> None:
    us = federation[US]
    sequencer = Sequencer(us, "test")
    for _ in range(2):
        sequencer()
    with asked.counted(us.db) as counted:
        sequencer()
    assert counted.texts == []
    exchange.designate(federation, US, "Another Person", to=(UK,))
    before = checkpoints.newest(us).size
    sequencer()
    assert checkpoints.newest(us).size > before


def test_the_sequencer_keeps_its_lease_while_nothing_is_committed(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = federation[US]
    sequencer = Sequencer(us, "test")
    for _ in range(2):
        sequencer()
    later = time.monotonic() + checkpoints.RENEWED_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with asked.counted(us.db) as counted:
        sequencer()
    assert counted.texts


def test_two_ministries_at_rest_ask_each_other_nothing(federation: Federation) -> None:
    watch = Watch(federation[US], UK)
    assert not watch.has_cause()
    exchange.designate(federation, US, "Another Person", to=(UK,))
    federation.settle()
    federation.watch(2)
    assert not watch.has_cause()


def test_a_partner_that_is_away_is_asked_again_later_and_the_database_not_before(
    federation: Federation,
) -> None:
    us = federation[US]
    exchange.package(federation, US)
    checkpoints.integrate(us, "test")
    federation.down.add(UK)
    watch = Watch(us, UK)
    reached = []
    for _ in range(8):
        with asked.counted(us.db) as counted:
            before = len(federation.wires[US].log) + len(federation.wires[US].reads)
            assert watch.has_cause()
            watch()
            tried = len(federation.wires[US].log) + len(federation.wires[US].reads) > before
        assert bool(counted.texts) is tried
        reached.append(tried)
    assert reached == [True, False, True, False, False, False, True, False]
    federation.down.clear()
