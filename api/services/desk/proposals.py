"""Proposals: the reasoned case for a listing, at first the ministry's own paper.

Owns the table ``proposals`` for own proposals; the life of one is ``domain.designations``'. Four
eyes hold at home too: whoever wrote a version endorses nothing, and what is endorsed is the digest
that was seen.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.domain import designations as rules
from api.domain.designations import ProposalAct, ProposalState
from api.domain.errors import Conflict, Invalid, NotFound, Stale
from api.domain.events import Act, Subject
from api.domain.evidence import PackageState
from api.domain.notation import Count, Digest, Instant
from api.ports.policy import Action, Resource
from api.records import designations, packages
from api.records.designations import Proposal
from api.records.unit_of_work import Unit
from api.services import recording, visibility
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, unknown
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.paging import Place
from api.services.previews import Shown, note_preview, require_preview, resting_on
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.services.statements.effects.designations import evidence_of, note_proposal, proposal_row
from api.services.statements.effects.law_checks import check_listing, with_edition
from api.services.visibility import table_row
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.statements import Content

TYPE = "designation-proposal/1"
_NONCE = 16


@dataclass(frozen=True, slots=True)
class ProposalSummary:
    """One line of the list of proposals.

    Attributes:
        id: names it here, and in a designation that follows from it.
        ministry: whose proposal it is.
        regime: under which regime.
        title: the subject's first name.
        state: where it stands.
        version: from 1.
        digest: what an endorsement binds.
        endorsed_by: officer record.
        reason: why it was returned or lapsed.
        statement: the statement that shared it.
        created_at: when the first version was written, or it came.
        updated_at: when it last changed.
    """

    id: Digest
    ministry: str
    regime: str
    title: str
    state: ProposalState
    version: Count
    digest: Digest
    endorsed_by: str | None
    reason: str | None
    statement: Digest | None
    created_at: Instant
    updated_at: Instant


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a paper; ``author`` is an officer record."""

    version: Count
    author: str
    digest: Digest
    at: Instant


@dataclass(frozen=True, slots=True)
class ProposalView(ProposalSummary):
    """A proposal with everything its readers see.

    Attributes:
        body: the present version, as ``designation-proposal/1`` has it.
        versions: oldest first.
        tag: entity tag of the present version and state.
    """

    body: Mapping[str, Any]
    versions: tuple[VersionView, ...]
    tag: str


def create(node: Node, caller: Caller, body: Mapping[str, Any]) -> ProposalView:
    """Write a proposal; it stays a draft until it is submitted.

    Raises:
        WireError: ``statement.body``.
        NotFound: ``package.unknown``: its evidence is not held here.
    """
    permit = _permit_to_create(node, caller, body)
    content, text = _checked(node, body)
    once = keyed_call(caller, Act.PROPOSAL_DRAFTED, dict(body))
    if (known := made_before(node, once)) is not None:
        return read(node, caller, known["id"])
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

    made = write_once(node, once, {"id": name}, write)
    return _reread(node, made["id"])


def replace(
    node: Node, caller: Caller, proposal_id: str, tag: str, body: Mapping[str, Any]
) -> ProposalView:
    """Write the next version of a drafted or returned proposal; its writer joins the authors.

    Raises:
        Stale: ``proposal.stale``: the tag is not that of the present version.
        Conflict: ``proposal.<state>``.
    """
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    permit = _permit_to_write(node, caller, row)
    if row.state not in {ProposalState.DRAFTED, ProposalState.RETURNED}:
        raise Conflict(
            f"proposal.{row.state.value}", "Only a drafted or returned one is written on."
        )
    if tag != row.tag:
        raise _stale()
    _permit_to_create(node, caller, body)
    content, text = _checked(node, body)
    version = row.version + 1
    values = {
        name: value
        for name, value in proposal_row(node.ministry, content, text, node.now()).items()
        if name not in {"created_at", "ministry"}
    }
    values |= {
        "version": version,
        "authors": json.dumps(sorted(row.authors | caller.authors)),
    }

    def write(unit: Unit) -> None:
        expect = {"version": row.version, "state": row.state.value}
        key = {"id": proposal_id}
        changed = unit.update(designations.PROPOSALS, key, values, expect=expect)
        if changed is None:
            raise _stale()
        history = designations.version_row(dict(changed), caller.person)
        unit.insert(designations.PROPOSAL_VERSIONS, history)
        note_proposal(unit, proposal_id, node.ministry, content)
        _record(node, unit, caller, permit, (Act.PROPOSAL_REPLACED, proposal_id, version))

    node.db.write(write)
    return _reread(node, proposal_id)


