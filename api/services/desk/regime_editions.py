"""Editions of regime data, changed by two administrators and without code.

Owns the table ``regime_editions`` through its records. What a document must look like is
``domain.regimes.form``'s; which edition a statement was decided under stands in the statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Invalid, NotFound, Stale
from api.domain.events import Act, Subject
from api.domain.notation import Instant, Nullable, RecordId
from api.domain.regimes.editions import EditionChange, edition_changes
from api.domain.regimes.form import parse
from api.domain.regimes.together import regimes_of
from api.domain.regimes.values import Regime, RegimeError
from api.ports.policy import Action
from api.records import regime_editions
from api.records.regime_editions import REGIME_EDITIONS, RegimeEdition, RegimeEditionState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, change_of, collection, entry_of, unknown
from api.services.desk.officers import name_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire import canonical
from api.wire.canonical import Json
from api.wire.digests import digest
from api.wire.errors import WireError

LARGEST: Final = 512 * 1024
"""Most bytes of a document."""

_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class RegimeInForce:
    """What this node reads of one regime.

    Attributes:
        id: of the regime.
        jurisdiction: whose law it is.
        edition: the edition in force.
        shipped: the edition of the policy directory; null where it has none.
        decided: id of the edition that two administrators decided on, if one is in force.
    """

    id: str
    jurisdiction: str
    edition: str
    shipped: Nullable[str]
    decided: Nullable[RecordId]


@dataclass(frozen=True, slots=True)
class RegimeEditionView:
    """An edition that was proposed here.

    Attributes:
        state: proposed, in-force or replaced.
        digest: of the document in canonical form.
        proposed_by: officer record of the first administrator.
        decided_by: the second administrator.
    """

    id: RecordId
    regime: str
    edition: str
    state: RegimeEditionState
    digest: str
    proposed_by: str
    proposed_at: Instant
    decided_by: Nullable[str]
    decided_at: Nullable[Instant]


@dataclass(frozen=True, slots=True)
class EditionDifference:
    """What an edition changes.

    Attributes:
        replaces: the edition that it is compared with; null where there was none.
        changes: every member that differs.
    """

    regime: str
    edition: str
    replaces: Nullable[str]
    changes: tuple[EditionChange, ...]


def check_edition(node: Node, caller: Caller, data: bytes) -> EditionDifference:
    """Say what a document would change, before anybody proposes it; nothing is stored.

    Raises:
        Invalid: as :func:`propose`.
    """
    authorise(node, caller, Action.REGIME_PROPOSE, change_of("new"))
    document, regime = _edition_in(data)
    _require_fit(node.regime_documents, document, regime)
    return _difference(regime.id, node.regime_documents.get(regime.id), document)


def difference(node: Node, caller: Caller, edition_id: str) -> EditionDifference:
    """Return what an edition changes, or changed when it was decided on.

    Raises:
        NotFound: ``regime-edition.unknown``.
    """
    authorise(node, caller, Action.OFFICER_LIST, collection("regimes"))
    found = node.db.read(lambda c: regime_editions.edition_by_id(c, edition_id))
    if found is None:
        raise unknown("regime-edition")
    new = canonical.parse(found.document, limit=LARGEST)
    return _difference(found.regime, _before(node, found), new)


def _before(node: Node, found: RegimeEdition) -> Any:
    """Return the document that an edition replaces: the one in force, or what was then."""
    if found.state is RegimeEditionState.PROPOSED:
        return node.regime_documents.get(found.regime)
    earlier = [
        one
        for one in node.db.read(regime_editions.all_editions)
        if one.regime == found.regime and one.decided_at is not None and one.edition < found.edition
    ]
    if not earlier:
        return node.law.shipped(found.regime)
    last = max(earlier, key=lambda one: one.edition)
    return canonical.parse(last.document, limit=LARGEST)


def _difference(regime: str, old: Any, new: Any) -> EditionDifference:
    changes = tuple(edition_changes(old if old is not None else {}, new))
    replaces = str(old["edition"]) if old is not None else None
    return EditionDifference(regime, str(new["edition"]), replaces, changes)


def propose(node: Node, caller: Caller, data: bytes) -> RegimeEditionView:
    """Propose an edition of a regime; another administrator approves.

    Args:
        node: this node.
        caller: an administrator.
        data: the whole document, as in the policy directory.

    Raises:
        Invalid: ``regime.document``: no such document, or it does not fit the other regimes;
            ``regime.edition-old``: not later than the edition in force.
    """
    permit = authorise(node, caller, Action.REGIME_PROPOSE, change_of("new"))
    document, regime = _edition_in(data)
    once = keyed_call(caller, Act.REGIME_PROPOSED, {"document": document})
    if (known := made_before(node, once)) is not None:
        return _found(node, known["id"])
    _require_fit(node.regime_documents, document, regime)
    row = RegimeEdition(
        id=node.entropy.identifier(),
        regime=regime.id,
        edition=regime.edition,
        document=canonical.canonical(document),
        state=RegimeEditionState.PROPOSED,
        proposed_by=caller.person,
        proposed_at=node.now(),
    )

    def write(unit: Unit) -> None:
        unit.insert(REGIME_EDITIONS, asdict(row))
        entry = entry_of(caller, permit, Act.REGIME_PROPOSED, Subject("regime-edition", row.id))
        recording.record(node, unit, recording.about_digest(entry, digest(row.document)))

    return _found(node, write_once(node, once, {"id": row.id}, write)["id"])


def preview_regime(node: Node, caller: Caller, edition_id: str) -> Change:
    """Show what an edition changes, member by member.

    Raises:
        NotFound: ``regime-edition.unknown``.
    """
    return show_change(node, caller, edition_id, lambda: _replacing(node, edition_id))


def _replacing(node: Node, edition_id: str) -> Change:
    found = node.db.read(lambda c: regime_editions.edition_by_id(c, edition_id))
    if found is None:
        raise unknown("regime-edition")
    new = canonical.parse(found.document, limit=LARGEST)
    old = node.regime_documents.get(found.regime)
    changes = edition_changes(old if old is not None else {}, new)
    facts = {
        "regime": found.regime,
        "edition": found.edition,
        "replaces": str(old["edition"]) if old is not None else None,
        "changed-members": str(len(changes)),
        "changes": "\n".join(_changes_told(changes)),
        "document": digest(found.document),
        "proposed-by": node.db.read(lambda c: name_of(c, found.proposed_by)),
    }
    return Change.of(ChangeKind.REGIME, edition_id, facts)


def _changes_told(changes: Sequence[EditionChange]) -> list[str]:
    """Return every change in a line; a value that is long is cut, the digest names it whole."""
    return [f"{one.path}: {_value(one.old)} -> {_value(one.new)}" for one in changes]


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else canonical.canonical(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def approve(node: Node, caller: Caller, edition_id: str) -> RegimeEditionView:
    """Approve an edition, as the second administrator; it is in force from then on.

    Raises:
        NotFound: ``regime-edition.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Invalid: ``regime.document``, ``regime.edition-old``: another edition came between.
        Stale: ``regime-edition.stale``.
    """
    found = node.db.read(lambda c: regime_editions.edition_by_id(c, edition_id))
    proposer = found.proposed_by if found is not None else ""
    permit = authorise(
        node, caller, Action.REGIME_APPROVE, change_of(edition_id, proposer=proposer)
    )
    if found is None:
        raise unknown("regime-edition")
    look = require_change_seen(node, caller, _replacing(node, edition_id))
    if found.state is RegimeEditionState.PROPOSED:
        _require_fit(node.regime_documents, *_edition_in(found.document))
    decided = {"decided_by": caller.person, "decided_at": node.now()}

    def write(unit: Unit) -> None:
        unit.lock("regime editions")
        standing = regime_editions.in_force(unit.connection)
        for one in standing:
            if one.regime == found.regime:
                replaced = {"state": RegimeEditionState.REPLACED.value}
                unit.update(REGIME_EDITIONS, {"id": one.id}, replaced)
        values = {"state": RegimeEditionState.IN_FORCE.value, **decided}
        expect = {"state": RegimeEditionState.PROPOSED.value}
        if unit.update(REGIME_EDITIONS, {"id": edition_id}, values, expect=expect) is None:
            raise Stale("regime-edition.stale", "This was decided meanwhile; read it again.")
        # Another may have come into force since the officer looked: it is judged again here.
        _require_fit(node.law.documents_with(standing), *_edition_in(found.document))
        subject = Subject("regime-edition", edition_id)
        entry = entry_of(caller, permit, Act.REGIME_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, look))

    node.db.write(write)
    return _found(node, edition_id)


def proposed_editions(node: Node, caller: Caller) -> list[RegimeEditionView]:
    """Return the editions that were proposed here, newest first, to administrators and auditors."""
    authorise(node, caller, Action.OFFICER_LIST, collection("regimes"))
    return [_view(one) for one in node.db.read(regime_editions.all_editions)]


def regimes_in_force(node: Node, caller: Caller) -> list[RegimeInForce]:
    """Return what this node reads of each regime, by id."""
    authorise(node, caller, Action.REGIME_LIST, collection("regimes"))
    decided = {one.regime: one.id for one in node.db.read(regime_editions.in_force)}
    return [
        RegimeInForce(
            id=id_,
            jurisdiction=one.jurisdiction,
            edition=one.edition,
            shipped=None if (old := node.law.shipped(id_)) is None else str(old["edition"]),
            decided=decided.get(id_),
        )
        for id_, one in sorted(node.regimes.items())
    ]


def document_of(node: Node, caller: Caller, regime: str) -> Mapping[str, Any]:
    """Return the document of a regime that is in force, to be changed and proposed.

    Raises:
        NotFound: ``regime.unknown``.
    """
    authorise(node, caller, Action.REGIME_LIST, collection("regimes"))
    found: Mapping[str, Any] | None = node.regime_documents.get(regime)
    if found is None:
        raise NotFound("regime.unknown", "There is no such regime here; see regimes held.")
    return found


def _edition_in(data: bytes) -> tuple[Json, Regime]:
    try:
        document: Json = canonical.parse(data, limit=LARGEST)
        return document, parse(document)
    except (WireError, RegimeError) as error:
        raise Invalid("regime.document", f"The document is no edition of a regime: {error}") from (
            error
        )


def _require_fit(in_force: Mapping[str, Any], document: Json, regime: Regime) -> None:
    """Require that an edition is later than the one in force and fits the other regimes."""
    old = in_force.get(regime.id)
    if old is not None and regime.edition <= old["edition"]:
        raise Invalid(
            "regime.edition-old",
            f"Edition {old['edition']} of {regime.id} is in force: name a later one.",
        )
    if old is not None and regime.jurisdiction != old["jurisdiction"]:
        raise Invalid("regime.document", "A regime does not move to another jurisdiction.")
    try:
        regimes_of({**in_force, regime.id: document})
    except RegimeError as error:
        raise Invalid("regime.document", str(error)) from error


def _found(node: Node, edition_id: str) -> RegimeEditionView:
    def read(connection: Connection) -> RegimeEditionView:
        found = regime_editions.edition_by_id(connection, edition_id)
        if found is None:
            raise unknown("regime-edition")
        return _view(found)

    return node.db.read(read)


def _view(one: RegimeEdition) -> RegimeEditionView:
    return RegimeEditionView(
        id=one.id,
        regime=one.regime,
        edition=one.edition,
        state=one.state,
        digest=digest(one.document),
        proposed_by=one.proposed_by,
        proposed_at=one.proposed_at,
        decided_by=one.decided_by,
        decided_at=one.decided_at,
    )
