"""Commits of one process wake another one's loops; what was remembered of officers grows old."""

import threading
import time
from collections.abc import Iterator

import pytest

from api.records.database import Database
from api.records.node_state import NODE_STATE
from api.records.officers import GRANTS, IDENTITIES, OFFICER_KEYS, OFFICERS, version
from api.records.suspensions import SUSPENSIONS
from api.records.unit_of_work import Unit
from api.services.standings import Standings
from tests.support import marks, templates

WAIT = 20.0
AT = "2027-01-01T00:00:00.000Z"


@pytest.fixture
def here(database: Database) -> Database:
    return database


@pytest.fixture
def there(here: Database) -> Iterator[Database]:
    """The same database as another process sees it."""
    made = Database(here.url)
    yield made
    made.close()


def rings(unit: Unit, *topics: str) -> None:
    name = f"n{len(topics)}-{'-'.join(topics)}"
    unit.insert(NODE_STATE, {"name": name, "value": "v", "at": AT})
    unit.take_change_set()
    for topic in topics:
        unit.ring(topic)


def test_a_commit_rings_the_bells_of_another_process(postgres_url: str) -> None:
    templates.prepare(postgres_url)
    here, there = Database(postgres_url), Database(postgres_url)
    bell, other = there.bell("urgent"), there.bell("never")
    there.listen()
    try:
        # A listener that has just started may miss what was told before.
        for number in range(200):
            here.write(lambda unit, n=number: rings(unit, "urgent", f"more-{n}"))
            if bell.wait(0.1):
                break
        assert bell.is_set()
        bell.clear()
        here.write(lambda unit: rings(unit, "urgent"))
        assert bell.wait(WAIT)
        assert not other.is_set()
    finally:
        there.close()
        here.close()


def test_who_hears_is_called_by_commits_here_and_elsewhere(postgres_url: str) -> None:
    templates.prepare(postgres_url)
    here, there = Database(postgres_url), Database(postgres_url)
    heard = [threading.Event(), threading.Event()]
    for database, event in zip((here, there), heard, strict=True):
        database.hear(event.set, "urgent")
    there.listen()
    there.listen()
    try:
        for number in range(200):
            here.write(lambda unit, n=number: rings(unit, "urgent", f"again-{n}"))
            if heard[1].wait(0.1):
                break
        assert all(each.is_set() for each in heard)
        there.write(lambda unit: rings(unit, "another"))
        heard[0].clear()
        here.ring("another")
        assert not heard[0].is_set()
    finally:
        there.close()
        here.close()


def test_a_listener_finds_the_server_again(postgres_url: str) -> None:
    templates.prepare(postgres_url)
    here, there = Database(postgres_url), Database(postgres_url)
    bell = there.bell("urgent")
    there.listen()
    try:
        killed = False
        for number in range(300):
            here.write(lambda unit, n=number: rings(unit, "urgent", f"more-{n}"))
            if bell.wait(0.1):
                if killed:
                    break
                cut_off(here)
                killed = True
                bell.clear()
        assert killed
        assert bell.is_set()
    finally:
        there.close()
        here.close()


def cut_off(database: Database) -> None:
    """End every listening session, as a server's restart would."""
    database.look(
        lambda connection: connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        ).all()
    )


def test_a_mark_changes_with_every_commit_and_with_nothing_else(
    here: Database, there: Database
) -> None:
    here.listen()
    here.write(lambda unit: rings(unit, "first"))
    before = marks.awaited(here)
    assert before is not None
    here.look(version)
    here.read(version)
    assert here.mark() == before
    here.write(lambda unit: rings(unit, "urgent", "own"))
    own = here.mark()
    assert own != before
    there.write(lambda unit: rings(unit, "urgent", "other", "process"))
    end = time.monotonic() + WAIT
    while here.mark() == own and time.monotonic() < end:
        time.sleep(0.01)
    assert here.mark() != own


def test_a_database_that_hears_nobody_has_no_mark(here: Database) -> None:
    assert here.mark() is None


def person(unit: Unit, officer: str) -> None:
    unit.insert(OFFICERS, {"id": officer, "name": "A", "state": "active", "created_at": AT})
    unit.insert(IDENTITIES, {"iss": "i", "sub": officer, "officer": officer})
    unit.take_change_set()


GRANT = {"id": "g", "officer": "o", "role": "analyst", "proposed_by": "x", "proposed_at": AT}
KEY = {"kid": "k", "officer": "o", "form": "jws", "jwk": "{}", "proposed_by": "x"}
SUSPENDED = {"id": "s", "officer": "o", "imposed_by": "x", "imposed_at": AT, "ends_at": "2028"}
CHANGES = {
    "a role is granted": lambda unit: unit.insert(GRANTS, {**GRANT, "state": "active"}),
    "a role is revoked": lambda unit: unit.update(GRANTS, {"id": "g"}, {"state": "revoked"}),
    "a key is enrolled": lambda unit: unit.insert(
        OFFICER_KEYS, {**KEY, "proposed_at": AT, "state": "active"}
    ),
    "keys are revoked": lambda unit: unit.update_many(OFFICER_KEYS, [("k",)], {"state": "revoked"}),
    "a suspension": lambda unit: unit.insert(SUSPENSIONS, SUSPENDED),
    "its end": lambda unit: unit.update(SUSPENSIONS, {"id": "s"}, {"lifted_at": AT}),
    "the end of the account": lambda unit: unit.update(OFFICERS, {"id": "o"}, {"expires_at": AT}),
    "the account goes": lambda unit: unit.delete(IDENTITIES, {"iss": "i", "sub": "o"}),
}


def test_every_change_of_an_officer_holds_in_other_processes_at_once(
    here: Database, there: Database
) -> None:
    standings = Standings()
    here.write(lambda unit: person(unit, "o"))
    seen = [standings.of(there, "i", "o", AT)]
    for name, change in CHANGES.items():

        def work(unit: Unit, change=change) -> None:
            change(unit)
            unit.take_change_set()

        here.write(work)
        seen.append(standings.of(there, "i", "o", AT))
        assert seen[-1] != seen[-2], name
        assert seen[-1] == Standings().of(there, "i", "o", AT), name
    assert seen[-1] is None


def test_what_did_not_change_is_remembered(here: Database, there: Database) -> None:
    standings = Standings()
    here.write(lambda unit: person(unit, "o"))
    first = standings.of(there, "i", "o", AT)
    here.write(lambda unit: rings(unit, "urgent"))
    assert standings.of(there, "i", "o", AT) is first


def test_a_suspension_that_ends_by_itself_is_not_remembered(here: Database) -> None:
    standings = Standings()
    here.write(lambda unit: person(unit, "o"))

    def suspend(unit: Unit) -> None:
        unit.insert(SUSPENSIONS, SUSPENDED)
        unit.take_change_set()

    here.write(suspend)
    found = [standings.of(here, "i", "o", now) for now in (AT, "2029-01-01T00:00:00.000Z")]
    assert [one is not None and one.active for one in found] == [False, True]


def test_a_change_that_is_undone_raises_no_version(here: Database) -> None:
    before = here.look(version)

    def fails(unit: Unit) -> None:
        person(unit, "o")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        here.write(fails)
    assert here.look(version) == before
    here.write(lambda unit: person(unit, "o"))
    assert here.look(version) == before + 1
