"""Mirror threads as this node keeps them beside the signed statements.

Owns the tables ``threads``, ``thread_subjects``, ``thread_names``, ``thread_voids``,
``thread_disputes`` and ``comparisons``. The first three are what the two sequences amount to, kept
for pages and look-ups; the statements stay the only source of content.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, and_, func, or_, select

from api.domain.notation import Count, Digest, Instant
from api.domain.threads.facts import Phase
from api.records.metadata import METADATA, RECORDED
from api.records.rows import every, first

THREADS = Table(
    "threads",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("requester", Text, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("respond_by", Text, nullable=False),
    Column("release_at", Text),
    Column("continues", Text),
    Column("requester_seq", Integer, nullable=False),
    Column("addressee_seq", Integer, nullable=False),
    Column("subjects", Integer, nullable=False),
    Column("undecided", Integer, nullable=False),
    Column("state_digest", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("ix_threads_page", "opened_at", "id"),
    Index("ix_threads_phase", "phase", "opened_at", "id"),
    Index("ix_threads_parties", "requester", "addressee", "phase"),
    Index("ix_threads_between", "requester", "addressee", "opened_at", "id"),
    Index("ix_threads_continues", "continues"),
    info=RECORDED,
)

THREAD_SUBJECTS = Table(
    "thread_subjects",
    METADATA,
    Column("thread", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("designation", Text),
    Column("suggested", Text),
    Column("finding", Text),
    Column("regime", Text),
    Column("until", Text),
    Column("finding_statement", Text),
    Column("effect", Text),
    Column("effect_statement", Text),
    Index("ix_thread_subjects_designation", "designation"),
    Index("ix_thread_subjects_effect", "effect"),
    info=RECORDED,
)

# Every name of a subject as written, in one case: for the requester's own check before it asks.
THREAD_NAMES = Table(
    "thread_names",
    METADATA,
    Column("thread", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Index("ix_thread_names_name", "name"),
    info=RECORDED,
)

# Statements refused through a disposition: they keep their number and have no effect.
THREAD_VOIDS = Table(
    "thread_voids",
    METADATA,
    Column("statement", Text, primary_key=True),
    Column("thread", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_thread_voids_thread", "thread"),
    info=RECORDED,
)

# Which proof of equivocation concerns which thread; the ruling stands beside the proof.
THREAD_DISPUTES = Table(
    "thread_disputes",
    METADATA,
    Column("thread", Text, primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("proof", Text, primary_key=True),
    Column("opened_at", Text, nullable=False),
    info=RECORDED,
)

# The last outcome of comparing a thread's state with the partner's; written when it changes.
COMPARISONS = Table(
    "comparisons",
    METADATA,
    Column("thread", Text, primary_key=True),
    Column("peer", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("requester_seq", Integer, nullable=False),
    Column("addressee_seq", Integer, nullable=False),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_comparisons_outcome", "outcome"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Thread:
    """A mirror request as both sequences make it.

    Attributes:
        id: of its opener.
        requester: the asking ministry.
        addressee: the asked ministry.
        title: from the opener.
        phase: where it stands.
        respond_by: instant by which the requester wants an answer.
        release_at: instant for a coordinated release.
        continues: the thread that it continues.
        requester_seq: highest number of the requester.
        addressee_seq: highest number of the addressee.
        subjects: how many.
        undecided: how many of them have no finding that counts.
        state_digest: of the state, for comparing both ends.
        opened_at: when it was stored here.
        updated_at: when it last changed here.
    """

    id: str
    requester: str
    addressee: str
    title: str
    phase: Phase
    respond_by: str
    release_at: str | None
    continues: str | None
    requester_seq: int
    addressee_seq: int
    subjects: int
    undecided: int
    state_digest: str
    opened_at: str
    updated_at: str

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in lists: when it was opened, and its id."""
        return self.opened_at, self.id


