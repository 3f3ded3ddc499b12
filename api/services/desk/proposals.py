"""Proposals: the reasoned case for a listing, at first the ministry's own paper.

Owns the table ``proposals`` for own proposals; the life of one is ``domain.designations``'. Four
eyes hold at home too: whoever wrote a version endorses nothing, and what is endorsed is the digest
that was seen.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain import designations as rules
from api.domain.designations import ProposalAct, ProposalState
from api.domain.errors import Conflict, Invalid, NotFound, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action, Resource
from api.records import delegations, designations, packages
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import (
    Caller,
    Permit,
    authorise,
    collection,
    entry_of,
    unknown,
    visible,
)
from api.services.desk import objects
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.paging import visible_page
from api.services.statements import draft_form, drafting
from api.services.statements.draft_form import Draft
from api.services.statements.effects.designations import evidence_of, note_proposal, proposal_row
from api.services.statements.effects.law_checks import check_listing
from api.wire.bodies import validate_body
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.statements import Content

TYPE = "designation-proposal/1"
_NONCE = 16


def create(node: Node, caller: Caller, body: Mapping[str, Any]) -> RowMapping:
    """Write a proposal; it stays a draft until it is submitted.

    Raises:
        WireError: ``statement.body``.
        NotFound: ``package.unknown``: its evidence is not held here.
    """
    content, text = _checked(node, body)
    table = draft_form.table_row(node, TYPE)
    fresh = draft_form.resource(node, table, None, aside=frozenset())
    permit = authorise(node, caller, Action.DRAFT_CREATE, fresh)
    once = keyed_call(caller, Act.PROPOSAL_DRAFTED, dict(body))
    if (known := made_before(node, once)) is not None:
        return load(node, known["id"])
    at = node.now()
    # The name of a proposal is the digest of its first version and a nonce, so that a designation
    # can refer to it without telling anybody what it says.
    name = digest(node.entropy.token(_NONCE) + text)
    row = proposal_row(node.ministry, content, text, at) | {
        "id": name,
        "state": ProposalState.DRAFTED.value,
        "authors": json.dumps(sorted(caller.authors)),
    }

    def write(unit: Unit) -> None:
        unit.insert(designations.PROPOSALS, row)
        version = designations.version_row(row, caller.person)
        unit.insert(designations.PROPOSAL_VERSIONS, version)
        note_proposal(unit, name, node.ministry, content)
        _record(node, unit, caller, permit, (Act.PROPOSAL_DRAFTED, name, 1))

    return load(node, write_once(node, once, {"id": name}, write)["id"])


def replace(
    node: Node, caller: Caller, proposal_id: str, tag: str, body: Mapping[str, Any]
) -> RowMapping:
    """Write the next version of a drafted or returned proposal; its writer joins the authors.

    Raises:
        Stale: ``proposal.stale``: the tag is not that of the present version.
        Conflict: ``proposal.<state>``.
    """
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    permit = _permit_to_write(node, caller, row)
    if row["state"] not in {ProposalState.DRAFTED, ProposalState.RETURNED}:
        raise Conflict(f"proposal.{row['state']}", "Only a drafted or returned one is written on.")
    if tag != tag_of(row):
        raise _stale()
    content, text = _checked(node, body)
    version = row["version"] + 1
    values = {
        name: value
        for name, value in proposal_row(node.ministry, content, text, node.now()).items()
        if name not in {"created_at", "ministry"}
    }
    values |= {
        "version": version,
        "authors": json.dumps(sorted({*json.loads(row["authors"]), *caller.authors})),
    }

    def write(unit: Unit) -> None:
        expect = {"version": row["version"], "state": row["state"]}
        key = {"id": proposal_id}
        changed = unit.update(designations.PROPOSALS, key, values, expect=expect)
        if changed is None:
            raise _stale()
        history = designations.version_row(dict(changed), caller.person)
        unit.insert(designations.PROPOSAL_VERSIONS, history)
        note_proposal(unit, proposal_id, node.ministry, content)
        _record(node, unit, caller, permit, (Act.PROPOSAL_REPLACED, proposal_id, version))

    node.db.write(write)
    return load(node, proposal_id)


def submit(node: Node, caller: Caller, proposal_id: str, tag: str) -> RowMapping:
    """Put a drafted or returned proposal before the reviewers."""
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    permit = _permit_to_write(node, caller, row)
    if tag != tag_of(row):
        raise _stale()
    return _move(node, caller, permit, row, (ProposalAct.SUBMIT, Act.PROPOSAL_SUBMITTED), {})


def endorse(node: Node, caller: Caller, proposal_id: str, seen: str) -> RowMapping:
    """Endorse the version whose digest the caller saw.

    Raises:
        Stale: ``proposal.stale``.
        Conflict: ``proposal.ground-without-evidence``, ``proposal.threshold-not-met``.
        Refused: own work, wrong role.
    """
    row, permit = permit_on(node, caller, Action.PROPOSAL_ENDORSE, proposal_id)
    if seen != row["digest"]:
        raise _stale()
    decision = rules.may_endorse(json.loads(row["body"]))
    if not decision:
        raise Conflict(decision.code, decision.reason)
    moved = (ProposalAct.ENDORSE, Act.PROPOSAL_ENDORSED)
    return _move(node, caller, permit, row, moved, {"endorsed_by": caller.person})


def give_back(node: Node, caller: Caller, proposal_id: str, reason: str) -> RowMapping:
    """Return a submitted proposal to its authors with a reason."""
    row, permit = permit_on(node, caller, Action.PROPOSAL_RETURN, proposal_id)
    moved = (ProposalAct.RETURN, Act.PROPOSAL_RETURNED)
    return _move(node, caller, permit, row, moved, {"reason": _reason(reason)})


def lapse(node: Node, caller: Caller, proposal_id: str, reason: str) -> RowMapping:
    """Let a proposal lapse: nothing will follow from it."""
    row, permit = permit_on(node, caller, Action.PROPOSAL_LAPSE, proposal_id)
    moved = (ProposalAct.LAPSE, Act.PROPOSAL_LAPSED)
    return _move(node, caller, permit, row, moved, {"reason": _reason(reason)})


def share(
    node: Node, caller: Caller, proposal_id: str, to: Sequence[str], endorsement: Any = None
) -> Draft:
    """Draft the statement that shares the releasable part of an endorsed proposal.

    Raises:
        Conflict: ``proposal.not-endorsed``.
    """
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    if row["ministry"] != node.ministry:
        raise Conflict("proposal.not-yours", "Share your own proposals.")
    if row["state"] not in {ProposalState.ENDORSED, ProposalState.DESIGNATED}:
        raise Conflict("proposal.not-endorsed", "Have the proposal endorsed first.")
    body = {**rules.shareable(json.loads(row["body"])), "proposal": proposal_id}
    return drafting.create(node, caller, Content(TYPE, tuple(to), body), endorsement)


def listed(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
) -> list[RowMapping]:
    """Return a page of the proposals that the caller may read, newest first."""
    authorise(node, caller, Action.PROPOSAL_LIST, collection("proposals"))

    def allowed(rows: Sequence[RowMapping]) -> list[bool]:
        ids = [row["id"] for row in rows]
        aside = node.db.read(lambda connection: delegations.recused_many(connection, ids))
        targets = [objects.proposal(row, aside.get(row["id"], frozenset())) for row in rows]
        return visible(node, caller, Action.PROPOSAL_READ, targets)

    return visible_page(
        lambda at: node.db.read(
            lambda connection: designations.proposal_page(
                connection, limit=limit, before=at, state=state
            )
        ),
        allowed,
        lambda row: (row["created_at"], row["id"]),
        limit=limit,
        start=before,
    )


def read(node: Node, caller: Caller, proposal_id: str) -> tuple[RowMapping, list[RowMapping]]:
    """Return a proposal with its versions."""
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    history = node.db.read(lambda connection: designations.versions(connection, proposal_id))
    return row, history


def load(node: Node, proposal_id: str) -> RowMapping:
    """Return one proposal's row.

    Raises:
        NotFound: ``proposal.unknown``.
    """
    row = node.db.read(lambda connection: designations.proposal(connection, proposal_id))
    if row is None:
        raise unknown("proposal")
    return row


def tag_of(row: RowMapping) -> str:
    """Return the entity tag of a proposal's present version and state."""
    return f"{row['version']}-{row['state']}-{row['digest'][7:23]}"


