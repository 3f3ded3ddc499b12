"""Mirror requests: open one, say something in one, list and read.

Owns the use cases around threads. Every statement in one is a draft first (``drafting``); what it
does is ``effects.mirroring``'s, and what a thread amounts to is ``domain.threads.sequences``'.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.notation import Count, Digest, Instant
from api.domain.threads.facts import Phase
from api.domain.threads.sequences import fold
from api.domain.threads.state import ThreadState
from api.ports.policy import Action, Resource
from api.records import parked, statements, threads
from api.records.parked import Parked
from api.records.threads import Thread, ThreadComparison, ThreadSubject, Void
from api.services import visibility
from api.services.authorising import Caller, authorise, collection, unknown
from api.services.node import Node
from api.services.paging import Place
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.services.statements.effects import thread_record
from api.wire.statements import OPENER, THREAD_TYPES, By, Content, Statement


@dataclass(frozen=True, slots=True)
class SubjectLine:
    """Where one subject of a request stands.

    Attributes:
        key: ``s1`` and so on.
        name: first name.
        phase: where it stands.
        designation: the requester's designation that shall be mirrored.
        suggested: the regime that the requester suggests.
        finding: kind of the finding that counts.
        regime: the finding's regime.
        effect: the designation that followed.
    """

    key: str
    name: str
    phase: Phase
    designation: Digest | None
    suggested: str | None
    finding: str | None
    regime: str | None
    effect: Digest | None


@dataclass(frozen=True, slots=True)
class ThreadHead:
    """What every view of a request begins with.

    Attributes:
        id: of its opener.
        requester: the asking ministry.
        addressee: the asked ministry.
        counterpart: whichever of the two is not this ministry.
        title: from the opener.
        phase: where it stands.
        respond_by: instant by which the requester wants an answer.
        release_at: instant for a coordinated release.
        continues: the request that it continues.
        undecided: how many subjects have no finding that counts.
        state_digest: of the state, for comparing both ends.
        opened_at: when it was stored here.
        updated_at: when it last changed here.
    """

    id: Digest
    requester: str
    addressee: str
    counterpart: str
    title: str
    phase: Phase
    respond_by: Instant
    release_at: Instant | None
    continues: Digest | None
    undecided: Count
    state_digest: Digest
    opened_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class ThreadSummary(ThreadHead):
    """One line of the list of requests; ``subjects`` in the order of their keys."""

    subjects: tuple[SubjectLine, ...]


@dataclass(frozen=True, slots=True)
class SaidView:
    """One statement of a thread.

    Attributes:
        id: of the statement.
        type: with its version.
        issuer: who said it.
        seq: its number.
        seen: highest number of the other party that its issuer had seen; 0 for none.
        issued_at: when it was sealed.
        stored_at: when it was stored here.
        by: who prepared and who approved it.
        body: what it says.
        void: the code with which it was refused.
        without_effect: why it has no effect though it has a number.
    """

    id: Digest
    type: str
    issuer: str
    seq: Count | None
    seen: Count
    issued_at: Instant
    stored_at: Instant
    by: By | None
    body: Mapping[str, Any]
    void: str | None = None
    without_effect: str | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """Highest number of each party of a request; 0 for none."""

    requester: Count
    addressee: Count


@dataclass(frozen=True, slots=True)
class NeverCompared:
    """Both ends were never found unequal, and no comparison is recorded."""

    outcome: Literal["equal"] = "equal"


@dataclass(frozen=True, slots=True)
class ThreadView(ThreadHead):
    """A request with everything its readers see.

    Attributes:
        heads: highest number of each party.
        state: what both sequences amount to, as both ends compute it.
        subjects: as the requester described them.
        lines: where each subject stands.
        statements: every statement, requester's first, each side by number.
        continued_by: ids of requests that continue this one.
        parked: statements that wait for one before them or for a ruling.
        comparison: the last recorded outcome of comparing both ends.
        tag: entity tag.
    """

    heads: Heads
    state: ThreadState
    subjects: tuple[Mapping[str, Any], ...]
    lines: tuple[SubjectLine, ...]
    statements: tuple[SaidView, ...]
    continued_by: tuple[Digest, ...]
    parked: tuple[Parked, ...]
    comparison: ThreadComparison | NeverCompared
    tag: str

    @property
    def described(self) -> dict[str, Mapping[str, Any]]:
        """Subjects as the requester described them, by key."""
        return {str(one["key"]): one for one in self.subjects}


def threads_page(
    node: Node,
    caller: Caller,
    wanted: threads.Wanted,
    *,
    limit: int,
    before: Place | None = None,
) -> list[ThreadSummary]:
    """Return a page of the mirror requests that the caller may read, newest first."""
    authorise(node, caller, Action.MIRROR_LIST, collection("mirror-requests"))

    found = visibility.readable_page(
        node,
        caller,
        lambda connection, at, size: threads.page(connection, wanted, limit=size, before=at),
        limit=limit,
        start=before,
    )
    ids = [row.id for row in found]
    subjects = node.db.read(lambda connection: threads.subjects_of(connection, ids))
    return [
        ThreadSummary(**_head(node, row), subjects=_lines(subjects.get(row.id, [])))
        for row in found
    ]


_HEAD = tuple(field.name for field in fields(ThreadHead) if field.name != "counterpart")
_LINE = attrgetter(*(field.name for field in fields(SubjectLine)))


def _head(node: Node, row: Thread) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _HEAD} | {"counterpart": _counterpart(node, row)}


def _counterpart(node: Node, row: Thread) -> str:
    return row.addressee if row.requester == node.ministry else row.requester


def _lines(rows: Sequence[ThreadSubject]) -> tuple[SubjectLine, ...]:
    ordered = sorted(rows, key=lambda one: int(one.key[1:]))
    return tuple(SubjectLine(*_LINE(one)) for one in ordered)


def subject_lines(node: Node, thread_id: str) -> tuple[SubjectLine, ...]:
    """Return where the subjects of a request stand that the caller was found to see."""
    return subject_lines_of(node, [thread_id]).get(thread_id, ())


def subject_lines_of(node: Node, ids: Iterable[str]) -> dict[str, tuple[SubjectLine, ...]]:
    """Return where the subjects of several requests stand that the caller was found to see."""
    wanted = sorted(set(ids))
    found = node.db.read(lambda connection: threads.subjects_of(connection, wanted))
    return {id_: _lines(rows) for id_, rows in found.items()}


def permit_on(node: Node, caller: Caller, thread_id: str) -> Thread:
    """Return a thread's row if the caller may read it; hidden ones answer as absent ones.

    Raises:
        NotFound: ``thread.unknown``.
    """

    def find(connection: Connection) -> tuple[Thread, Resource] | None:
        row = threads.by_id(connection, thread_id)
        if row is None:
            return None
        (target,) = visibility.resources(node, connection, [row])
        return row, target

    found = node.db.read(find)
    if found is None:
        raise unknown("thread")
    row, target = found
    visibility.permit_on_package(node, caller, Action.MIRROR_READ, row, target)
    return row


def read(node: Node, caller: Caller, thread_id: str) -> ThreadView:
    """Return a thread's state with both sequences."""
    row = permit_on(node, caller, thread_id)
    return node.db.read(lambda connection: _thread_view(node, connection, row))


