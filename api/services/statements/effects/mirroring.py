"""Effects of mirror threads: every statement by which one ministry asks and another answers.

Legality is judged by ``domain.threads.sequences`` alone, from the two stored sequences, so that
both nodes judge alike. What this module adds on its own account, in this order:

* Issuing: the place is the next of our own sequence; the thread's row is locked, and if a head
  moved since the payload was composed the answer is ``Stale``.
* The requester asks only for designations it knows and evidence it has released to the addressee,
  and has one open thread for each ordered pair and subject. The addressee relies only on packages
  that it holds, and states the effect of its own designations.
* Designations that the other party was not given yet travel along.
* Receiving: what gets a place is stored, legal or not; what is refused is void at this end when it
  is refused and at the issuer's when the disposition arrives.
* Equivocation changes no thread. Both statements are kept as proof, and the issuer's later ones in
  this thread wait for a ruling.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain.accompanying import referenced
from api.domain.decisions import Decision, refuse
from api.domain.errors import Conflict, Invalid, NotFound, Stale
from api.domain.events import Act, Subject
from api.domain.threads import related, sequences
from api.domain.threads.sequences import Record, fold
from api.domain.threads.state import ThreadState
from api.records import designations
from api.records import threads as rows
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import (
    designation_record,
    equivocation,
    law_checks,
    own_checks,
    reliance,
    thread_record,
)
from api.services.statements.effects import designations as listed
from api.services.statements.effects.base import (
    Consequence,
    Disposed,
    Effect,
    Issued,
    Plain,
    Received,
    Refusal,
    opened,
    require_members,
)
from api.wire.statements import OPENER, Content, Place, Seen, Statement

_TENTATIVE = "sha256:" + "0" * 64
_NOT_VOID = sequences.UNPLACED | sequences.WAITS | {"statement.known", "thread.unknown"}


def place_of(record: Record, ministry: str) -> Place:
    """Return the members of a party's next statement as the wire has them."""
    seq, prev, seen = sequences.next_place(record, ministry)
    return Place(seq, prev, None if seen is None else Seen(seen.seq, seen.id))


def tentative(node: Node, content: Content, place: Place) -> Statement:
    """Return the statement that a content would become, for judging it before it is composed."""
    return Statement(
        id=_TENTATIVE,
        type=content.type,
        issuer=node.ministry,
        issued_at=node.now(),
        nonce="",
        to=content.to,
        by=None,
        body=dict(content.body),
        thread=content.thread,
        seq=place.seq,
        prev=place.prev,
        seen=place.seen,
        payload=b"",
    )


def travelling(
    connection: Connection, type_: str, body: dict[str, Any], peers: Sequence[str]
) -> list[str]:
    """Return the statements that go along with a thread statement to its recipients."""
    found = [
        one
        for peer in peers
        for one in designation_record.to_bring(connection, referenced(type_, body), peer)
    ]
    return list(dict.fromkeys(found))


def _bring(unit: Unit, statement: Statement) -> list[str]:
    found = travelling(unit.connection, statement.type, statement.body, statement.to)
    for peer in statement.to:
        designation_record.note_known(unit, referenced(statement.type, statement.body), peer)
    return found


