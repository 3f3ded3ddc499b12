"""F2: the least code that does the durable work of one publish, for ``bench publish``.

The officer's signature is checked and the statement sealed on two threads, with the bytes that a
node signs; a third thread writes the rows that one publish of a node leaves behind, through the
bare driver and one commit for whatever waits. Nothing of the node runs: no HTTP, token, policy,
parsing, unit of work, change set. So it does not move when the node does.

The rows are read from a node that published once, so that they are the same in number and size.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import make_url

from api.services.node import Node
from api.wire.encoding import b64u_decode
from api.wire.endorsements import check_endorsement
from api.wire.envelope import STATEMENT, Endorsement, seal
from api.wire.keys import Purpose
from api.wire.statements import By, Content, compose_statement, prepared_bytes
from tests.support.signing import Signatory

TABLES = (
    "statements",
    "claimed_nonces",
    "subjects",
    "identity_profiles",
    "identity_keys",
    "packages",
    "package_exhibits",
    "events",
)
_GROUP = 64
_THREADS = 2

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Work:
    """One publish, prepared: what is verified, what is sealed."""

    signatory: Signatory
    proof: Endorsement
    signed: bytes
    payload: bytes


def works(node: Node, drafts: Sequence[Mapping[str, Any]], signatory: Signatory) -> list[Work]:
    """Prepare everything that costs no cryptography."""
    made = []
    for draft in drafts:
        content = Content(str(draft["type"]), (), draft["body"])
        nonce = str(draft["endorsement"]["nonce"])
        bare = {name: one for name, one in draft["endorsement"].items() if name != "nonce"}
        statement = compose_statement(
            content,
            issuer=node.ministry,
            issued_at=node.clock.now(),
            nonce=b64u_decode(nonce),
            by=By(signatory.officer),
        )
        signed = prepared_bytes(content, issuer=node.ministry, nonce=nonce)
        made.append(Work(signatory, Endorsement.from_json(bare), signed, statement.payload))
    return made


def rows_of(url: str) -> Rows:
    """Return the rows that one publish left in a node's database (one of each table's newest)."""
    connection, _ = _connect(url)
    found: dict[str, list[Row]] = {}
    for table in TABLES:
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    connection.close()
    package = found["packages"][-1]["id"]
    mine = {
        "statements": lambda row: row["id"] == package,
        "subjects": lambda row: row["object"] == package,
        "packages": lambda row: row["id"] == package,
        "package_exhibits": lambda row: row["package"] == package,
        "events": lambda row: row["object_id"] == package,
    }
    chosen = {
        table: [row for row in rows if mine[table](row)]
        for table, rows in found.items()
        if table in mine
    }
    refs = {row["ref"] for row in chosen["subjects"]}
    profiles = [row for row in found["identity_profiles"] if row["ref"] in refs]
    numbers = {row["id"] for row in profiles}
    return {
        **chosen,
        "claimed_nonces": found["claimed_nonces"][-1:],
        "identity_profiles": profiles,
        "identity_keys": [row for row in found["identity_keys"] if row["profile"] in numbers],
    }


def _connect(url: str) -> tuple[Any, str]:
    """Return a connection of the bare driver and its placeholder."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        return connection, "?"
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain), "%s"


def _renamed(rows: Rows, number: int) -> dict[str, list[Row]]:
    """Return the rows as another publish would have left them: with keys of its own."""
    own = f"{number:08x}"

    def other(value: Any) -> Any:
        return own + value[8:] if isinstance(value, str) and len(value) > 8 else value

    keys = {
        "statements": ("id", "nonce"),
        "claimed_nonces": ("nonce",),
        "subjects": ("ref",),
        "identity_profiles": ("ref",),
        "packages": ("id",),
        "package_exhibits": ("package",),
        "events": ("id",),
    }
    made = {}
    for table, some in rows.items():
        made[table] = [
            {**row, **{name: other(row[name]) for name in keys.get(table, ())}} for row in some
        ]
    for row in made["identity_profiles"]:
        row["id"] += number
    for row in made["identity_keys"]:
        row["profile"] += number
    for row in made["events"]:
        row.pop("seq", None)
        row["leaf_index"] = None
    return made


class Writer:
    """Commits what waits, in one transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.waiting: queue.SimpleQueue[tuple[dict[str, list[Row]], threading.Event] | None] = (
            queue.SimpleQueue()
        )
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        connection, mark = _connect(self._url)
        sqlite = mark == "?"
        ended = False
        while not ended:
            group = [self.waiting.get()]
            while len(group) < _GROUP and not self.waiting.empty():
                group.append(self.waiting.get())
            ended = None in group
            some = [one for one in group if one is not None]
            if some:
                if sqlite:
                    connection.execute("BEGIN IMMEDIATE")
                cursor = connection.cursor()
                for table in TABLES:
                    rows = [row for one, _ in some for row in one[table]]
                    if rows:
                        cursor.executemany(
                            _insert(table, rows[0], mark), [tuple(row.values()) for row in rows]
                        )
                connection.commit()
                for _, done in some:
                    done.set()
        connection.close()


def _insert(table: str, row: Row, mark: str) -> str:
    names = ", ".join(f'"{name}"' for name in row)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join([mark] * len(row))})"


def rate(node: Node, url: str, rows: Rows, todo: Sequence[Work], seconds: float) -> float:
    """Return how many publishes a second the floor does."""
    keys, numbers = node.signer.keys(Purpose.SEAL), iter(range(1, len(todo)))
    writer = Writer(url)
    writer.thread.start()
    done, lock = [0], threading.Lock()
    deadline = time.perf_counter() + seconds
    commits: list[threading.Event] = []

    def work() -> None:
        while time.perf_counter() < deadline:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            one = todo[number]
            check_endorsement(one.signatory.officer, one.proof, one.signed)
            seal(one.payload, STATEMENT, keys, node.signer.sign, [one.proof])
            committed = threading.Event()
            writer.waiting.put((_renamed(rows, number), committed))
            with lock:
                commits.append(committed)
                done[0] += 1

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for committed in commits:
        committed.wait()
    took = time.perf_counter() - started
    writer.waiting.put(None)
    writer.thread.join()
    return done[0] / took
