"""`comity audit fsck` against a foreign hand that changes the database's form, or is nonsensical."""

import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from api.records import declared
from api.records.peer_logs import PEER_LOGS, PEER_TILES
from api.records.schema import METADATA
from api.services.audit import fsck
from tests.support import journeys, tampering
from tests.support.command_line import CommandLine, Ended
from tests.support.federation import Federation
from tests.support.tampering import UK, US

FAR = 2**40
Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a node that was stopped after an exchange, and the membership."""
    folder = tmp_path_factory.mktemp("fsck")
    made = tampering.eventful(folder / "federation")
    made.close()
    (folder / "membership.json").write_bytes(made.membership.raw)
    shutil.copytree(folder / "federation" / US, folder / "node")
    return folder


@pytest.fixture
def node(home: Path, tmp_path: Path) -> Path:
    """A copy of that node's database to spoil."""
    shutil.copy(home / "node" / "node.db", tmp_path / "node.db")
    return tmp_path / "node.db"


@pytest.fixture
def run(home: Path, node: Path, tmp_path: Path) -> Run:
    def check(store: Path = home / "node" / "store") -> Ended:
        return CommandLine(tmp_path)(
            *("audit", "fsck", "--database-url", f"sqlite:///{node}"),
            *("--store", store, "--membership", home / "membership.json"),
            as_json=True,
        )

    return check


def spoil(node: Path, *statements: str) -> None:
    connection = sqlite3.connect(node)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def rebuilt(table: str) -> tuple[str, ...]:
    """Statements that take every constraint and index off a table."""
    return (
        f"CREATE TABLE bare AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE bare RENAME TO {table}",
    )


@pytest.mark.parametrize(
    ("statements", "code", "table"),
    [
        (("DROP INDEX ix_events_leaf",), "fsck.index-missing", "events"),
        (("DROP INDEX uq_messages_in_number",), "fsck.index-missing", "messages_in"),
        (rebuilt("approvals"), "fsck.index-missing", "approvals"),
        (
            ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM drafts; END",),
            "fsck.trigger",
            "events",
        ),
        (("CREATE VIEW shadow AS SELECT * FROM events",), "fsck.table-extra", "shadow"),
        (("ALTER TABLE packages ADD COLUMN more TEXT",), "fsck.column-extra", "packages"),
        (("ALTER TABLE packages DROP COLUMN title",), "fsck.column-missing", "packages"),
        (("DROP TABLE events",), "fsck.table-missing", "events"),
        (("DROP TABLE log_heads",), "fsck.table-missing", "log_heads"),
        (("DELETE FROM alembic_version",), "fsck.revision", "alembic_version"),
    ],
)
def test_a_changed_form_is_named(
    run: Run, node: Path, statements: tuple[str, ...], code: str, table: str
) -> None:
    spoil(node, *statements)
    result = run()
    assert result.code == 3, result.err
    assert (result.document["code"], result.document["table"]) == (code, table)


def test_another_index_is_no_finding(run: Run, node: Path) -> None:
    spoil(node, "CREATE INDEX quick ON events (outcome)", "DROP INDEX ix_events_object")
    assert run().code == 0


@pytest.mark.parametrize("table", ["log_tiles", "peer_tiles", "peer_logs", "log_heads"])
def test_rows_that_are_there_twice_crash_nothing(run: Run, node: Path, table: str) -> None:
    spoil(node, *rebuilt(table), f"INSERT INTO {table} SELECT * FROM {table}")
    result = run()
    assert result.code == 3, result.err
    assert result.document["table"] == table


@pytest.mark.parametrize("table", ["events", "officers"])
def test_a_row_that_is_there_twice_is_named(run: Run, node: Path, table: str) -> None:
    key = next(iter(METADATA.tables[table].primary_key.columns)).name
    again = f"INSERT INTO {table} SELECT * FROM {table} ORDER BY {key} LIMIT 1"
    spoil(node, *rebuilt(table), again)
    connection = sqlite3.connect(node)
    (first,) = connection.execute(f"SELECT min({key}) FROM {table}").fetchone()
    connection.close()
    found = run().document
    assert (found["table"], found["row"]) == (table, [first])
    assert found["index"] is not None


def test_empty_cells_where_none_may_be(run: Run, node: Path) -> None:
    spoil(node, *rebuilt("log_heads"), "INSERT INTO log_heads (size) VALUES (NULL)")
    result = run()
    assert result.code == 3, result.err
    assert "log_heads" in {finding["table"] for finding in result.document["findings"]}


def test_rows_far_beyond_the_tree_do_not_make_the_check_endless(run: Run, node: Path) -> None:
    spoil(
        node,
        f"INSERT INTO log_tiles (level, n, data) VALUES (0, {FAR}, zeroblob(8192))",
        f"INSERT INTO log_bundles SELECT {FAR}, width, data FROM log_bundles LIMIT 1",
    )
    result = run()
    assert result.code == 3
    assert {(one["table"], one["row"][-1]) for one in result.document["findings"]} == {
        ("log_tiles", FAR),
        ("log_bundles", FAR),
    }


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("cosignatures", "cosigner", "CAST(x'ff41' AS TEXT)"),
        ("cosignatures", "digest", "CAST(x'ff41' AS TEXT)"),
        ("package_exhibits", "label", "CAST(x'ff41' AS TEXT)"),
        ("log_heads", "size", "'many'"),
        ("log_tiles", "data", "CAST(data AS TEXT)"),
        ("events", "salt_e", "CAST(salt_e AS TEXT)"),
        ("peer_logs", "size", str(2**63 - 1)),
    ],
)
def test_nonsense_is_named_and_crashes_nothing(
    run: Run, node: Path, table: str, column: str, value: str
) -> None:
    connection = sqlite3.connect(node)
    keys = [each.name for each in METADATA.tables[table].primary_key.columns]
    row = f"FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})"
    before = [*connection.execute(f"SELECT {', '.join(keys)} {row}").fetchone()]
    connection.close()
    spoil(
        node,
        f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT min(rowid) FROM {table})",
    )
    result = run()
    assert result.code == 3, result.err
    assert result.document["table"] == table
    named = zip(keys, result.document["row"], before, strict=True)
    assert all(shown == was for name, shown, was in named if name != column)


