"""A look at a node's database that cannot change it; for checks beside a running node or without.

Owns read-only connections and the one consistent view they give. Never migrates, never creates.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from api.domain.errors import NotFound, Unavailable


@contextmanager
def read_only(url: str) -> Iterator[Connection]:
    """Open a database for reading until the block ends; all of it is one snapshot.

    Args:
        url: as in the node's settings.

    Raises:
        NotFound: ``database.unknown``: there is no such SQLite file.
        Unavailable: ``database.unavailable``.
    """
    sqlite = make_url(url).get_backend_name() == "sqlite"
    address = _sqlite_address(url) if sqlite else url
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
    if sqlite:
        event.listen(engine, "connect", _read_any_text)
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise Unavailable("database.unavailable", "The database cannot be opened.") from error
    try:
        if sqlite:
            # The driver begins a transaction for changes only; the first read fixes the view.
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema")
        else:
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        yield connection
    finally:
        connection.close()
        engine.dispose()


def _read_any_text(connection: Any, _record: Any) -> None:
    """Let text that is no UTF-8 be read: to a check it is a finding, not an error."""
    connection.text_factory = _sql_text


def _sql_text(data: bytes) -> str:
    """Return a cell's text; what is no UTF-8 becomes a text that nobody wrote and all can encode.

    It stays a text: the same bytes in a column of bytes are then a value of another type.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"\ufffd{data.hex()}"


def _sqlite_address(url: str) -> str:
    name = make_url(url).database or ""
    path = Path(name)
    if not path.is_file():
        raise NotFound("database.unknown", f"There is no database file {name}.")
    return f"sqlite:///file:{quote(str(path.resolve()))}?mode=ro&uri=true"
