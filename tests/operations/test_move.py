"""A node moves from SQLite into PostgreSQL: nothing is lost, and its log goes on."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.engine import RowMapping

from api.adapters.memory.file import FileMemory
from api.domain.errors import ComityError
from api.records import log
from api.records.database import Database
from api.records.packages import PACKAGES
from api.services.audit import fsck
from api.services.audit.fsck import Trust
from api.services.recovery import moving
from api.services.recovery.moving import Move
from tests.support import exchange, foreign
from tests.support.exchange import UK, US
from tests.support.federation import Federation

pytestmark = [foreign.needs("postgresql")]


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path / "nodes")
    yield made
    made.close()


def asked(federation: Federation, target: str, folder: Path) -> Move:
    us = federation[US]
    return Move(
        source=us.db.url,
        target=target,
        trust=Trust(us.membership),
        store=us.store,
        memory=us.memory,
        new_memory=FileMemory(folder / "moved" / "last.json"),
    )


def refused(wanted: Move) -> str:
    with pytest.raises(ComityError) as refusal:
        moving.move(wanted, lambda _: None)
    return refusal.value.code


def test_everything_arrives_and_the_log_goes_on(
    federation: Federation, postgres_url: str, tmp_path: Path
) -> None:
    us = federation[US]
    exchange.release(federation, US, exchange.package(federation, US, "Before"), UK)
    federation.settle()
    before = us.db.read(lambda c: (log.newest_signed(c), len(log.events_page(c, limit=500))))
    source = Path(us.db.url.removeprefix("sqlite:///"))
    us.db.close()
    wanted = asked(federation, postgres_url, tmp_path)
    said: list[str] = []
    done = moving.move(wanted, said.append)
    assert done.rows["events"] >= before[1]
    assert not source.exists()
    assert done.kept.exists()
    moved = dataclasses.replace(us, db=Database(postgres_url), memory=wanted.new_memory)
    federation.nodes[US] = moved
    assert moved.db.read(log.newest_signed) == before[0]
    assert wanted.new_memory.read() == us.memory.read()
    exchange.release(federation, US, exchange.package(federation, US, "After"), UK)
    federation.settle()
    head = moved.db.read(log.newest_signed)
    assert head is not None
    assert before[0] is not None
    assert head.size > before[0].size
    report = moved.db.read(lambda c: fsck.check(c, wanted.trust, store=moved.store))
    assert report.ok, report.first
    titles = {row["title"] for row in federation[UK].db.read(_packages)}
    assert titles >= {"Before", "After"}


def _packages(connection: Connection) -> Sequence[RowMapping]:
    return connection.execute(select(PACKAGES)).mappings().all()


def test_a_database_in_use_is_not_moved(
    federation: Federation, postgres_url: str, tmp_path: Path
) -> None:
    """Whatever has it open; afterwards it works as before."""
    exchange.package(federation, US, "In use")
    assert refused(asked(federation, postgres_url, tmp_path)) == "move.running"
    exchange.package(federation, US, "Still in use")


def test_only_an_empty_target_of_the_other_kind_is_filled(
    federation: Federation, postgres_url: str, tmp_path: Path
) -> None:
    wanted = asked(federation, postgres_url, tmp_path)
    federation[US].db.close()
    backwards = dataclasses.replace(wanted, source=postgres_url, target=wanted.source)
    assert refused(backwards) == "move.kind"
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE somebodys (a integer)"))
    engine.dispose()
    assert refused(wanted) == "restore.not-empty"


def test_what_does_not_fit_is_not_moved(
    federation: Federation, postgres_url: str, tmp_path: Path
) -> None:
    us = federation[US]
    exchange.package(federation, US, "Tampered")
    federation.settle()
    us.db.close()
    engine = create_engine(us.db.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE packages SET title = 'Another'"))
    engine.dispose()
    assert refused(asked(federation, postgres_url, tmp_path)) == "move.unsound"
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('events')")).scalar_one() is None
    engine.dispose()
