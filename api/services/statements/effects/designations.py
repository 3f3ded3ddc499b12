"""Effects of proposals, designations, amendments and delistings.

The rules, in the order in which they are judged:

* A ministry states designations of its own jurisdiction only, at home and when one arrives.
* An amendment or delisting goes to every ministry that was given the designation, by its own
  delivery or beside a request or effect; so nobody relies on what its author has changed.
* A designation that names a proposal needs one that was endorsed here; it becomes ``designated``.
* A partner's amendment or delisting opens a review of every own decision that rests on it.
* A proposal leaves without its internal reasons, or not at all.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain import designations as rules
from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.designations import ProposalAct, ProposalState
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.reliance import Change, RelianceKind, of_proposal
from api.domain.tasks import Notice
from api.records import designations, packages
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import designation_record, law_checks, reliance
from api.services.statements.effects.base import (
    Consequence,
    Disposed,
    Effect,
    Issued,
    Plain,
    Received,
    member_text,
    require_members,
)
from api.services.statements.effects.descriptions import note
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.statements import Content, Statement
from api.wire.types import AMENDMENT, DELISTING, DESIGNATION


def take_brought(unit: Unit, received: Received, ids: Iterable[str]) -> Decision:
    """Take in the designations that a statement refers to, where it brought them along.

    What came along was judged sound before (:func:`sound`). A designation that is here already
    stays as it is: nothing that comes beside another statement changes what its issuer sent.

    Returns:
        Allowed when each is known here now, else a refusal with code ``designation.unknown``.
    """
    for id_ in ids:
        if designations.by_id(unit.connection, id_) is not None:
            continue
        first = received.brought.get(id_)
        if first is None:
            return refuse("designation.unknown", "Send the designation along, or before.")
        later = [one for one in received.brought.values() if _changes(one, id_)]
        told_by = received.peer if received.peer != first.issuer else None
        standing = rules.standing(first, later)
        designation_record.take_in(unit, standing, received.at, told_by=told_by)
    return ALLOWED


def _changes(statement: Statement, designation_id: str) -> bool:
    return statement.body.get("designation") == designation_id


def sound(node: Node, statement: Statement) -> Decision:
    """Whether a partner's designation or change of one is its own to state and can be counted.

    Statements of other types are no designations and are sound as far as this goes.
    """
    if statement.type not in {DESIGNATION, AMENDMENT, DELISTING}:
        return ALLOWED
    body: dict[str, Any] = statement.body
    countable = _countable(body)
    if not countable:
        return countable
    member = node.membership.find(statement.issuer)
    jurisdiction = member.jurisdiction if member is not None else ""
    if statement.type == DESIGNATION:
        return rules.may_designate(body, jurisdiction)
    regime = body.get("changes", {}).get("regime")
    if regime is not None and not regime.startswith(f"{jurisdiction}-"):
        return refuse("designation.regime", "Name a regime of the designating jurisdiction.")
    return rules.check_instants(body["instants"])


def _countable(body: dict[str, Any]) -> Decision:
    """Whether a day can be told from the instants: in some zones the first and last years end."""
    try:
        for moment in body["instants"].values():
            if isinstance(moment, dict) and {"at", "zone"} <= moment.keys():
                rules.day_of(moment)
    except (OverflowError, ValueError):
        return refuse("instants.range", "Give instants whose day can be told in their zone.")
    return ALLOWED


def raise_refusal(decision: Decision) -> None:
    """Raise what a rule refused, with its code.

    Raises:
        NotFound: something is not known here.
        Conflict: it is known and does not allow this now.
        Invalid: the content itself is wrong.
    """
    if decision:
        return
    if decision.code.endswith(".unknown"):
        raise NotFound(decision.code, decision.reason)
    if decision.code in {"designation.not-yours", "designation.delisted"}:
        raise Conflict(decision.code, decision.reason)
    raise Invalid(decision.code, decision.reason)


class DesignationEffect(Plain):
    """The fact that this jurisdiction listed a subject."""

    def check(self, node: Node, connection: Connection, content: Content) -> str | None:
        """Judge jurisdiction, instants, what is mirrored, and the proposal."""
        body: dict[str, Any] = dict(content.body)
        require_members(node, content.to)
        raise_refusal(_countable(body))
        raise_refusal(rules.may_designate(body, node.me.jurisdiction))
        law_checks.check_listing(node, body, [body["subject"]])
        for one in body.get("mirrors", ()):
            other = one.get("designation")
            if other is not None and designations.by_id(connection, other) is None:
                raise NotFound("designation.unknown", "There is no such designation here.")
        proposal = body.get("proposal")
        if proposal is not None:
            _require_endorsed(node, connection, str(proposal), body)
        return str(proposal) if proposal is not None else None

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Write the designation down and move its proposal on."""
        statement = issued.statement
        designation_record.take_in(unit, rules.standing(statement, ()), issued.at, statement.to)
        proposal = member_text(statement.body, "proposal")
        if proposal:
            _mark_designated(unit, proposal, issued.at)
        subject = Subject("designation", statement.id)
        return Consequence(Act.DESIGNATION_RECORDED, subject, statement.to)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Write down what a partner listed; what others told of it before no longer counts."""
        statement = received.statement
        decision = sound(node, statement)
        if not decision:
            return decision
        if not received.known or designations.by_id(unit.connection, statement.id) is None:
            designation_record.take_in(unit, rules.standing(statement, ()), received.at)
        else:
            designation_record.prevail(unit, statement)
        return ALLOWED

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """What a partner refused counts as not told."""
        if disposed.outcome == "refused":
            designation_record.forget_known(unit, disposed.original.id, disposed.peer)

    @override
    def dropped(self, _node: Node, unit: Unit, statement: Statement) -> None:
        """Forget what others told of a designation that is refused."""
        designation_record.forget(unit, statement.id)


def _require_endorsed(
    node: Node, connection: Connection, proposal_id: str, body: dict[str, Any]
) -> None:
    """A proposal becomes a designation once it is endorsed, under its own regime."""
    row = designations.proposal(connection, proposal_id)
    if row is None or row.ministry != node.ministry:
        raise NotFound("proposal.unknown", "There is no such proposal here.")
    if row.state not in {ProposalState.ENDORSED, ProposalState.DESIGNATED}:
        raise Conflict("proposal.not-endorsed", "Have the proposal endorsed first.")
    if row.regime != body["regime"]:
        raise Invalid("proposal.other-regime", "The proposal was made under another regime.")


def _mark_designated(unit: Unit, proposal_id: str, at: str) -> None:
    """The first designation moves the proposal; it may carry one for each of its subjects."""
    row = designations.proposal(unit.connection, proposal_id)
    if row is None:
        raise NotFound("proposal.unknown", "There is no such proposal here.")
    if row.state == ProposalState.DESIGNATED:
        return
    after = rules.next_proposal_state(ProposalState(row.state), ProposalAct.DESIGNATE)
    values = {"state": after.value, "updated_at": at}
    expect = {"state": row.state}
    if unit.update(designations.PROPOSALS, {"id": proposal_id}, values, expect=expect) is None:
        raise Conflict("proposal.not-endorsed", "The proposal changed meanwhile.")


class ChangeEffect(Plain):
    """An amendment or delisting of a standing designation, by its own ministry."""

    def __init__(self, act: Act, change: Change, notice: Notice) -> None:
        self._act = act
        self._change = change
        self._notice = notice

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Own, standing, with sound instants, and addressed to everyone who was given it."""
        body: dict[str, Any] = dict(content.body)
        designation_id = member_text(body, "designation")
        require_members(node, content.to)
        known = designation_record.standing_of(connection, designation_id)
        raise_refusal(rules.may_change(known, node.ministry))
        raise_refusal(_countable(body))
        raise_refusal(rules.check_instants(body["instants"]))
        designation_record.require_room(connection, [designation_id], content.to)
        changes = body.get("changes", {})
        if known is not None and {"regime", "grounds"} & set(changes):
            whole = {**known.body, **changes}
            law_checks.check_words(node, str(whole["regime"]), whole["grounds"])
        if not designation_record.known_to(connection, designation_id) <= set(content.to):
            raise Invalid(
                "designation.recipients",
                "Address it to every ministry that was given the designation.",
            )
        return designation_id

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Write down how the designation stands now; its open reviews are answered by this."""
        statement = issued.statement
        designation_id = member_text(statement.body, "designation")
        if not designation_record.known_to(unit.connection, designation_id) <= set(statement.to):
            raise Conflict("designation.recipients", "Others know it by now; prepare it again.")
        self._apply(unit, statement)
        reliance.settle_reviews(unit, [designation_id], issued.at)
        bring = [
            id_
            for peer in statement.to
            for id_ in designation_record.to_bring(unit.connection, [designation_id], peer)
            if id_ != statement.id
        ]
        for peer in statement.to:
            designation_record.note_known(unit, [designation_id], peer)
        subject = Subject("designation", designation_id)
        return Consequence(self._act, subject, statement.to, tuple(dict.fromkeys(bring)))

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Write it down, say so to the desk, and open a review of what rests on it."""
        statement = received.statement
        designation_id = member_text(statement.body, "designation")
        decision = sound(node, statement) and take_brought(unit, received, [designation_id])
        if not decision:
            return decision
        known = designation_record.standing_of(
            unit.connection,
            designation_id,
            received.brought.values(),
            by_issuer_alone=True,
            without=statement.id,
        )
        decision = rules.may_change(known, statement.issuer)
        if not decision:
            return decision
        self._apply(unit, statement, received.brought.values())
        changed = (RelianceKind.DESIGNATION, designation_id)
        reliance.open_reviews(node, unit, self._change, changed, statement.id)
        about = ("designation", designation_id)
        reliance.open_notice(node, unit, self._notice, about, statement.id)
        return ALLOWED

    @override
    def dropped(self, _node: Node, unit: Unit, statement: Statement) -> None:
        """Let the designation stand as it does without this change."""
        designation_record.recompute(unit, member_text(statement.body, "designation"))

    def _apply(self, unit: Unit, statement: Statement, brought: Iterable[Statement] = ()) -> None:
        designation_id = member_text(statement.body, "designation")
        now = designation_record.standing_of(unit.connection, designation_id, [*brought, statement])
        if now is None:
            raise NotFound("designation.unknown", "There is no such designation here.")
        designation_record.write(unit, now)


