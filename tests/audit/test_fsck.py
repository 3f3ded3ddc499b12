"""`comity audit fsck` as an operator runs it, and what a foreign hand may do beside changing values."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, Text

from api.records import log
from api.records.log import BUNDLES, EVENTS, HEADS, TILES
from api.records.log_rows import StoredEvent
from api.records.schema import METADATA
from api.services.audit import fsck
from api.services.log.checkpoints import entry_of
from api.tlog.merkle import leaf_hash
from api.tlog.tiles import encode_bundle, tiles_for_append
from api.wire.keys import Purpose
from api.wire.membership import parse_membership
from tests.support import tampering
from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine, Ended
from tests.support.federation import Federation
from tests.support.signing import with_bounds
from tests.support.tampering import US
from tests.tlog.trees import MemoryTree

WRONG = {bytes: "text", str: b"\xff\x00", int: "many", bool: "perhaps"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a node that was stopped after an exchange, and the membership."""
    folder = tmp_path_factory.mktemp("fsck")
    made = tampering.eventful(folder / "federation")
    made.close()
    (folder / "membership.json").write_bytes(made.membership.raw)
    shutil.copytree(folder / "federation" / US, folder / "node")
    return folder


Run = Callable[..., Ended]


@pytest.fixture
def node(home: Path, tmp_path: Path) -> Path:
    """A copy of that node's database to spoil."""
    shutil.copy(home / "node" / "node.db", tmp_path / "node.db")
    return tmp_path / "node.db"


@pytest.fixture
def run(home: Path, node: Path, tmp_path: Path) -> Run:
    def check(
        store: Path = home / "node" / "store", membership: Path | None = None, **options: Any
    ) -> Ended:
        return CommandLine(tmp_path)(
            *("audit", "fsck", "--database-url", f"sqlite:///{node}"),
            *("--store", store, "--membership", membership or home / "membership.json"),
            **{"as_json": True, **options},
        )

    return check


def spoil(node: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(node) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def test_a_sound_node(run: Run) -> None:
    result = run()
    assert result.code == 0, result.out
    found = result.document
    assert (found["ok"], found["ministry"], found["found"], found["waiting"]) == (True, US, 0, 0)
    assert found["log_size"] > 40
    text = run(as_json=False)
    assert text.out.splitlines()[-1] == "everything fits"


def test_one_changed_cell_ends_with_3_and_its_place(run: Run, node: Path) -> None:
    spoil(node, "UPDATE events SET outcome = 'refused' WHERE leaf_index = 12")
    result = run()
    assert result.code == 3
    found = result.document
    assert (found["index"], found["table"], found["row"]) == (12, "events", [13])
    assert found["found"] == len(found["findings"]) == 1
    text = run(as_json=False)
    assert text.code == 3
    assert "leaf 12, events [13]" in text.out


@pytest.mark.parametrize("table", ["packages", "drafts", "officers", "messages_out"])
def test_a_changed_row_names_the_event_that_left_it(run: Run, node: Path, table: str) -> None:
    key = next(iter(METADATA.tables[table].primary_key.columns)).name
    connection = sqlite3.connect(node)
    (row,) = connection.execute(f"SELECT {key} FROM {table} LIMIT 1").fetchone()
    connection.close()
    spoil(node, f"UPDATE {table} SET state = 'other' WHERE {key} = ?", row)
    found = run().document
    assert (found["table"], found["row"]) == (table, [row])
    assert found["index"] is not None


def columns() -> list[tuple[str, str]]:
    names = ("events", "log_heads", "log_tiles", "log_bundles", "cosignatures")
    names += ("peer_logs", "peer_tiles", "statements", "messages_in", "exhibits")
    return [(name, column.name) for name in names for column in METADATA.tables[name].columns]


def one_column_of_each() -> list[Any]:
    """The first column of each table, and in a whole run all others."""
    first = dict(reversed(columns()))
    every = sorted(columns(), key=lambda each: first[each[0]] != each[1])
    return [
        *every[: len(first)],
        *(pytest.param(*each, marks=campaign()) for each in every[len(first) :]),
    ]


@pytest.mark.parametrize(("table", "column"), one_column_of_each())
def test_values_of_another_type_are_findings_and_no_errors(
    run: Run, node: Path, table: str, column: str
) -> None:
    """SQLite stores whatever it is given."""
    kind = METADATA.tables[table].c[column].type.python_type
    statement = f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT max(rowid) FROM {table})"
    try:
        spoil(node, statement, WRONG[kind])
    except sqlite3.IntegrityError:
        # The one column that is the row's own number keeps its type.
        assert (table, column) == ("events", "seq")
        return
    result = run()
    assert result.code == 3, result.err
    assert table in {finding["table"] for finding in result.document["findings"]}


