"""Mirror requests: open one, say something in one, list, read, and what the law suggests.

Owns the use cases around threads. Every statement in one is a draft first (``drafting``); what it
does is ``effects.mirroring``'s, and what a thread amounts to is ``domain.threads.sequences``'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain.errors import Invalid
from api.domain.regimes.advice import Case, Suggestion, eligibility
from api.domain.threads.sequences import Record, fold
from api.domain.threads.state import ThreadState
from api.ports.policy import Action
from api.records import delegations, parked, statements, threads
from api.records.parked import Parked
from api.services.authorising import Caller, authorise, collection, unknown, visible
from api.services.desk import coverage, objects
from api.services.node import Node
from api.services.paging import visible_page
from api.services.statements import drafting
from api.services.statements.draft_form import Draft
from api.services.statements.effects import thread_record
from api.services.statements.effects.designation_record import standing_of
from api.wire.statements import OPENER, THREAD_TYPES, Content, Statement

_PERSONS = {"Person": "person", "Vessel": "vessel", "Airplane": "vessel"}


@dataclass(frozen=True, slots=True)
class Said:
    """One statement of a thread.

    Attributes:
        row: as stored.
        statement: parsed.
        void: the code with which it was refused, or empty.
        code: why it has no effect though it has a number, or empty.
    """

    row: RowMapping
    statement: Statement
    void: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class ThreadView:
    """A thread with everything its readers see.

    Attributes:
        row: index row.
        state: what both sequences amount to.
        said: every statement, requester's first, each side by number.
        described: subjects as the requester described them, by key.
        continued_by: ids of threads that continue this one.
        comparison: the last recorded outcome of comparing both ends, if it was ever unequal.
        parked: statements that wait for one before them or for a ruling.
    """

    row: RowMapping
    state: ThreadState
    said: list[Said]
    described: dict[str, Mapping[str, Any]]
    continued_by: list[str]
    comparison: RowMapping | None
    parked: list[Parked]


def listed(
    node: Node,
    caller: Caller,
    wanted: threads.Wanted,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
) -> list[RowMapping]:
    """Return a page of the mirror requests that the caller may read, newest first."""
    authorise(node, caller, Action.MIRROR_LIST, collection("mirror-requests"))

    def allowed(rows: Sequence[RowMapping]) -> list[bool]:
        ids = [row["id"] for row in rows]
        aside = node.db.read(lambda connection: delegations.recused_many(connection, ids))
        targets = [objects.thread(row, aside.get(row["id"], frozenset())) for row in rows]
        return visible(node, caller, Action.MIRROR_READ, targets)

    return visible_page(
        lambda at: node.db.read(
            lambda connection: threads.page(connection, wanted, limit=limit, before=at)
        ),
        allowed,
        lambda row: (row["opened_at"], row["id"]),
        limit=limit,
        start=before,
    )


def subjects_of(node: Node, rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    """Return the subjects of listed threads, by thread."""
    ids = [row["id"] for row in rows]
    return node.db.read(lambda connection: threads.subjects_of(connection, ids))


def permit_on(node: Node, caller: Caller, thread_id: str) -> RowMapping:
    """Return a thread's row if the caller may read it; hidden ones answer as absent ones.

    Raises:
        NotFound: ``thread.unknown``.
    """

    def read(connection: Connection) -> tuple[RowMapping | None, frozenset[str]]:
        aside = delegations.recused_many(connection, [thread_id])
        return threads.by_id(connection, thread_id), aside.get(thread_id, frozenset())

    row, aside = node.db.read(read)
    if row is None:
        raise unknown("thread")
    target = objects.thread(row, aside)
    authorise(node, caller, Action.MIRROR_READ, target, visible_by=Action.MIRROR_READ)
    return row


def read(node: Node, caller: Caller, thread_id: str) -> ThreadView:
    """Return a thread's state with both sequences."""
    row = permit_on(node, caller, thread_id)
    return node.db.read(lambda connection: _view(connection, row))


def _view(connection: Connection, row: RowMapping) -> ThreadView:
    thread_id = row["id"]
    record = thread_record.require(connection, thread_id)
    state = fold(record)
    stored = {each["id"]: each for each in statements.in_thread(connection, thread_id)}
    voids = threads.voids_of(connection, thread_id)
    codes = {one.stamp.id: one.code for one in state.inert}
    said = [
        Said(
            stored[one.id],
            one,
            voids[one.id]["code"] if one.id in voids else "",
            codes.get(one.id, ""),
        )
        for one in (*record.requester, *record.addressee)
    ]
    peers = [row["requester"], row["addressee"]]
    compared = (threads.comparison(connection, thread_id, peer) for peer in peers)
    return ThreadView(
        row,
        state,
        said,
        described(record, state),
        threads.continuations(connection, thread_id),
        next((one for one in compared if one is not None), None),
        parked.in_thread(connection, thread_id),
    )