def _thread_view(node: Node, connection: Connection, row: Thread) -> ThreadView:
    record = thread_record.require(connection, row.id)
    state = fold(record)
    stored = {each.id: each.stored_at for each in statements.in_thread(connection, row.id)}
    voids = threads.voids_of(connection, row.id)
    codes = {one.stamp.id: one.code for one in state.inert}
    said = (
        _said(one, stored[one.id], voids.get(one.id), codes.get(one.id))
        for one in (*record.requester, *record.addressee)
    )
    peers = [row.requester, row.addressee]
    compared = (threads.comparison(connection, row.id, peer) for peer in peers)
    return ThreadView(
        **_head(node, row),
        heads=Heads(row.requester_seq, row.addressee_seq),
        state=state,
        subjects=tuple(thread_record.descriptions(record, state)),
        lines=_lines(threads.subjects_of(connection, [row.id]).get(row.id, [])),
        statements=tuple(said),
        continued_by=tuple(threads.continuations(connection, row.id)),
        parked=tuple(parked.in_thread(connection, row.id)),
        comparison=next((one for one in compared if one is not None), NeverCompared()),
        tag=row.state_digest[7:39],
    )


def _said(one: Statement, stored_at: str, void: Void | None, code: str | None) -> SaidView:
    return SaidView(
        id=one.id,
        type=one.type,
        issuer=one.issuer,
        seq=one.seq,
        seen=one.seen.seq if one.seen is not None else 0,
        issued_at=one.issued_at,
        stored_at=stored_at,
        by=one.by,
        body=one.body,
        void=void.code if void is not None else None,
        without_effect=code,
    )


def request(
    node: Node, caller: Caller, to: str, body: Mapping[str, Any], endorsement: Any = None
) -> DraftView:
    """Draft a mirror request to one ministry."""
    return drafting.create(node, caller, Content(OPENER, (to,), dict(body)), endorsement)


def say(
    node: Node,
    caller: Caller,
    thread_id: str,
    type_: str,
    body: Mapping[str, Any],
    endorsement: Any = None,
) -> DraftView:
    """Draft a statement in a thread; the recipient is its other party.

    Raises:
        Invalid: ``statement.type``: openers have no thread, and other types none either.
        NotFound: ``thread.unknown``.
    """
    if type_ not in THREAD_TYPES or type_ == OPENER:
        raise Invalid("statement.type", "Say something that belongs into an open request.")
    row = permit_on(node, caller, thread_id)
    content = Content(type_, (_counterpart(node, row),), dict(body), thread_id)
    return drafting.create(node, caller, content, endorsement)
