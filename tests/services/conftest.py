"""What several files of these tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.exchange import US
from tests.support.federation import Federation


@pytest.fixture(params=foreign.ANOTHER_IN_THE_END)
def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    """Three ministries, one on each kind of database: Washington, or whom a file calls HERE."""
    here = getattr(request.module, "HERE", US)
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Federation(tmp_path, urls={here: url} if url else {})
    yield made
    made.close()
