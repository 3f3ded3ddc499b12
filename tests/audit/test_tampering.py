"""The tamper campaign: every column of every table changed, each change found and named.

By default one row of each column is changed by a fixed seed, and on PostgreSQL a third of these
changes are made; ``COMITY_TAMPER=columns`` makes all of them on both databases, and
``COMITY_TAMPER=full`` changes every cell of every row. A short run makes a quarter of the first
of eight shares; it changes every table too.
"""

import os
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from api.records import log
from api.records.schema import METADATA
from api.services.audit import fsck
from tests.support import tampering
from tests.support.campaigns import long, short
from tests.support.federation import Federation
from tests.support.foreign import ANOTHER_IN_THE_END
from tests.support.tampering import US, Tampering

EXEMPTIONS = Path(__file__).parents[1] / "tamper-exemptions.toml"
EVERY_ROW = 10**9
EXTENT = os.environ.get("COMITY_TAMPER", "")
MOST = EVERY_ROW if EXTENT == "full" else 1
SHARES = 8


def exempt() -> dict[str, str]:
    entries = tomllib.loads(EXEMPTIONS.read_text())["exempt"]
    return {entry["table"]: entry["reason"] for entry in entries}


@pytest.fixture(scope="module")
def sqlite_federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = tampering.eventful(tmp_path_factory.mktemp("sqlite"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def postgres_federation(
    postgres_server: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Federation]:
    made = tampering.eventful(tmp_path_factory.mktemp("postgres"), postgres_server.fresh())
    yield made
    made.close()


@pytest.fixture(params=ANOTHER_IN_THE_END)
def federation(request: pytest.FixtureRequest) -> Federation:
    name = "sqlite_federation" if request.param == "sqlite" else "postgres_federation"
    found: Federation = request.getfixturevalue(name)
    return found


@pytest.fixture
def connection(federation: Federation) -> Iterator[Connection]:
    with federation[US].db.engine.connect() as opened:
        if opened.dialect.name == "sqlite":
            opened.exec_driver_sql("BEGIN")
        yield opened
        opened.rollback()


def test_only_volatile_tables_are_exempt_and_all_others_are_covered() -> None:
    reasons = exempt()
    volatile = {
        table.name for table in METADATA.sorted_tables if table.info.get("protection") == "volatile"
    }
    assert set(reasons) == volatile
    assert all(len(reason) > 30 for reason in reasons.values())
    covered = {
        (table.name, column.name)
        for table in tampering.covered_tables(set(reasons))
        for column in table.columns
    }
    spared = {(name, column.name) for name in reasons for column in METADATA.tables[name].columns}
    every = {
        (table.name, column.name) for table in METADATA.sorted_tables for column in table.columns
    }
    assert covered | spared == every
    assert not covered & spared
    protections = {table.info.get("protection") for table in METADATA.sorted_tables}
    assert protections == {"recorded", "derived", "volatile"}


def test_an_untouched_database_is_found_in_order(
    federation: Federation, connection: Connection
) -> None:
    trust = fsck.Trust(federation.membership)
    report = fsck.check(connection, trust, store=federation[US].store)
    assert [finding.to_json() for finding in report.findings] == []
    assert (report.ministry, report.waiting, report.lost, report.erased) == (US, 0, 0, 0)
    assert report.size > 40
    assert report.rows > 100


def changes_of_tables(connection: Connection, rng: random.Random) -> Iterator[list[Tampering]]:
    thin = not EXTENT and connection.dialect.name == "postgresql"
    for table in tampering.covered_tables(set(exempt())):
        changes = [
            *tampering.cells(connection, table, rng, MOST),
            *tampering.deletions(connection, table, rng, MOST),
            *tampering.insertions(connection, table, rng),
            *tampering.swaps(connection, table, rng),
        ]
        changes = [change for change in changes if not as_a_crash_leaves_it(connection, change)]
        yield rng.sample(changes, -(-len(changes) // 3)) if thin else changes


def in_turn(changes: list[Tampering], share: int) -> tuple[list[Tampering], list[Tampering]]:
    """A share of a table's changes, and the others: tried where the database lets none of it happen."""
    own = changes[share :: SHARES * 8 if short(__file__) else SHARES]
    return own, [change for change in changes if change not in own]


def as_a_crash_leaves_it(connection: Connection, change: Tampering) -> bool:
    """Whether only the newest head, cosigned by nobody, is called unshown.

    A node that dies between committing a head and remembering it outside leaves just that; the next
    start shows the head (``services/log/remembering.py``). Nothing is told apart, and nothing lost.
    """
    newest = log.newest_head(connection)
    return (
        change.what == "log_heads.served set to another value"
        and newest is not None
        and newest.cosigned is None
        and change.keys[0] == (newest.size,)
    )


def named(finding: fsck.FsckFinding, change: Tampering) -> bool:
    """Whether a finding names the table and the row that was changed."""
    if finding.table != change.table or finding.row is None:
        return False
    known = [value for value in finding.row if value is not None]
    return any(list(key[: len(known)]) == known for key in change.keys)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", [0, *long(*range(1, SHARES))])
def test_whatever_is_changed_is_found_and_named(
    federation: Federation, connection: Connection, share: int
) -> None:
    trust = fsck.Trust(federation.membership)
    done = 0
    missed: list[str] = []
    touched: set[str] = set()
    for changes in list(changes_of_tables(connection, random.Random(1728))):
        own, others = in_turn(changes, share)
        for change in [*own, *others]:
            if change not in own and change.table in touched:
                break
            with tampering.tampered(connection, change) as happened:
                if not happened:
                    continue
                done += 1
                touched.add(change.table)
                report = fsck.check(connection, trust)
            if report.first is None or not named(report.first, change):
                missed.append(f"{change.what} {change.keys}: {report.first}")
    print(f"{connection.dialect.name}: tampered {done}, missed {len(missed)}")
    assert missed == []
    assert touched == {table.name for table in tampering.covered_tables(set(exempt()))}
