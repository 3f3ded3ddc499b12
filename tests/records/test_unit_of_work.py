"""One transaction changes rows and records why, or does neither; on both databases."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from api.domain.errors import Invalid
from api.records.database import Database
from api.records.node_state import NODE_STATE
from api.records.streams import STREAMS_OUT
from api.records.unit_of_work import Taken, Unit, UnrecordedChangeError
from tests.support import templates


def fact(unit: Unit, name: str, value: str = "v") -> None:
    unit.insert(NODE_STATE, {"name": name, "value": value, "at": "t"})
    unit.take_change_set()


def count(database: Database) -> int:
    return database.read(
        lambda connection: connection.execute(
            select(func.count()).select_from(NODE_STATE)
        ).scalar_one()
    )


def test_a_change_without_an_event_is_refused_and_undone(database: Database) -> None:
    def silent(unit: Unit) -> None:
        unit.insert(NODE_STATE, {"name": "a", "value": "v", "at": "t"})

    with pytest.raises(UnrecordedChangeError):
        database.write(silent)
    assert count(database) == 0


def test_a_failing_unit_leaves_its_neighbours_alone(database: Database) -> None:
    def failing(unit: Unit) -> None:
        fact(unit, "half")
        raise ValueError("no")

    barrier = threading.Barrier(9)

    def good(number: int) -> None:
        barrier.wait()
        database.write(lambda unit: fact(unit, f"good-{number}"))

    def bad() -> None:
        barrier.wait()
        with pytest.raises(ValueError, match="no"):
            database.write(failing)

    with ThreadPoolExecutor(9) as pool:
        futures = [pool.submit(good, number) for number in range(8)] + [pool.submit(bad)]
        for future in futures:
            future.result()
    assert count(database) == 8


def test_compare_and_set_has_one_winner(database: Database) -> None:
    database.write(lambda unit: fact(unit, "x", "0"))
    barrier = threading.Barrier(20)

    def claim(number: int) -> bool:
        def unit_of_work(unit: Unit) -> bool:
            row = unit.update(
                NODE_STATE, {"name": "x"}, {"value": str(number + 1)}, expect={"value": "0"}
            )
            unit.take_change_set()
            return row is not None

        barrier.wait()
        return database.write(unit_of_work)

    with ThreadPoolExecutor(20) as pool:
        wins = list(pool.map(claim, range(20)))
    assert wins.count(True) == 1


def test_one_form_of_update_serves_every_value(database: Database) -> None:
    def write(unit: Unit) -> tuple[list[str | None], list[str | None]]:
        place = {"epoch": 1, "next_seq": 1, "state": "open"}
        unit.insert(STREAMS_OUT, {"peer": "first", "prev": None, **place})
        unit.insert(STREAMS_OUT, {"peer": "later", "prev": "a", **place})

        def change(peer: str, expected: str | None, to: str | None) -> str | None:
            row = unit.update(STREAMS_OUT, {"peer": peer}, {"prev": to}, expect={"prev": expected})
            return None if row is None else f"{row['peer']}:{row['prev']}"

        absent = [
            change("later", None, "b"),
            change("first", None, "b"),
            change("first", None, "c"),
        ]
        present = [change("later", "b", "c"), change("later", "a", None), change("first", "b", "d")]
        unit.take_change_set()
        return absent, present

    absent, present = database.write(write)
    assert absent == [None, "first:b", None]
    assert present == [None, "later:None", "first:d"]


def test_a_duplicate_key_is_the_callers_error(database: Database) -> None:
    database.write(lambda unit: fact(unit, "once"))
    with pytest.raises(Taken):
        database.write(lambda unit: fact(unit, "once"))
    assert count(database) == 1


def test_bells_ring_after_the_commit(database: Database) -> None:
    bell = database.bell("topic")

    def work(unit: Unit) -> None:
        fact(unit, "rung")
        unit.ring("topic")
        assert not bell.is_set()

    database.write(work)
    assert bell.is_set()


def test_the_change_set_names_rows_and_digests(database: Database) -> None:
    def work(unit: Unit) -> tuple[str, str]:
        unit.insert(NODE_STATE, {"name": "a", "value": "1", "at": "t"})
        unit.update(NODE_STATE, {"name": "a"}, {"value": "2"})
        unit.delete(NODE_STATE, {"name": "a"})
        return unit.take_change_set()

    text, digest = database.write(work)
    assert text.count('"node_state"') == 3
    assert text.endswith('["node_state",["a"],null]]')
    assert digest.startswith("sha256:")


def test_what_postgresql_cannot_hold_is_refused_and_no_outage(postgres_url: str) -> None:
    """Doors refuse U+0000 on every database; this is what hears of one that did not."""
    templates.prepare(postgres_url)
    database = Database(postgres_url)
    long = "".join(map(chr, random.Random(3).choices(range(0x4E00, 0x9FFF), k=9000)))
    escaped = text("SELECT CAST(:said AS jsonb) ->> 'a'")
    for reading in (
        lambda one: one.execute(select(NODE_STATE).where(NODE_STATE.c.name == "a\0b")),
        lambda one: one.execute(escaped, {"said": '{"a": "\\u0000"}'}),
    ):
        with pytest.raises(Invalid) as found:
            database.read(reading)
        assert found.value.code == "text.nul"
    with pytest.raises(Invalid, match=r"text\.nul"):
        database.write(lambda unit: fact(unit, "a\0b"))
    with pytest.raises(OperationalError):  # too long for an index: it will be tomorrow too
        database.write(lambda unit: fact(unit, long))
    database.close()


def test_sqlite_is_durable(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/d.db")
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    database.close()