class OpenerEffect(Plain):
    """The request that opens a thread."""

    def check(self, node: Node, connection: Connection, content: Content) -> None:
        """One addressee, known designations, released evidence, no open thread alike."""
        body: dict[str, Any] = dict(content.body)
        require_members(node, content.to)
        decision = sequences.may_open(tentative(node, content, Place(1)))
        if not decision:
            raise Invalid(decision.code, decision.reason)
        own_checks.check_asked(node, connection, body, content.to[0])
        named = referenced(content.type, body)
        designation_record.require_room(connection, named, content.to)
        continued = body.get("continues")
        earlier = thread_record.load(connection, continued) if continued is not None else None
        decision = related.may_continue(
            (node.ministry, content.to[0]), continued, fold(earlier) if earlier else None
        )
        if not decision:
            raise Conflict(decision.code, decision.reason)

    @override
    def place(self, _node: Node, _connection: Connection, _content: Content) -> Place:
        """An opener is number 1 of its thread."""
        return Place(1)

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Open the thread; a request for the same subject that was faster answers ``Stale``."""
        statement = issued.statement
        clashes = own_checks.clashes(node, unit.connection, statement.body, statement.to[0])
        if clashes:
            raise Stale("thread.open-elsewhere", "Another request for this subject was faster.")
        thread_record.keep(unit, Record((statement,)), issued.at)
        act = Act.THREAD_CONTINUED if "continues" in statement.body else Act.THREAD_OPENED
        subject = Subject("thread", statement.id)
        return Consequence(act, subject, statement.to, _bring(unit, statement))

    @override
    def receive(self, _node: Node, unit: Unit, received: Received) -> Decision:
        """Open the thread here too, with the designations it is about."""
        statement = received.statement
        decision = sequences.may_open(statement)
        if not decision:
            return decision
        asked = referenced(statement.type, statement.body)
        decision = listed.take_brought(unit, received, asked)
        if decision:
            thread_record.keep(unit, Record((statement,)), received.at)
        return decision

    @override
    def refused(self, _node: Node, unit: Unit, refusal: Refusal) -> None:
        """A refused request is a void thread at both ends, so that its number is not lost."""
        statement = refusal.statement
        if not sequences.may_open(statement) or refusal.decision.code in _NOT_VOID:
            return
        if rows.by_id(unit.connection, statement.id) is not None:
            return
        refusal.store(unit)
        thread_record.void(unit, statement, refusal.decision.code, refusal.at)
        record = Record((statement,), voided=frozenset({statement.id}))
        thread_record.keep(unit, record, refusal.at)

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """The addressee applied the request, or refused it."""
        _void_own(unit, disposed)


class ThreadEffect(Plain):
    """A statement in an open thread; what one type asks beyond legality is in ``own_check``."""

    def own_check(
        self, _node: Node, _connection: Connection, _state: ThreadState, _body: dict[str, Any]
    ) -> None:
        """Judge what only the issuer answers for; nothing by default."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Judge the statement as the next of our own sequence."""
        record = thread_record.require(connection, content.thread)
        state = fold(record)
        candidate = tentative(node, content, place_of(record, node.ministry))
        decision = sequences.judge(record, candidate, state)
        if not decision:
            raise Conflict(decision.code, decision.reason)
        body = dict(content.body)
        self.own_check(node, connection, state, body)
        designation_record.require_room(connection, referenced(content.type, body), content.to)
        return state.id

    @override
    def place(self, node: Node, connection: Connection, content: Content) -> Place:
        """Return the next place of our own sequence, naming all that was seen of the other."""
        return place_of(thread_record.require(connection, content.thread), node.ministry)

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Give the statement its place, if that is still the next."""
        statement = issued.statement
        thread = str(statement.thread)
        before = thread_record.held(unit, thread, without=statement.id)
        if before is None:
            raise thread_record.unknown_thread()
        place = place_of(before.record, node.ministry)
        if (statement.seq, statement.prev, statement.seen) != (place.seq, place.prev, place.seen):
            raise Stale("thread.moved", "The thread moved; read it again.")
        decision = sequences.judge(before.record, statement, before.state)
        if not decision:
            raise Conflict(decision.code, decision.reason)
        thread_record.keep(unit, before.record.adding(statement), issued.at, before)
        _answer_reviews(unit, before.state, statement, issued.at)
        subject = Subject("thread", thread)
        bring = _bring(unit, statement)
        return Consequence(Act.STATEMENT_ISSUED, subject, statement.to, bring)

    @override
    def receive(self, _node: Node, unit: Unit, received: Received) -> Decision:
        """Judge the counterpart's statement and give it its place."""
        statement = received.statement
        before = thread_record.held(unit, str(statement.thread))
        if before is None:
            return refuse("thread.unknown", "There is no such mirror request here.")
        decision = sequences.judge(before.record, statement, before.state)
        if not decision:
            return decision
        asked = referenced(statement.type, statement.body)
        decision = listed.take_brought(unit, received, asked)
        if decision:
            thread_record.keep(unit, before.record.adding(statement), received.at, before)
        return decision

    @override
    def refused(self, node: Node, unit: Unit, refusal: Refusal) -> None:
        """Store what has a place as void; keep an equivocation as proof."""
        statement = refusal.statement
        before = thread_record.held(unit, str(statement.thread))
        if before is None or refusal.decision.code == "statement.known":
            return
        placed = sequences.judge(before.record, statement, before.state)
        if placed.code == "equivocation":
            equivocation.keep(node, unit, refusal)
        if not sequences.takes_its_place(placed):
            return
        refusal.store(unit)
        thread_record.void(unit, statement, refusal.decision.code, refusal.at)
        record = before.record.adding(statement).voiding(statement.id)
        thread_record.keep(unit, record, refusal.at, before)

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """Void at this end what the other end refused."""
        _void_own(unit, disposed)


