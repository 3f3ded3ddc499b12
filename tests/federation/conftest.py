"""What several files of these tests share: a federation of each test's own, and a bad partner of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bad_peer import BadPeer
from tests.support.exchange import US
from tests.support.federation import Federation
from tests.support.signing import UK


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    """Three ministries that have said nothing yet."""
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def bad() -> BadPeer:
    """London, with its true keys, as Washington's dishonest partner."""
    return BadPeer(UK, US)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Federation, BadPeer]]:
    """One federation for tests that are all refused, and so change nothing, with its bad partner."""
    made = Federation(tmp_path_factory.mktemp("calm"))
    yield made, BadPeer(UK, US)
    made.close()
