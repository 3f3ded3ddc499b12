"""Runs the migrations and tells whether a database is at the revision this code expects.

Owns the way to the ``migrations/`` folder (beside the package in a checkout, bundled in a wheel).

Alembic is imported where tables change. It brings every dialect that it knows; a node that only
compares two revisions at its start would load and keep them all.
"""

import functools
import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, create_engine, inspect, text

from api import shipped
from api.domain.errors import Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION: Final = re.compile(r"""^revision = ["']([^"']+)["']$""", re.MULTILINE)
_FOLLOWS: Final = re.compile(r"""^down_revision = ["']([^"']+)["']$""", re.MULTILINE)
_VERSIONS: Final = "alembic_version"


def configuration(url: str) -> "Config":
    """Return the Alembic configuration for a database URL."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(shipped.migrations()))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``."""
    from alembic import command

    command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to ``revision``."""
    from alembic import command

    command.downgrade(configuration(url), revision)


def head() -> str:
    """Return the newest revision this code knows: the one that no other follows."""
    folder = shipped.migrations() / "versions"
    scripts = [path.read_text("utf-8") for path in folder.glob("*.py")]
    followed = {found for script in scripts for found in _FOLLOWS.findall(script)}
    known: set[str] = {found for script in scripts for found in _REVISION.findall(script)}
    if not known:
        raise Unavailable("database.no-migrations", "The migrations folder is empty.")
    (newest,) = known - followed
    return newest


def current(url: str) -> str | None:
    """Return the database's revision, or ``None`` for an empty database."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return _revision_of(connection)
    finally:
        engine.dispose()


def at_head(engine: Engine) -> bool:
    """Tell whether the database behind an engine is at this code's revision."""
    with engine.connect() as connection:
        return _revision_of(connection) == _cached_head()


def _revision_of(connection: Connection) -> str | None:
    """Return what Alembic wrote down as the database's revision."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608 - a constant
    return found


@functools.cache
def _cached_head() -> str:
    return head()


def require_head(url: str) -> None:
    """Refuse a database that is not at this code's revision.

    Raises:
        Unavailable: ``database.wrong-revision``.
    """
    found, wanted = current(url), head()
    if found != wanted:
        raise Unavailable(
            "database.wrong-revision",
            f"The database is at revision {found or 'none'}, this program needs {wanted}: "
            "run 'comity node init --migrate' before starting.",
        )