def test_text_that_is_no_utf8(run: Run, node: Path) -> None:
    spoil(node, "UPDATE packages SET title = CAST(x'ff41' AS TEXT)")
    result = run()
    assert result.code == 3, result.err
    assert result.document["table"] == "packages"


def test_tables_that_come_and_go(run: Run, node: Path) -> None:
    connection = sqlite3.connect(node)
    connection.execute("CREATE TABLE shadow (a TEXT)")
    connection.execute("UPDATE alembic_version SET version_num = '0001_road'")
    connection.commit()
    found = {(one["code"], one["table"]) for one in run().document["findings"]}
    assert found == {("fsck.table-extra", "shadow"), ("fsck.revision", "alembic_version")}
    connection.execute("DROP TABLE packages")
    connection.commit()
    connection.close()
    result = run()
    assert result.code == 3
    assert ("fsck.table-missing", "packages") in {
        (one["code"], one["table"]) for one in result.document["findings"]
    }


def test_exhibits_are_read(run: Run, home: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(home / "node" / "store", store)
    files = sorted(path for path in (store / "objects").rglob("*") if path.is_file())
    assert len(files) == 2
    files[0].chmod(0o600)
    data = files[0].read_bytes()
    files[0].write_bytes(b"X" + data[1:])
    files[1].unlink()
    found = run(store).document
    assert {(one["table"], one["row"][0]) for one in found["findings"]} == {
        ("exhibits", f"sha256:{path.name}") for path in files
    }


def test_what_the_command_needs(run: Run, node: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").code == 5
    node.unlink()
    result = run()
    assert (result.code, result.problem["code"]) == (5, "database.unknown")
    assert not node.exists()


def test_a_database_that_is_no_database(run: Run, node: Path) -> None:
    node.write_bytes(b"SQLite format 3\x00" + random.Random(7).randbytes(8000))
    result = run()
    assert result.code == 3
    assert result.problem["code"] == "fsck.unreadable"


def test_history_rewritten_without_the_keys_is_found_at_the_heads(
    home: Path, node: Path, run: Run
) -> None:
    """Event, entries and tiles all made anew: only the signed roots contradict."""
    connection = sqlite3.connect(node)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY leaf_index")]
    rows[20]["body"] = rows[20]["body"].replace(b'"origin":"', b'"origin":"x')
    entries = [entry_of(StoredEvent(**row)) for row in rows]
    tiles = tiles_for_append(0, [leaf_hash(entry) for entry in entries], MemoryTree())
    connection.execute("UPDATE events SET body = ? WHERE leaf_index = 20", (rows[20]["body"],))
    connection.execute("UPDATE log_bundles SET data = ?", (encode_bundle(entries),))
    for level, n, data in tiles:
        connection.execute(
            "UPDATE log_tiles SET data = ? WHERE level = ? AND n = ?", (data, level, n)
        )
    connection.commit()
    sizes = [row[0] for row in connection.execute("SELECT size FROM log_heads ORDER BY size")]
    connection.close()
    found = run().document
    contradicted = [size for size in sizes if size > 20]
    assert {(one["code"], one["row"][0]) for one in found["findings"]} == {
        ("fsck.root", size) for size in contradicted
    }
    assert found["index"] == max(size for size in sizes if size <= 20)


def test_heads_signed_by_someone_else(run: Run, node: Path, home: Path) -> None:
    connection = sqlite3.connect(home / "federation" / "uk-fcdo" / "node.db")
    size, root, note = connection.execute(
        "SELECT size, root, note FROM log_heads ORDER BY size DESC"
    ).fetchone()
    connection.close()
    connection = sqlite3.connect(node)
    with connection:
        connection.execute("DELETE FROM log_heads WHERE size = ?", (size,))
        connection.execute(
            "INSERT INTO log_heads (size, root, note) VALUES (?, ?, ?)", (size, root, note)
        )
    connection.close()
    found = run().document
    assert (found["code"], found["row"]) == ("fsck.head-signature", [size])


def bounded(home: Path, purpose: Purpose, **bound: int) -> Path:
    """The membership with an end or a start of one of Washington's keys."""
    known = parse_membership((home / "membership.json").read_bytes())
    kids = [key.kid for key in known.member(US).keys if key.purpose is purpose]
    changed = with_bounds(known, dict.fromkeys(kids, bound))
    (home / "bounded.json").write_bytes(changed.raw)
    return home / "bounded.json"


@pytest.mark.parametrize("purpose", [Purpose.LOG, Purpose.LOG_PQ])
def test_heads_are_judged_by_the_bounds_of_their_keys(
    run: Run, node: Path, home: Path, purpose: Purpose
) -> None:
    """What a log key signed beyond its end, or before its start, is a finding; revoking is none."""
    connection = sqlite3.connect(node)
    sizes = [size for (size,) in connection.execute("SELECT size FROM log_heads ORDER BY size")]
    connection.close()
    assert len(sizes) > 3
    last, middle = sizes[-1], sizes[1]
    for bound in ({"until": last}, {"revoked_from": middle}):
        assert run(membership=bounded(home, purpose, **bound)).code == 0, bound
    for bound, beyond in (
        ({"until": middle}, [size for size in sizes if size > middle]),
        ({"from": last}, [size for size in sizes if size < last]),
    ):
        found = run(membership=bounded(home, purpose, **bound)).document
        rows = [one["row"] for one in found["findings"] if one["code"] == "fsck.head-signature"]
        assert rows == [[size] for size in beyond]


def test_it_runs_beside_a_working_node(tmp_path: Path) -> None:
    made = Federation(tmp_path / "federation")
    (tmp_path / "membership.json").write_bytes(made.membership.raw)
    result = CommandLine(tmp_path)(
        *("audit", "fsck", "--database-url", made[US].db.url),
        *("--membership", tmp_path / "membership.json"),
        as_json=True,
    )
    assert result.code == 0, result.out
    # Nothing is in the tree yet: said, and no fault.
    assert (result.document["log_size"], result.document["waiting"]) == (0, 1)
    made.close()


def test_every_table_has_a_rule() -> None:
    """A derived table needs a check of its own: a new one must not slip through."""
    derived = {t.name for t in METADATA.sorted_tables if t.info.get("protection") == "derived"}
    known = {EVENTS.name, BUNDLES.name, TILES.name, HEADS.name, log.COSIGNATURES.name}
    assert derived == known | {"peer_logs", "peer_tiles"}
    for table in METADATA.sorted_tables:
        kinds = {type(column.type.python_type()) for column in table.columns}
        assert kinds <= {str, int, bytes, bool}, table.name
    assert isinstance(EVENTS.c.body.type, LargeBinary)
    assert isinstance(EVENTS.c.touched.type, Text)


def test_a_report_keeps_its_size() -> None:
    findings = fsck.Findings()
    for number in range(3000):
        findings.add("fsck.row-changed", "packages", [f"p{number}"], "Changed.", index=number)
    findings.add("fsck.row-changed", "packages", ["p5"], "Changed.", index=5)
    assert (findings.count, len(list(findings))) == (3000, 1000)
    assert findings.first is not None
    assert findings.first.index == 0