class AmendmentEffect(ThreadEffect):
    """Subjects, evidence or time added or taken back."""

    @override
    def own_check(
        self, node: Node, connection: Connection, state: ThreadState, body: dict[str, Any]
    ) -> None:
        """What is added must be as well founded as a request of its own."""
        own_checks.check_asked(node, connection, body, state.addressee, within=state.id)


class AnswerEffect(ThreadEffect):
    """An answer to a question, perhaps with evidence."""

    @override
    def own_check(
        self, node: Node, connection: Connection, state: ThreadState, body: dict[str, Any]
    ) -> None:
        """Evidence was released to the addressee before it is named."""
        own_checks.check_evidence(node, connection, body, state.addressee)


class FindingEffect(ThreadEffect):
    """The addressee's decision on one subject."""

    @override
    def own_check(
        self, node: Node, connection: Connection, state: ThreadState, body: dict[str, Any]
    ) -> None:
        """Own regime, packages that are held here, and a duplicate that exists."""
        regime = body.get("regime")
        if regime is not None and not regime.startswith(f"{node.me.jurisdiction}-"):
            raise Invalid("finding.regime", "Find under a regime of your own jurisdiction.")
        law_checks.check_finding(node, connection, state, body)
        own_checks.check_relied_on(connection, body["relies_on"])
        duplicate = body.get("duplicate_of")
        if duplicate is not None:
            earlier = thread_record.load(connection, duplicate["thread"])
            decision = related.may_name_duplicate(
                body, fold(earlier) if earlier is not None else None, state
            )
            if not decision:
                raise Conflict(decision.code, decision.reason)


class FollowUpEffect(ThreadEffect):
    """An effect: the designation that followed a finding."""

    @override
    def own_check(
        self, node: Node, connection: Connection, _state: ThreadState, body: dict[str, Any]
    ) -> None:
        """A standing designation of this jurisdiction."""
        row = designations.by_id(connection, body["designation"])
        if row is None:
            raise NotFound("designation.unknown", "There is no such designation here.")
        if row.jurisdiction != node.me.jurisdiction:
            raise Invalid("effect.jurisdiction", "State the effect of your own designation.")
        if row.ended_on is not None:
            raise Conflict("designation.delisted", "That designation was delisted.")


def _answer_reviews(unit: Unit, before: ThreadState, statement: Statement, at: str) -> None:
    """A new finding on a subject closes the reviews of those before it."""
    if statement.type != "mirror-finding/1":
        return
    subject = before.subjects[str(statement.body["subject"])]
    reliance.settle_reviews(unit, [one.stamp.id for one in subject.findings], at)


def _void_own(unit: Unit, disposed: Disposed) -> None:
    """Void a refused statement of ours, unless the refusal gave it no place over there either."""
    code = disposed.code or "refused"
    if disposed.outcome != "refused" or code in _NOT_VOID:
        return
    original = opened(disposed.original)
    thread = str(original.thread_id)
    if disposed.peer not in original.to:
        return
    before = thread_record.held(unit, thread)
    if before is None:
        raise thread_record.unknown_thread()
    if original.id in before.record.voided:
        return
    thread_record.void(unit, original, code, disposed.at)
    thread_record.keep(unit, before.record.voiding(original.id), disposed.at, before)


_ORDINARY = ThreadEffect()
EFFECTS: Mapping[str, Effect] = {
    OPENER: OpenerEffect(),
    "mirror-amendment/1": AmendmentEffect(),
    "mirror-answer/1": AnswerEffect(),
    "mirror-withdrawal/1": _ORDINARY,
    "mirror-acknowledgement/1": _ORDINARY,
    "mirror-question/1": _ORDINARY,
    "mirror-finding/1": FindingEffect(),
    "mirror-effect/1": FollowUpEffect(),
    "mirror-closure/1": _ORDINARY,
}
