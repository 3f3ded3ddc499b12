"""Units are committed together, and each is answered as if it had been alone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from api.domain.errors import Unavailable
from api.records import claimed_nonces
from api.records.collected import Taken
from api.records.database import Database
from api.records.node_state import NODE_STATE
from api.records.postgresql_writer import PostgresqlWriter
from api.records.statements import STATEMENTS
from api.records.unit_of_work import Unit
from tests.support.asked import Counted, counted


def fact(unit: Unit, name: str) -> None:
    unit.insert(NODE_STATE, {"name": name, "value": "v", "at": "t"})
    unit.take_change_set()


def names(database: Database) -> set[str]:
    return database.look(lambda connection: set(connection.scalars(select(NODE_STATE.c.name))))


def waiting(database: Database) -> int:
    """How many units wait for the commit that is under way."""
    writer = database._writer
    if isinstance(writer, PostgresqlWriter):
        return len(writer._together._queue)
    return len(writer._waiting)


@contextmanager
def listening(database: Database, name: str, listener: Callable[..., None]) -> Iterator[None]:
    event.listen(database.engine, name, listener)
    try:
        yield
    finally:
        event.remove(database.engine, name, listener)


def at_once(
    database: Database, *works: Callable[[Unit], object]
) -> tuple[list["Future[object]"], Counted]:
    """Run units that all wait until a first one has committed: they make one group."""
    held, goes = threading.Event(), threading.Event()

    def holds(*_: object) -> None:
        if not held.is_set():
            held.set()
            assert goes.wait(30)

    with (
        listening(database, "before_cursor_execute", holds),
        counted(database) as statements,
        ThreadPoolExecutor(len(works) + 1) as pool,
    ):
        pool.submit(database.write, lambda unit: fact(unit, "first"))
        assert held.wait(30)
        futures = []
        for number, work in enumerate(works, start=1):
            futures.append(pool.submit(database.write, work))
            while waiting(database) < number:
                time.sleep(0.001)
        goes.set()
    return futures, statements


def test_units_that_only_insert_share_a_commit_and_a_statement(database: Database) -> None:
    works = [lambda unit, name=f"n{number}": fact(unit, name) for number in range(20)]
    futures, statements = at_once(database, *works)
    assert [future.exception() for future in futures] == [None] * 20
    assert len(names(database)) == 21
    assert statements.commits == 2
    assert len(statements.of("INSERT")) == 2


def test_a_row_that_is_there_already_fails_its_own_unit_alone(database: Database) -> None:
    works = [lambda unit, name=name: fact(unit, name) for name in ("a", "b", "a", "c", "first")]
    futures, _ = at_once(database, *works)
    failed = [type(future.exception()) for future in futures]
    assert failed == [type(None), type(None), Taken, type(None), Taken]
    assert names(database) == {"first", "a", "b", "c"}


def test_nobody_is_answered_before_the_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that fails leaves nothing, and every unit of the group hears of it."""

    refusing = threading.Event()

    sqlite = database.dialect == "sqlite"
    dialect = database.engine.dialect
    commit = dialect.do_commit

    def refuses(connection: Any) -> None:
        if refusing.is_set():
            connection.driver_connection.close()
        commit(connection)

    def refuses_commit(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql == "COMMIT" and refusing.is_set():
            raise OSError("the disk is gone")

    monkeypatch.setattr(dialect, "do_commit", refuses)

    def last(unit: Unit) -> None:
        fact(unit, "last")
        refusing.set()

    works = [lambda unit, name=f"n{number}": fact(unit, name) for number in range(5)]
    with listening(database, "before_cursor_execute", refuses_commit):
        futures, _ = at_once(database, *works, last)
    assert all(isinstance(future.exception(), OSError | Unavailable) for future in futures)
    # On PostgreSQL units run before they wait, so that the first one's commit is refused too.
    assert names(database) == ({"first"} if sqlite else set())


def test_a_unit_sees_what_it_inserted_and_what_came_before_it(database: Database) -> None:
    seen: list[set[str]] = []

    def reads(unit: Unit) -> None:
        fact(unit, "own")
        seen.append(set(unit.connection.scalars(select(NODE_STATE.c.name))))

    database.write(lambda unit: fact(unit, "before"))
    database.write(reads)
    assert seen == [{"before", "own"}]


def test_a_part_that_collides_is_undone_alone(database: Database) -> None:
    database.write(lambda unit: fact(unit, "there"))

    def work(unit: Unit) -> str:
        fact(unit, "before")
        try:
            with unit.part():
                fact(unit, "inside")
                fact(unit, "there")
        except Taken as taken:
            fact(unit, "after")
            return taken.table
        return ""

    assert database.write(work) == "node_state"
    assert names(database) == {"there", "before", "after"}


def test_a_neighbours_collision_is_not_taken_for_ones_own(database: Database) -> None:
    """On SQLite the rows of one unit may be written while the next one runs."""
    if database.dialect != "sqlite":
        pytest.skip("a unit on PostgreSQL that reads has a transaction of its own")

    def careful(unit: Unit) -> str:
        try:
            with unit.part():
                fact(unit, "careful")
        except Taken:
            fact(unit, "gave-up")
            return "gave up"
        return "done"

    futures, _ = at_once(
        database, lambda unit: fact(unit, "first"), careful, lambda unit: fact(unit, "other")
    )
    assert isinstance(futures[0].exception(), Taken)
    assert futures[1].result() == "done"
    assert futures[2].exception() is None
    assert names(database) == {"first", "careful", "other"}


def test_a_unit_that_presumed_too_much_runs_again_and_looks(database: Database) -> None:
    runs: list[bool] = []

    def once(unit: Unit) -> str:
        runs.append(unit.presumes())
        if not runs[-1]:
            unit.lock("once")
            if unit.connection.scalar(select(NODE_STATE.c.name).where(NODE_STATE.c.name == "it")):
                return "was there"
        fact(unit, "it")
        return "made"

    assert [database.write(once), database.write(once)] == ["made", "was there"]
    assert runs == [True, True, False]
    assert names(database) == {"it"}


def test_an_error_of_a_unit_that_presumed_nothing_is_its_answer(database: Database) -> None:
    runs: list[int] = []

    def fails(unit: Unit) -> None:
        runs.append(1)
        fact(unit, "half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        database.write(fails)
    assert runs == [1]
    assert names(database) == set()


def test_a_caller_who_is_cut_off_lets_the_others_write(database: Database) -> None:
    """The next one to come leads; nothing of what was cut off stays."""

    def cut_off(unit: Unit) -> None:
        fact(unit, "lost")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.write(cut_off)
    database.write(lambda unit: fact(unit, "after"))
    assert names(database) == {"after"}


def test_units_of_many_threads_are_each_written_once(database: Database) -> None:
    with ThreadPoolExecutor(12) as pool:
        works = [lambda unit, name=f"n{number}": fact(unit, name) for number in range(300)]
        for future in [pool.submit(database.write, work) for work in works]:
            future.result(60)
    assert len(names(database)) == 300


@pytest.mark.parametrize("count", [1, 2, 16, 17, 50])
def test_any_number_of_rows_of_a_unit_is_written(database: Database, count: int) -> None:
    def writes(unit: Unit) -> None:
        rows = [{"name": f"n{number}", "value": str(number), "at": "t"} for number in range(count)]
        unit.insert(NODE_STATE, rows)
        unit.take_change_set()

    database.write(writes)
    query = select(NODE_STATE.c.name, NODE_STATE.c.value)
    found = database.look(lambda connection: {(*row,) for row in connection.execute(query)})
    assert found == {(f"n{number}", str(number)) for number in range(count)}


def test_a_condition_is_asked_of_every_row_of_a_statement(database: Database) -> None:
    """Of three nonces claimed together one stands in a statement: its unit alone is refused."""

    def told(unit: Unit) -> None:
        names = ("id", "type", "issued_at", "envelope_digest", "origin", "stored_at")
        row = dict.fromkeys(names, "told") | {"envelope": b"", "standing": "judged"}
        unit.insert(STATEMENTS, row | {"issuer": "us-treasury", "nonce": "used"})
        unit.take_change_set()

    def claims(nonce: str) -> Callable[[Unit], None]:
        return lambda unit: claimed_nonces.claim(unit, "us-treasury", nonce)

    database.write(told)
    futures, _ = at_once(database, claims("a"), claims("used"), claims("b"), claims("used-not"))
    failed = [type(future.exception()) for future in futures]
    assert failed == [type(None), Taken, type(None), type(None)]
    found = select(claimed_nonces.CLAIMED_NONCES.c.nonce)
    kept = database.look(lambda connection: set(connection.scalars(found)))
    assert kept == {"a", "b", "used-not"}


def test_a_writer_whose_commit_failed_writes_on(database: Database) -> None:
    """The connection that failed is given up; the next commit takes another."""
    database.write(lambda unit: fact(unit, "before"))
    commits = []

    def fails_once(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if sql == "COMMIT" and not commits:
            commits.append(sql)
            raise OSError("the disk is gone")

    if database.dialect == "sqlite":
        with listening(database, "before_cursor_execute", fails_once), pytest.raises(OSError):
            database.write(lambda unit: fact(unit, "lost"))
    database.write(lambda unit: fact(unit, "after"))
    assert names(database) == {"before", "after"}