class ProposalEffect(Plain):
    """The releasable part of a proposal, shared with partners."""

    def check(self, node: Node, connection: Connection, content: Content) -> str | None:
        """No internal reasons, an own regime, and packages that are known here."""
        body: dict[str, Any] = dict(content.body)
        require_members(node, content.to)
        raise_refusal(rules.may_leave(body, issuer=node.ministry, to=content.to))
        law_checks.check_listing(node, _as_endorsed(connection, body), body["subjects"])
        for package in evidence_of(body):
            if packages.by_id(connection, package) is None:
                raise NotFound("package.unknown", "There is no such package here.")
        return shared_from(connection, body)

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Note under which statement the proposal was shared."""
        source = shared_from(unit.connection, issued.statement.body)
        if source is not None:
            values = {"statement": issued.statement.id, "updated_at": issued.at}
            unit.update(designations.PROPOSALS, {"id": source}, values)
        subject = Subject("proposal", issued.statement.id)
        return Consequence(Act.STATEMENT_ISSUED, subject, issued.statement.to)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Keep a partner's proposal beside our own; it has been endorsed there."""
        statement = received.statement
        decision = rules.may_leave(statement.body, issuer=statement.issuer, to=statement.to)
        if not decision:
            return decision
        body: dict[str, Any] = statement.body
        text = canonical(body)
        row = proposal_row(statement.issuer, body, text, received.at)
        row |= {
            "id": statement.id,
            "state": ProposalState.ENDORSED.value,
            "authors": "[]",
            "statement": statement.id,
        }
        unit.insert(designations.PROPOSALS, row)
        note_proposal(unit, statement.id, statement.issuer, body)
        about = ("proposal", statement.id)
        reliance.open_notice(node, unit, Notice.SHARED, about, statement.id)
        return ALLOWED