def submit(node: Node, caller: Caller, proposal_id: str, tag: str) -> ProposalView:
    """Put a drafted or returned proposal before the reviewers."""
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    permit = _permit_to_write(node, caller, row)
    if tag != row.tag:
        raise _stale()
    return _move(node, caller, permit, row, (ProposalAct.SUBMIT, Act.PROPOSAL_SUBMITTED), {})


def endorse(node: Node, caller: Caller, proposal_id: str, seen: str) -> ProposalView:
    """Endorse the version whose digest the caller saw.

    Raises:
        Stale: ``proposal.stale``.
        Conflict: ``proposal.ground-without-evidence``, ``proposal.threshold-not-met``.
        Refused: own work, wrong role; ``proposal.not-previewed``: the endorser did not read it.
    """
    row, permit = permit_on(node, caller, Action.PROPOSAL_ENDORSE, proposal_id)
    if seen != row.digest:
        raise _stale()
    node.db.read(lambda connection: _require_usable(connection, evidence_of(dict(row.body))))
    decision = rules.may_endorse(dict(row.body))
    if not decision:
        raise Conflict(decision.code, decision.reason)
    rules.next_proposal_state(row.state, ProposalAct.ENDORSE)
    command = f"comity proposal show {proposal_id}"
    look = require_preview(node, caller, _shown(row), "proposal.not-previewed", command)
    subject = Subject("proposal", row.id, row.version)
    entry = resting_on(entry_of(caller, permit, Act.PROPOSAL_ENDORSED, subject), look)
    return _moved(node, row, ProposalAct.ENDORSE, entry, {"endorsed_by": caller.person})


def give_back(node: Node, caller: Caller, proposal_id: str, reason: str) -> ProposalView:
    """Return a submitted proposal to its authors with a reason."""
    row, permit = permit_on(node, caller, Action.PROPOSAL_RETURN, proposal_id)
    moved = (ProposalAct.RETURN, Act.PROPOSAL_RETURNED)
    return _move(node, caller, permit, row, moved, {"reason": _reason(reason)})


def lapse(node: Node, caller: Caller, proposal_id: str, reason: str) -> ProposalView:
    """Let a proposal lapse: nothing will follow from it."""
    row, permit = permit_on(node, caller, Action.PROPOSAL_LAPSE, proposal_id)
    moved = (ProposalAct.LAPSE, Act.PROPOSAL_LAPSED)
    return _move(node, caller, permit, row, moved, {"reason": _reason(reason)})


def share(
    node: Node, caller: Caller, proposal_id: str, to: Sequence[str], endorsement: Any = None
) -> DraftView:
    """Draft the statement that shares the releasable part of an endorsed proposal.

    Raises:
        Conflict: ``proposal.not-endorsed``.
    """
    row = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)[0]
    if row.ministry != node.ministry:
        raise Conflict("proposal.not-yours", "Share your own proposals.")
    if row.state not in {ProposalState.ENDORSED, ProposalState.DESIGNATED}:
        raise Conflict("proposal.not-endorsed", "Have the proposal endorsed first.")
    node.db.read(lambda connection: _require_usable(connection, evidence_of(dict(row.body))))
    body = {**rules.shareable(dict(row.body)), "proposal": proposal_id}
    return drafting.create(node, caller, Content(TYPE, tuple(to), body), endorsement)


def proposals_page(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: Place | None = None,
    state: str | None = None,
) -> list[ProposalSummary]:
    """Return a page of the proposals that the caller may read, newest first."""
    authorise(node, caller, Action.PROPOSAL_LIST, collection("proposals"))

    found = visibility.readable_page(
        node,
        caller,
        lambda connection, at, size: designations.proposal_page(
            connection, limit=size, before=at, state=state
        ),
        limit=limit,
        start=before,
    )
    return [ProposalSummary(**_members(one)) for one in found]


