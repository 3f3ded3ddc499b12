"""Databases at the newest revision, copied from one that was migrated once.

    templates.prepare(url)      # the empty database of this URL now has all tables

Going through every migration takes a second; a copy takes a hundredth. Tests of migrations go through
them (`api/records/migrating.py`).
"""

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from api.records import migrating
from tests.support import databases

SHARED = "COMITY_TESTS_FOLDER"
"""Set by `tests.run`: a folder of all processes of one run, which ends with it."""

_TEMPLATE = "migrated"


def prepare(url: str) -> None:
    """Give an empty database all tables; one that holds something is upgraded where it is."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite":
        file = Path(place.database or "")
        if file.exists():
            migrating.upgrade(url)
        else:
            shutil.copyfile(migrated_file(), file)
        return
    if migrating.current(url) is not None:
        migrating.upgrade(url)
        return
    _make_template(place.set(database=_TEMPLATE))
    name = sql.Identifier(place.database or "")
    with _server(place) as connection:
        # Empty as it is, it serves the next test: making and dropping one takes longer than a copy.
        spare = sql.Identifier(f"{databases.SPARE}{uuid.uuid4().hex[:12]}")
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(name, spare))
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(name, sql.Identifier(_TEMPLATE)))


@functools.cache
def migrated_file() -> Path:
    """An SQLite file at the newest revision, made once in this process, or in a run of `tests.run`."""
    if shared := os.environ.get(SHARED):
        with (Path(shared) / "migrated.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _migrated(Path(shared))
    folder = tempfile.mkdtemp(prefix="comity-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _migrated(Path(folder))


def _migrated(folder: Path) -> Path:
    file, draft = folder / "migrated.db", folder / "migrated-draft.db"
    if not file.exists():
        migrating.upgrade(f"sqlite:///{draft}")
        draft.rename(file)
    return file


@functools.cache
def _make_template(place: URL) -> None:
    """Make the database that a server's others are copied from, once for each server."""
    with _server(place) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
    migrating.upgrade(place.render_as_string(hide_password=False))


def _server(place: URL) -> psycopg.Connection:
    return psycopg.connect(
        host=place.host,
        port=place.port,
        user=place.username,
        dbname="postgres",
        autocommit=True,
    )