def permit_on(
    node: Node, caller: Caller, action: Action, proposal_id: str
) -> tuple[RowMapping, Permit]:
    """Return a proposal with the permit to act on it; hidden ones answer as absent ones."""

    def find(connection: Connection) -> frozenset[str]:
        aside = delegations.recused_many(connection, [proposal_id])
        return aside.get(proposal_id, frozenset())

    row = load(node, proposal_id)
    target = objects.proposal(row, node.db.read(find))
    permit = authorise(node, caller, action, target, visible_by=Action.PROPOSAL_READ)
    return row, permit


def _permit_to_write(node: Node, caller: Caller, row: RowMapping) -> Permit:
    """Ask as for a draft: who prepares proposals writes on them."""
    if row["ministry"] != node.ministry:
        raise Conflict("proposal.not-yours", "A partner's proposal is written on by the partner.")
    table = draft_form.table_row(node, TYPE)
    fresh = draft_form.resource(node, table, None, aside=frozenset())
    authors = frozenset(json.loads(row["authors"]))
    attributes = {**fresh.attributes, "authors": authors, "state": row["state"]}
    return authorise(node, caller, Action.DRAFT_EDIT, Resource("draft", row["id"], attributes))


def _checked(node: Node, body: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    content = dict(body)
    validate_body(TYPE, content)
    check_listing(node, content, content["subjects"])
    named = evidence_of(content)
    known = node.db.read(
        lambda connection: {one for one in named if packages.by_id(connection, one) is not None}
    )
    if known != set(named):
        raise NotFound("package.unknown", "There is no such package here.")
    return content, canonical(content)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid("proposal.reason-missing", "Say why.")
    return reason


def _move(
    node: Node,
    caller: Caller,
    permit: Permit,
    row: RowMapping,
    moved: tuple[ProposalAct, Act],
    values: Mapping[str, Any],
) -> RowMapping:
    """Take a proposal to its next state, if it still is where the caller saw it."""
    if row["ministry"] != node.ministry:
        raise Conflict("proposal.not-yours", "A partner's proposal is decided by the partner.")
    act, recorded = moved
    after = rules.next_proposal_state(ProposalState(row["state"]), act)
    full = {**values, "state": after.value, "updated_at": node.now()}
    expect = {"state": row["state"], "version": row["version"], "digest": row["digest"]}

    def write(unit: Unit) -> None:
        key = {"id": row["id"]}
        if unit.update(designations.PROPOSALS, key, full, expect=expect) is None:
            raise _stale()
        _record(node, unit, caller, permit, (recorded, row["id"], row["version"]))

    node.db.write(write)
    return load(node, row["id"])


def _stale() -> Stale:
    return Stale("proposal.stale", "The proposal changed since you read it; read it again.")


def _record(
    node: Node, unit: Unit, caller: Caller, permit: Permit, about: tuple[Act, str, int]
) -> None:
    act, proposal_id, version = about
    entry = entry_of(caller, permit, act, Subject("proposal", proposal_id, version))
    recording.record(node, unit, entry)