def described(record: Record, state: ThreadState) -> dict[str, Mapping[str, Any]]:
    """Return the subjects of a thread as its requester described them, by key."""
    return {str(one["key"]): one for one in thread_record.descriptions(record, state)}


def request(
    node: Node, caller: Caller, to: str, body: Mapping[str, Any], endorsement: Any = None
) -> Draft:
    """Draft a mirror request to one ministry."""
    return drafting.create(node, caller, Content(OPENER, (to,), dict(body)), endorsement)


def say(
    node: Node,
    caller: Caller,
    thread_id: str,
    type_: str,
    body: Mapping[str, Any],
    endorsement: Any = None,
) -> Draft:
    """Draft a statement in a thread; the recipient is its other party.

    Raises:
        Invalid: ``statement.type``: openers have no thread, and other types none either.
        NotFound: ``thread.unknown``.
    """
    if type_ not in THREAD_TYPES or type_ == OPENER:
        raise Invalid("statement.type", "Say something that belongs into an open request.")
    row = permit_on(node, caller, thread_id)
    other = row["addressee"] if row["requester"] == node.ministry else row["requester"]
    content = Content(type_, (other,), dict(body), thread_id)
    return drafting.create(node, caller, content, endorsement)


@dataclass(frozen=True, slots=True)
class Suggested:
    """What the law suggests for one subject under one regime; an officer decides.

    Attributes:
        key: the subject.
        regime: the regime's id.
        suggestions: what to weigh, bars first.
        case: what was asked.
    """

    key: str
    regime: str
    suggestions: tuple[Suggestion, ...]
    case: Case


def suggestions(
    node: Node, caller: Caller, thread_id: str, regimes: Sequence[str] = ()
) -> list[Suggested]:
    """Return what to weigh for each subject under the regimes of the addressee's jurisdiction.

    Args:
        node: this node.
        caller: an officer who may read the thread.
        thread_id: the thread.
        regimes: ids to look at; all of the addressee's jurisdiction if none are given.

    Raises:
        Invalid: ``regime.unknown``.
    """
    view = read(node, caller, thread_id)
    home = node.membership.member(view.row["addressee"]).jurisdiction
    wanted = list(regimes) or [id_ for id_, one in node.regimes.items() if one.jurisdiction == home]
    if any(id_ not in node.regimes for id_ in wanted):
        raise Invalid("regime.unknown", "Name a regime that this node has as data.")
    cases = node.db.read(lambda connection: _cases(node, connection, view))
    return [
        Suggested(key, id_, tuple(eligibility(node.regimes[id_], case)), case)
        for key, case in cases.items()
        for id_ in wanted
    ]


def _cases(node: Node, connection: Connection, view: ThreadView) -> dict[str, Case]:
    listed_by = coverage.jurisdictions_of(connection)
    return {
        key: _case(node, connection, view, subject, listed_by)
        for key, subject in view.described.items()
    }


def _case(
    node: Node,
    connection: Connection,
    view: ThreadView,
    subject: Mapping[str, Any],
    listed_by: Mapping[str, frozenset[str]],
) -> Case:
    """Put together what the statements say of one subject; nothing is guessed."""
    asked = view.state.subjects[str(subject["key"])].designation
    designation = standing_of(connection, asked) if asked is not None else None
    kind = _PERSONS.get(str(subject["schema"]), "entity")
    countries = frozenset(str(one).upper() for one in subject.get("countries", ()))
    if designation is None:
        return Case(kind, countries=countries)
    source = node.regimes.get(str(designation.body["regime"]))
    known = source.grounds if source is not None else {}
    grounds = [known[id_] for id_ in designation.body["grounds"] if id_ in known]
    return Case(
        kind,
        conduct=frozenset().union(*(ground.conduct for ground in grounds)),
        involvement=frozenset(ground.involvement for ground in grounds)
        or frozenset({"responsible"}),
        countries=countries,
        listed_by=listed_by.get(designation.id, frozenset({designation.jurisdiction})),
        partner_provision=str(designation.body["instrument"]),
        partner_threshold=source.threshold.text if source is not None else "",
    )
