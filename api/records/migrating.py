"""Runs the migrations and tells whether a database is at the revision this code expects.

Owns the way to the ``migrations/`` folder (beside the package in a checkout, bundled in a wheel).
"""

import functools

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine

from api import shipped
from api.domain.errors import Unavailable


def configuration(url: str) -> Config:
    """Return the Alembic configuration for a database URL."""
    config = Config()
    config.set_main_option("script_location", str(shipped.migrations()))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``."""
    command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to ``revision``."""
    command.downgrade(configuration(url), revision)


def head() -> str:
    """Return the newest revision this code knows."""
    found = ScriptDirectory.from_config(configuration("sqlite://")).get_current_head()
    if found is None:
        raise Unavailable("database.no-migrations", "The migrations folder is empty.")
    return found


def current(url: str) -> str | None:
    """Return the database's revision, or ``None`` for an empty database."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def at_head(engine: Engine) -> bool:
    """Tell whether the database behind an engine is at this code's revision."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == _cached_head()


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
