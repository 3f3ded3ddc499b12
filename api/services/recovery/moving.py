"""A node grows out of its SQLite file: everything into PostgreSQL, checked before and after.

Owns the order of the steps of ``comity node move`` and what a crash leaves:

1. The file is taken for this process alone, and checked like ``comity audit fsck``. *Crash: nothing
   happened.*
2. The target, which is empty, gets its tables, then every row in one transaction; the rows of each
   table are compared. *Crash: an empty schema, or nothing; make the target database anew.*
3. The target is checked as the source was, by the same rules and to the same size.
4. The last signed head is remembered where a node on PostgreSQL remembers it. *Crash after: the
   source is still in its place and valid; make the target anew and begin again.*
5. The source gets another name, so that nobody starts from it and signs a second history.

Nothing of the log changes: the next event is the next leaf.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from api.domain.errors import Conflict, Invalid
from api.ports.head_memory import HeadMemory
from api.ports.store import ExhibitStore
from api.records import copying, migrating, moving
from api.records.read_only import read_only
from api.services.audit import fsck
from api.services.audit.fsck import Report, Trust


@dataclass(frozen=True, slots=True)
class Move:
    """What is moved, and where to.

    Attributes:
        source: URL of the SQLite database.
        target: URL of the empty PostgreSQL database.
        trust: by which both are checked.
        store: the node's exhibits; they stay where they are.
        memory: where the last signed head was remembered.
        new_memory: where it is remembered from now on.
    """

    source: str
    target: str
    trust: Trust
    store: ExhibitStore
    memory: HeadMemory
    new_memory: HeadMemory


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved.

    Attributes:
        log_size: leaves of the log, the same before and after.
        rows: how many rows, by table.
        kept: the SQLite file under its new name.
    """

    log_size: int
    rows: dict[str, int]
    kept: Path


def move(
    asked: Move, tell: Callable[[str], None], advance: Callable[[int], None] = lambda _: None
) -> Moved:
    """Move a node that is not running into PostgreSQL.

    Args:
        asked: what, and where to.
        tell: takes one sentence a step.
        advance: told how many rows were copied more.

    Raises:
        Invalid: ``move.kind``: not from SQLite to PostgreSQL.
        Conflict: ``move.running``; ``restore.not-empty``: the target has tables;
            ``move.unsound``: the check found something; ``move.memory``: a larger head is
            remembered at the new place.
        Unavailable: ``database.*``, ``move.differs``.
    """
    if (copying.form_of(asked.source), copying.form_of(asked.target)) != (
        copying.SQLITE,
        copying.PG_DUMP,
    ):
        raise Invalid("move.kind", "Move a node from SQLite to postgresql+psycopg://….")
    migrating.require_head(asked.source)
    copying.require_empty(asked.target)
    with moving.kept_still(asked.source):
        tell("checking the database as it is")
        before = _checked(asked, asked.source)
        tell("copying every row")
        migrating.upgrade(asked.target)
        with read_only(asked.source) as source:
            rows = moving.copy_rows(source, asked.target, advance)
        tell("checking the copy")
        after = _checked(asked, asked.target)
        if (before.size, before.rows) != (after.size, after.rows):
            raise Conflict("move.unsound", "The copy has another size; the old one stays in use.")
        _remember(asked)
        kept = _set_aside(asked.source)
    return Moved(after.size, rows, kept)


def _checked(asked: Move, url: str) -> Report:
    with read_only(url) as connection:
        report = fsck.check(connection, asked.trust, store=asked.store)
    if not report.ok:
        first = "" if report.first is None else f" ({report.first.table}: {report.first.code})"
        raise Conflict("move.unsound", f"The check finds what does not fit{first}; see audit fsck.")
    return report


def _remember(asked: Move) -> None:
    """Step 4."""
    last, known = asked.memory.read(), asked.new_memory.read()
    if last is None or last == known:
        return
    if known is not None and known.size > last.size:
        raise Conflict("move.memory", "A larger head of this log is remembered at the new place.")
    if not asked.new_memory.replace(known, last):
        raise Conflict("move.memory", "Somebody else writes at the new place of the last head.")


def _set_aside(url: str) -> Path:
    """Step 5."""
    path = Path(make_url(url).database or "")
    kept = path.with_name(f"{path.name}.moved")
    if kept.exists():
        raise Conflict("move.running", f"Move {kept} away first: it is of an earlier move.")
    return path.rename(kept)