@dataclass(frozen=True, slots=True)
class ThreadSubject:
    """Where one subject of a thread stands.

    Attributes:
        thread: the thread.
        key: ``s1`` and so on.
        name: first name.
        phase: where it stands.
        designation: the requester's designation that shall be mirrored.
        suggested: the regime that the requester suggests.
        finding: kind of the finding that counts.
        regime: the finding's regime.
        until: until when it is deferred.
        finding_statement: id of the finding.
        effect: the designation that followed.
        effect_statement: id of the effect.
    """

    thread: str
    key: str
    name: str
    phase: Phase
    designation: str | None
    suggested: str | None
    finding: str | None
    regime: str | None
    until: str | None
    finding_statement: str | None
    effect: str | None
    effect_statement: str | None


@dataclass(frozen=True, slots=True)
class Void:
    """A refused statement of a thread: it keeps its number and has no effect."""

    statement: str
    thread: str
    issuer: str
    code: str
    at: str


@dataclass(frozen=True, slots=True)
class ThreadComparison:
    """The last outcome of comparing a thread's state with a partner's.

    Attributes:
        thread: the thread.
        peer: the partner.
        outcome: ``equal`` or ``different``.
        requester_seq: numbers that both had then.
        addressee_seq: numbers that both had then.
        ours: digest of the state here.
        theirs: digest of the state there.
        at: when.
    """

    thread: Digest
    peer: str
    outcome: str
    requester_seq: Count
    addressee_seq: Count
    ours: Digest
    theirs: Digest
    at: Instant


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of threads is narrowed to; ``None`` leaves a member open.

    Attributes:
        phase: ``open``, ``closed``, ``withdrawn`` or ``void``.
        requester: the asking ministry.
        addressee: the asked ministry.
    """

    phase: str | None = None
    requester: str | None = None
    addressee: str | None = None


def by_id(connection: Connection, thread_id: str) -> Thread | None:
    """Return one thread's row."""
    query = select(THREADS).where(THREADS.c.id == thread_id)
    return first(connection, query, Thread)


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Thread]:
    """Return threads by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(THREADS).where(THREADS.c.id.in_(ids))
    return {one.id: one for one in every(connection, query, Thread)}


def lock(connection: Connection, thread_id: str) -> Thread | None:
    """Return one thread's row and keep others from changing it until the transaction ends.

    SQLite has one writer and ignores the lock; on PostgreSQL two processes that both write into a
    thread would otherwise each store a state without the other's statement.
    """
    query = select(THREADS).where(THREADS.c.id == thread_id).with_for_update()
    return first(connection, query, Thread)


def finished(connection: Connection) -> frozenset[str]:
    """Return the ids of the threads in which nothing is to be done any more."""
    over = [phase.value for phase in (Phase.CLOSED, Phase.WITHDRAWN, Phase.VOID)]
    query = select(THREADS.c.id).where(THREADS.c.phase.in_(over))
    return frozenset(connection.execute(query).scalars())


def page(
    connection: Connection, wanted: Wanted, *, limit: int, before: tuple[str, str] | None = None
) -> list[Thread]:
    """Return threads newest first, after the ``(opened_at, id)`` given."""
    query = select(THREADS).order_by(THREADS.c.opened_at.desc(), THREADS.c.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        query = query.where(
            or_(THREADS.c.opened_at < at, and_(THREADS.c.opened_at == at, THREADS.c.id < last))
        )
    for name in ("phase", "requester", "addressee"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(THREADS.c[name] == value)
    return every(connection, query, Thread)


def with_party(connection: Connection, peer: str, *, after: str, limit: int) -> list[Thread]:
    """Return threads shared with a peer in the order of their ids, after the one given."""
    query = (
        select(THREADS)
        .where(or_(THREADS.c.requester == peer, THREADS.c.addressee == peer))
        .where(THREADS.c.id > after)
        .order_by(THREADS.c.id)
        .limit(limit)
    )
    return every(connection, query, Thread)


def count_with_party(connection: Connection, peer: str) -> int:
    """Return how many threads are shared with a peer."""
    query = select(func.count()).where(
        or_(THREADS.c.requester == peer, THREADS.c.addressee == peer)
    )
    return int(connection.execute(query).scalar_one())


def continuations(connection: Connection, thread_id: str) -> list[str]:
    """Return the ids of threads that continue this one."""
    query = select(THREADS.c.id).where(THREADS.c.continues == thread_id).order_by(THREADS.c.id)
    return list(connection.execute(query).scalars())


def subjects_of(
    connection: Connection, thread_ids: Sequence[str]
) -> dict[str, list[ThreadSubject]]:
    """Return the subjects of threads, by thread."""
    if not thread_ids:
        return {}
    query = select(THREAD_SUBJECTS).where(THREAD_SUBJECTS.c.thread.in_(thread_ids))
    found: dict[str, list[ThreadSubject]] = {}
    for row in every(connection, query, ThreadSubject):
        found.setdefault(row.thread, []).append(row)
    return found


def designations_asked(connection: Connection, ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the designations that threads ask to mirror, and those that followed, by thread."""
    if not ids:
        return {}
    table = THREAD_SUBJECTS.c
    query = select(table.thread, table.designation, table.effect).where(
        table.thread.in_(ids), or_(table.designation.is_not(None), table.effect.is_not(None))
    )
    found: dict[str, set[str]] = {}
    for thread, *named in connection.execute(query):
        found.setdefault(thread, set()).update(id_ for id_ in named if id_ is not None)
    return found