def _members(row: Proposal) -> dict[str, Any]:
    return {
        "id": row.id,
        "ministry": row.ministry,
        "regime": row.regime,
        "title": row.title,
        "state": row.state,
        "version": row.version,
        "digest": row.digest,
        "endorsed_by": row.endorsed_by,
        "reason": row.reason,
        "statement": row.statement,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def read(node: Node, caller: Caller, proposal_id: str) -> ProposalView:
    """Return a proposal with its versions.

    Reading one that waits for endorsement is an event, and the look without which nobody endorses
    this version (``proposal.not-previewed``).
    """
    row, permit = permit_on(node, caller, Action.PROPOSAL_READ, proposal_id)
    if row.state is ProposalState.SUBMITTED:
        note_preview(node, caller, permit, _shown(row), Act.CHANGE_PREVIEWED)
    return _reread(node, proposal_id)


def _shown(row: Proposal) -> Shown:
    return Shown(Subject("proposal", row.id, row.version), row.digest)


def _reread(node: Node, proposal_id: str) -> ProposalView:
    """Return a proposal after an act on it, or after the caller was found to be its reader."""

    def view(connection: Connection) -> ProposalView:
        row = designations.proposal(connection, proposal_id)
        if row is None:
            raise unknown("proposal")
        history = designations.versions(connection, proposal_id)
        versions = (VersionView(one.version, one.author, one.digest, one.at) for one in history)
        return ProposalView(**_members(row), body=row.body, versions=tuple(versions), tag=row.tag)

    return node.db.read(view)


def permit_on(
    node: Node, caller: Caller, action: Action, proposal_id: str
) -> tuple[Proposal, Permit]:
    """Return a proposal with the permit to act on it; hidden ones answer as absent ones.

    Raises:
        NotFound: ``proposal.unknown``.
    """

    def find(connection: Connection) -> tuple[Proposal, Resource] | None:
        row = designations.proposal(connection, proposal_id)
        if row is None:
            return None
        (target,) = visibility.resources(node, connection, [row])
        return row, target

    found = node.db.read(find)
    if found is None:
        raise unknown("proposal")
    row, target = found
    return row, visibility.permit_on_package(node, caller, action, row, target)


def _permit_to_create(node: Node, caller: Caller, body: Mapping[str, Any]) -> Permit:
    """Ask as for a draft: who prepares proposals writes them, unless they stand aside from it."""
    named = visibility.named_in(body)
    aside = visibility.aside_from(node, named)
    target = visibility.draft_resource(node, table_row(node, TYPE), None, aside)
    seen_by = Action.DRAFT_CREATE if aside & caller.authors else None
    try:
        return authorise(node, caller, Action.DRAFT_CREATE, target, visible_by=seen_by)
    except NotFound as hidden:
        raise unknown("package", hidden.policies) from None


def _permit_to_write(node: Node, caller: Caller, row: Proposal) -> Permit:
    """Ask as for a draft of that state and those authors."""
    if row.ministry != node.ministry:
        raise Conflict("proposal.not-yours", "A partner's proposal is written on by the partner.")
    fresh = visibility.draft_resource(node, table_row(node, TYPE), None, frozenset())
    attributes = {**fresh.attributes, "authors": row.authors, "state": row.state.value}
    return authorise(node, caller, Action.DRAFT_EDIT, Resource("draft", row.id, attributes))


def _checked(node: Node, body: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    content = dict(with_edition(node, TYPE, body))
    drafting.require_meaning(Content(TYPE, (), content))
    check_listing(node, content, content["subjects"])
    node.db.read(lambda connection: _require_usable(connection, evidence_of(content)))
    return content, canonical(content)


def _require_usable(connection: Connection, named: Iterable[str]) -> None:
    """Refuse to rest a proposal on what is not here, or was recalled.

    Raises:
        NotFound: ``package.unknown``.
        Conflict: ``package.recalled``.
    """
    wanted = set(named)
    known = packages.by_ids(connection, sorted(wanted))
    if set(known) != wanted:
        raise NotFound("package.unknown", "There is no such package here.")
    if any(one.state is PackageState.RECALLED for one in known.values()):
        raise Conflict("package.recalled", "Nothing new rests on a recalled package; leave it out.")


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid("proposal.reason-missing", "Say why.")
    return reason


def _move(
    node: Node,
    caller: Caller,
    permit: Permit,
    row: Proposal,
    moved: tuple[ProposalAct, Act],
    values: Mapping[str, Any],
) -> ProposalView:
    """Take a proposal to its next state, if it still is where the caller saw it."""
    entry = entry_of(caller, permit, moved[1], Subject("proposal", row.id, row.version))
    return _moved(node, row, moved[0], entry, values)


def _moved(
    node: Node, row: Proposal, act: ProposalAct, entry: recording.Entry, values: Mapping[str, Any]
) -> ProposalView:
    if row.ministry != node.ministry:
        raise Conflict("proposal.not-yours", "A partner's proposal is decided by the partner.")
    after = rules.next_proposal_state(row.state, act)
    full = {**values, "state": after.value, "updated_at": node.now()}
    expect = {"state": row.state.value, "version": row.version, "digest": row.digest}

    def write(unit: Unit) -> None:
        if unit.update(designations.PROPOSALS, {"id": row.id}, full, expect=expect) is None:
            raise _stale()
        recording.record(node, unit, entry)

    node.db.write(write)
    return _reread(node, row.id)


def _stale() -> Stale:
    return Stale("proposal.stale", "The proposal changed since you read it; read it again.")


def _record(
    node: Node, unit: Unit, caller: Caller, permit: Permit, about: tuple[Act, str, int]
) -> None:
    act, proposal_id, version = about
    entry = entry_of(caller, permit, act, Subject("proposal", proposal_id, version))
    recording.record(node, unit, entry)