def test_a_list_copied_from_another_head(run: Run, node: Path) -> None:
    connection = sqlite3.connect(node)
    rows = connection.execute(
        "SELECT size, cosigned FROM log_heads WHERE cosigned IS NOT NULL ORDER BY size"
    ).fetchall()
    ((size, _), (_, other)) = rows[0], rows[1]
    connection.close()
    spoil(node, f"UPDATE log_heads SET cosigned = '{other}' WHERE size = {size}")
    found = run().document
    assert (found["table"], found["row"]) == ("log_heads", [size])


def test_no_list_and_an_empty_one_are_two_things(run: Run, node: Path) -> None:
    connection = sqlite3.connect(node)
    (size,) = connection.execute(
        "SELECT min(size) FROM log_heads WHERE cosigned IS NULL"
    ).fetchone()
    connection.close()
    spoil(node, f"UPDATE log_heads SET cosigned = '' WHERE size = {size}")
    found = run().document
    assert (found["table"], found["row"]) == ("log_heads", [size])


def test_a_repeated_head_is_the_one_that_is_named(run: Run, node: Path) -> None:
    spoil(
        node,
        "INSERT INTO log_heads"
        " SELECT max(size) + 9, root, note, previous, cosigned, served FROM log_heads",
    )
    connection = sqlite3.connect(node)
    (size,) = connection.execute("SELECT max(size) FROM log_heads").fetchone()
    connection.close()
    found = run().document
    assert (found["table"], found["row"]) == ("log_heads", [size])


def test_files_that_no_row_names(run: Run, home: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(home / "node" / "store", store)
    name = sha256(b"a crash left this").hexdigest()
    (store / "objects" / name[:2] / name).write_bytes(b"a crash left this")
    result = run(store)
    assert (result.code, result.document["unclaimed"]) == (0, 1)
    wrong = "ab" + 62 * "0"
    (store / "objects" / "ab" / wrong).write_bytes(b"somebody put this here")
    result = run(store)
    assert result.code == 3
    assert (result.document["table"], result.document["row"]) == ("exhibits", [f"sha256:{wrong}"])


def test_the_store_is_not_touched(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run(empty)
    assert (result.code, result.document["table"]) == (3, "exhibits")
    assert result.document["index"] is not None
    assert [*empty.iterdir()] == []


def test_a_partners_head_that_was_put_back(tmp_path: Path) -> None:
    """The old row and its tiles are all genuine; what the node cosigned since tells them apart."""
    made = Federation(tmp_path / "federation")
    journeys.exchange(made)
    kept = {
        table: made[US].db.read(lambda c, t=table: tampering.rows_of(c, t))
        for table in (PEER_LOGS, PEER_TILES)
    }
    package = journeys.submit(made, UK, "From London", b"an exhibit\n" * 50)
    journeys.release(made, package, US, UK)
    made.settle()
    journeys.witness_all(made)
    with made[US].db.engine.connect() as connection:
        assert findings(connection, made) == set()
        for table, rows in kept.items():
            connection.execute(table.delete())
            connection.execute(table.insert(), rows)
        report = fsck.check(connection, fsck.Trust(made.membership))
        assert report.first is not None
        assert (report.first.code, report.first.row) == ("fsck.peer-log", (UK,))
        connection.rollback()
    made.close()


@pytest.fixture
def postgres(postgres_server: Any, tmp_path: Path) -> Federation:
    return Federation(tmp_path / "federation", urls={US: postgres_server.fresh()})


def findings(connection: Connection, made: Federation) -> set[tuple[str, str]]:
    report = fsck.check(connection, fsck.Trust(made.membership))
    return {(finding.code, finding.table) for finding in report.findings}


def test_the_form_of_a_postgresql_database(postgres: Federation) -> None:
    with postgres[US].db.engine.connect() as connection:
        assert findings(connection, postgres) == set()
        assert set(METADATA.tables) < set(declared.tables(connection))
        for statement in (
            "DROP INDEX ix_events_leaf",
            "ALTER TABLE approvals DROP CONSTRAINT pk_approvals",
            "ALTER TABLE packages ADD COLUMN more TEXT",
            "ALTER TABLE drafts ALTER COLUMN version TYPE TEXT",
            "CREATE VIEW shadow AS SELECT * FROM events",
            "CREATE RULE deaf AS ON INSERT TO events DO INSTEAD NOTHING",
            "CREATE INDEX quick ON events (outcome)",
        ):
            connection.exec_driver_sql(statement)
        assert findings(connection, postgres) == {
            ("fsck.index-missing", "events"),
            ("fsck.index-missing", "approvals"),
            ("fsck.column-extra", "packages"),
            ("fsck.column-type", "drafts"),
            ("fsck.table-extra", "shadow"),
            ("fsck.trigger", "events"),
        }
        connection.rollback()
    postgres.close()