def names_of(connection: Connection, thread_id: str) -> set[tuple[str, str]]:
    """Return the ``(key, name)`` pairs noted for a thread."""
    query = select(THREAD_NAMES.c.key, THREAD_NAMES.c.name).where(
        THREAD_NAMES.c.thread == thread_id
    )
    return {(key, name) for key, name in connection.execute(query)}


def open_alike(
    connection: Connection,
    parties: tuple[str, str],
    designations: Sequence[str],
    names: Sequence[str],
) -> list[str]:
    """Return open threads of an ordered pair that share a designation or a name as written."""
    found: set[str] = set()
    pair = and_(
        THREADS.c.requester == parties[0],
        THREADS.c.addressee == parties[1],
        THREADS.c.phase == "open",
    )
    if designations:
        query = (
            select(THREADS.c.id)
            .join(THREAD_SUBJECTS, THREAD_SUBJECTS.c.thread == THREADS.c.id)
            .where(pair, THREAD_SUBJECTS.c.designation.in_(designations))
        )
        found.update(connection.execute(query).scalars())
    if names:
        query = (
            select(THREADS.c.id)
            .join(THREAD_NAMES, THREAD_NAMES.c.thread == THREADS.c.id)
            .where(pair, THREAD_NAMES.c.name.in_(names))
        )
        found.update(connection.execute(query).scalars())
    return sorted(found)


def effect_pairs(connection: Connection) -> list[tuple[str, str, str]]:
    """Return ``(designation asked for, designation that followed, effect's statement)``."""
    query = select(
        THREAD_SUBJECTS.c.designation,
        THREAD_SUBJECTS.c.effect,
        THREAD_SUBJECTS.c.effect_statement,
    ).where(THREAD_SUBJECTS.c.effect.is_not(None), THREAD_SUBJECTS.c.designation.is_not(None))
    return [(asked, made, source) for asked, made, source in connection.execute(query)]


def voids_of(connection: Connection, thread_id: str) -> dict[str, Void]:
    """Return the void statements of a thread by id."""
    query = select(THREAD_VOIDS).where(THREAD_VOIDS.c.thread == thread_id)
    return {row.statement: row for row in every(connection, query, Void)}


def voids_many(connection: Connection, thread_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of void statements by thread, in order; threads without any are absent."""
    if not thread_ids:
        return {}
    query = (
        select(THREAD_VOIDS.c.thread, THREAD_VOIDS.c.statement)
        .where(THREAD_VOIDS.c.thread.in_(thread_ids))
        .order_by(THREAD_VOIDS.c.statement)
    )
    found: dict[str, list[str]] = {}
    for thread, statement in connection.execute(query):
        found.setdefault(thread, []).append(statement)
    return found


def comparison(connection: Connection, thread_id: str, peer: str) -> ThreadComparison | None:
    """Return the last recorded outcome of comparing a thread with a peer."""
    query = select(COMPARISONS).where(COMPARISONS.c.thread == thread_id, COMPARISONS.c.peer == peer)
    return first(connection, query, ThreadComparison)


def differences(connection: Connection) -> list[ThreadComparison]:
    """Return the comparisons that last came out different."""
    query = select(COMPARISONS).where(COMPARISONS.c.outcome == "different")
    return every(connection, query.order_by(COMPARISONS.c.at), ThreadComparison)