def evidence_of(body: dict[str, Any]) -> list[str]:
    """Return the packages in a proposal's evidence map, each once."""
    named = [item["package"] for ground in body["grounds"] for item in ground["evidence"]]
    return list(dict.fromkeys(named))


def _as_endorsed(connection: Connection, body: dict[str, Any]) -> dict[str, Any]:
    """Return a shared proposal without the edition that it was endorsed under, as it stands here.

    The law's data may have changed since; what was endorsed is shared as it was.
    """
    found = designations.proposal(connection, str(body.get("proposal")))
    if found is None or found.body.get("regime_edition") != body.get("regime_edition"):
        return body
    return {name: value for name, value in body.items() if name != "regime_edition"}


def shared_from(connection: Connection, body: dict[str, Any]) -> str | None:
    """Return the own proposal whose releasable part this body is, if there is one here."""
    source = body.get("proposal")
    if not isinstance(source, str) or designations.proposal(connection, source) is None:
        return None
    return source


def proposal_row(ministry: str, body: dict[str, Any], text: bytes, at: str) -> dict[str, Any]:
    """Return the columns of a proposal that follow from its content."""
    names = body["subjects"][0]["names"]
    title = str(body.get("title") or names[0]["text"])
    return {
        "ministry": ministry,
        "regime": body["regime"],
        "title": title,
        "version": 1,
        "digest": digest(text),
        "body": text.decode(),
        "created_at": at,
        "updated_at": at,
    }


def note_proposal(unit: Unit, proposal_id: str, ministry: str, body: dict[str, Any]) -> None:
    """Note a proposal's subjects and what it rests on."""
    note(unit, "proposal", proposal_id, ministry, body["subjects"])
    reliance.refresh(unit, proposal_id, of_proposal(proposal_id, ministry, body))


EFFECTS: Mapping[str, Effect] = {
    "designation-proposal/1": ProposalEffect(),
    "designation/1": DesignationEffect(),
    "designation-amendment/1": ChangeEffect(
        Act.DESIGNATION_AMENDED, Change.AMENDED, Notice.AMENDED_THERE
    ),
    "delisting/1": ChangeEffect(Act.DESIGNATION_DELISTED, Change.DELISTED, Notice.DELISTED_THERE),
}
