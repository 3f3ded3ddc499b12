"""Consistent copies of a whole database: out to a file, and back into an empty one.

Owns SQLite's online backup and the calls of ``pg_dump`` and ``pg_restore``. Knows no table. A
database that is open is never copied as a file.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import create_engine, inspect, make_url

from api import durable
from api.domain.errors import Conflict, Unavailable

SQLITE = "sqlite"
PG_DUMP = "pg_dump"
NAMES = {SQLITE: "database.sqlite", PG_DUMP: "database.pgdump"}
"""File name of each form."""

_PAGES = 4096


def form_of(url: str) -> str:
    """Return the form in which a database of this URL is copied."""
    return SQLITE if make_url(url).get_backend_name() == "sqlite" else PG_DUMP


def copy_out(url: str, target: Path) -> None:
    """Write a consistent copy of a database, which may be in use, to a new file.

    Raises:
        Unavailable: ``backup.failed``; ``backup.no-program``: ``pg_dump`` is not installed.
    """
    if form_of(url) == SQLITE:
        _copy_sqlite(_sqlite_path(url), target)
        return
    uri, environment = _libpq(url)
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}", uri], environment)
    durable.sync(target)


def copy_in(source: Path, form: str, url: str) -> None:
    """Fill an empty database from a copy.

    Raises:
        Conflict: ``restore.not-empty``: there is something already; ``restore.other-form``: the
            copy is of the other kind of database.
        Unavailable: ``backup.failed``, ``backup.no-program``.
    """
    require_form(form, url)
    require_empty(url)
    if form == SQLITE:
        _copy_sqlite(source, _sqlite_path(url))
        return
    uri, environment = _libpq(url)
    command = ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction"]
    _run([*command, f"--dbname={uri}", str(source)], environment)


def require_form(form: str, url: str) -> None:
    """Refuse a copy of one kind of database for a database of the other.

    Raises:
        Conflict: ``restore.other-form``.
    """
    if form_of(url) != form:
        raise Conflict(
            "restore.other-form",
            "The backup is of the other kind of database: restore it into the kind it came from; "
            "comity node move then takes SQLite to PostgreSQL.",
        )


def require_empty(url: str) -> None:
    """Refuse a database that has something in it.

    Raises:
        Conflict: ``restore.not-empty``.
    """
    if form_of(url) == SQLITE:
        path = _sqlite_path(url)
        leftovers = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
        full = any(each.exists() for each in leftovers)
    else:
        engine = create_engine(url)
        try:
            full = bool(inspect(engine).get_table_names())
        finally:
            engine.dispose()
    if full:
        raise Conflict(
            "restore.not-empty",
            "There is a database already: move it away first; it is evidence of what happened.",
        )


def into_one_file(url: str) -> None:
    """Bring an SQLite database that nobody has open into its one file, durably."""
    if form_of(url) == SQLITE:
        path = _sqlite_path(url)
        connection = sqlite3.connect(path)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            connection.close()
        durable.sync(path)


def move_into_place(url: str, target_url: str) -> None:
    """Give a settled SQLite database its final place, in one step.

    Raises:
        Conflict: ``restore.not-empty``.
    """
    require_empty(target_url)
    target = _sqlite_path(target_url)
    _sqlite_path(url).replace(target)
    durable.sync(target.parent)


def beside(url: str) -> str:
    """Return the URL of a temporary SQLite database beside another one."""
    path = _sqlite_path(url)
    return f"sqlite:///{path.with_name(f'.{path.name}.restoring')}"


def discard(url: str) -> None:
    """Remove a temporary SQLite database."""
    path = _sqlite_path(url)
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), Path(f"{path}-journal")):
        each.unlink(missing_ok=True)


def _sqlite_path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise Unavailable("backup.failed", "There is no database to copy.")
    reader = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    writer = sqlite3.connect(target)
    try:
        reader.backup(writer, pages=_PAGES, sleep=0.01)
        writer.execute("PRAGMA journal_mode=DELETE")
        sound = writer.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise Unavailable("backup.failed", "The database could not be copied.") from error
    finally:
        writer.close()
        reader.close()
    if sound != "ok":
        raise Unavailable("backup.failed", "The copy is damaged: check the disk.")
    durable.sync(target)


def _libpq(url: str) -> tuple[str, dict[str, str]]:
    """Return a connection URI without password, and the environment that carries the password."""
    parsed = make_url(url)
    environment = dict(os.environ)
    if parsed.password is not None:
        environment["PGPASSWORD"] = str(parsed.password)
    bare = parsed.set(drivername="postgresql", password=None)
    return bare.render_as_string(hide_password=False), environment


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    if shutil.which(command[0]) is None:
        raise Unavailable(
            "backup.no-program",
            f"Install PostgreSQL's {command[0]} of the server's version on this machine.",
        )
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, check=False, text=True
    )
    if done.returncode:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise Unavailable("backup.failed", f"{command[0]} failed: {first[:200]}.")
