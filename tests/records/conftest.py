"""A database with every table of a node and nothing in them, of each kind."""

from collections.abc import Iterator

import pytest

from api.records.database import Database
from tests.support import templates


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Open an empty database."""
    templates.prepare(database_url)
    made = Database(database_url)
    yield made
    made.close()
