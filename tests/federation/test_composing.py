"""What waits behind a message travels together; a full message is composed meanwhile.

On SQLite and PostgreSQL.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.jobs.deliver import compose, may_compose, may_send, send
from api.services.node import Limits
from tests.support import exchange
from tests.support.exchange import UK, US
from tests.support.federation import Federation
from tests.support.signing import UK as BRITISH
from tests.support.signing import US as AMERICAN

BATCH = 3


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    limits = Limits(cursor_secret=b"test", retry_base=0.01, retry_cap=0.1, batch=BATCH)
    made = Federation(
        tmp_path, ministries=(AMERICAN, BRITISH), urls={US: database_url}, limits=limits
    )
    yield made
    made.close()


def commit(federation: Federation, *names: str) -> None:
    for name in names:
        exchange.designate(federation, US, name, to=(UK,))
    while federation.step(US):
        pass


def test_few_wait_for_the_receipt_before_them_and_many_do_not(federation: Federation) -> None:
    us = federation[US]
    federation.down.add(UK)
    assert not may_compose(us, UK)
    commit(federation, "One")
    assert may_send(us, UK)
    for name in ("Two", "Three"):
        exchange.designate(federation, US, name, to=(UK,))
        assert not may_compose(us, UK)
    exchange.designate(federation, US, "Four", to=(UK,))
    assert may_compose(us, UK)


def test_a_receipt_lets_what_waited_be_composed(federation: Federation) -> None:
    us = federation[US]
    room = us.db.bell("composable")
    federation.down.add(UK)
    commit(federation, "One")
    exchange.designate(federation, US, "Two", to=(UK,))
    assert not may_compose(us, UK)
    federation.down.clear()
    federation.clock.sleep(60)
    room.clear()
    assert send(us, UK)
    assert room.is_set()
    assert may_compose(us, UK)
    assert not may_send(us, UK)
    federation.settle()
    assert not may_compose(us, UK)
    assert not compose(us, UK)
