"""Evidence packages: submit, list, read, hold, release, recall, return.

Owns the use cases around packages but their files (``package_files``) and exhibits (``exhibits``).
Releasing, recalling and onward passing are drafts
(``services/statements/drafting.py``) whose effects live in
``services/statements/effects/evidence.py``.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid
from api.domain.events import Act, Subject
from api.domain.evidence import PackageState, holder_state
from api.domain.tasks import Notice
from api.ports.policy import Action, Resource
from api.records import packages, statements
from api.records.acquisitions import acquisitions_of
from api.records.package_rows import Holder, Package
from api.records.unit_of_work import Unit
from api.services import recording, visibility
from api.services.authorising import (
    Caller,
    Permit,
    authorise,
    collection,
    entry_of,
    may,
    unknown,
)
from api.services.desk import holdings, recalls
from api.services.desk.package_views import (
    AcquisitionView,
    ExhibitView,
    HolderView,
    PackageSummary,
    PackageView,
    ReleaseView,
    SubmittedPackage,
)
from api.services.idempotency import keyed_call, made_before
from api.services.node import Node
from api.services.paging import Place
from api.services.sealing import Sealed, seal_statement
from api.services.statements import drafting, endorsing
from api.services.statements.draft_form import DraftView
from api.services.statements.effects import effect_of, reliance
from api.services.statements.effects import packages as effects
from api.services.statements.effects.base import Issued, opened
from api.services.statements.effects.originator_control import MEMBER
from api.services.statements.passkeys import require_own_site
from api.wire.encoding import b64u_decode
from api.wire.envelope import WEBAUTHN
from api.wire.statements import EVIDENCE_PACKAGE, By, Content, compose_statement


def submit(node: Node, caller: Caller, draft: Mapping[str, Any]) -> SubmittedPackage:
    """Seal and store a package that its author signed.

    Args:
        node: this node.
        caller: an analyst with an enrolled key.
        draft: ``{issuer, nonce, type, body, prepared, endorsement}`` as in ``draft.json``
            (PROTOCOL §9).

    Raises:
        Invalid: ``package.*``, or the body is against its schema (``statement.body``).
        WireError: ``endorsement.*``.
        Refused: the policy denies it, or ``key.not-enrolled``.
        Conflict: ``draft.nonce-used``: this draft was submitted before, or another has its nonce.
    """
    body, endorsement = _parts(node, draft)
    content = Content(EVIDENCE_PACKAGE, (), body)
    row = node.four_eyes.rows["evidence-package"]
    permit = _permit_to_submit(node, caller, body, endorsement)
    once = keyed_call(caller, Act.PACKAGE_SUBMITTED, {"body": body})
    if (known := made_before(node, once)) is not None:
        permit_on(node, caller, Action.PACKAGE_READ, known["id"])
        return SubmittedPackage(known["id"], repeated=True)
    drafting.require_meaning(content)
    made = endorsing.preparation(node, caller, content, row.prepared_by, endorsement)
    ask = node.db.look if body.get("supersedes") is None else node.db.read
    here = ask(lambda connection: effects.look_up(node, connection, body))
    statement = compose_statement(
        content,
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=b64u_decode(made.nonce),
        by=By(made.officer, None),
    )
    if made.officer.form == WEBAUTHN:
        endorsing.check_preparation(made)
        require_own_site(node, caller, made.proof)
    # The author's signature is checked here: the statement's own bytes are what they signed.
    sealed = seal_statement(node, statement, [made.proof] if made.proof is not None else [])

    entry = _package_event(caller, permit, Act.PACKAGE_SUBMITTED, sealed.statement.id)

    fresh = drafting.Fresh(made.nonce, {"id": sealed.statement.id})

    def write(unit: Unit) -> None:
        _store_package(
            node, unit, Issued(sealed.statement, node.now(), caller.person, "", here), sealed, entry
        )

    made_as = drafting.write_fresh(node, once, fresh, write)["id"]
    return SubmittedPackage(made_as, repeated=made_as != sealed.statement.id)


def _permit_to_submit(
    node: Node, caller: Caller, body: Mapping[str, Any], endorsement: Mapping[str, Any] | None
) -> Permit:
    """Ask with what the package is to supersede: who stands aside from that one submits nothing."""
    aside = visibility.aside_from(node, visibility.named_in(body))
    fresh = visibility.package_resource(node, None, frozenset(), aside)
    seen_by = Action.PACKAGE_READ if aside & caller.authors else None
    form = endorsing.form_of(endorsement)
    return authorise(node, caller, Action.PACKAGE_SUBMIT, fresh, form=form, visible_by=seen_by)


def _store_package(
    node: Node,
    unit: Unit,
    issued: Issued,
    sealed: Sealed,
    entry: recording.Entry,
) -> None:
    package = issued.statement
    filed = statements.Filed(sealed.envelope, sealed.digest, "own", package.id, issued.at)
    statements.store(unit, package, filed)
    effect_of(EVIDENCE_PACKAGE).issue(node, unit, issued)
    recording.record(node, unit, recording.concerning(entry, package.id, sealed.digest))


def _parts(node: Node, draft: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """Return body and endorsement of a package draft, the nonce beside the signature."""
    if set(draft) - {"issuer", "nonce", "type", "body", "prepared", "endorsement"}:
        raise Invalid("package.members", "Send the members of draft.json, no more.")
    if draft.get("issuer", node.ministry) != node.ministry:
        raise Invalid("package.issuer", "This package was prepared for another ministry.")
    body, endorsement = draft.get("body"), draft.get("endorsement")
    if draft.get("type") != EVIDENCE_PACKAGE or not isinstance(body, dict):
        raise Invalid("package.members", "Send an evidence-package/1 draft with its body.")
    if endorsement is not None and not isinstance(endorsement, Mapping):
        raise Invalid("package.members", "The endorsement is an object.")
    if endorsement is not None and "nonce" in draft:
        endorsement = {**endorsement, "nonce": draft["nonce"]}
    return body, endorsement


def packages_page(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: Place | None = None,
    state: str | None = None,
) -> list[PackageSummary]:
    """Return a page of the packages that the caller may read, newest first."""
    authorise(node, caller, Action.PACKAGE_LIST, collection("packages"))

    found = visibility.readable_page(
        node,
        caller,
        lambda connection, at, size: packages.page(connection, limit=size, before=at, state=state),
        limit=limit,
        start=before,
    )
    return [_summary(one) for one in found]


def _summary(package: Package) -> PackageSummary:
    return PackageSummary(
        id=package.id,
        originator=package.originator,
        title=package.title,
        state=package.state,
        submitted_at=package.submitted_at,
        supersedes=package.supersedes,
        superseded_by=package.superseded_by,
        return_reason=package.return_reason,
    )


def permit_on(
    node: Node, caller: Caller, action: Action, package_id: str
) -> tuple[Package, Permit]:
    """Return a package with the permit to act on it; hidden ones answer as absent ones.

    Raises:
        NotFound: ``package.unknown``.
    """

    def find(connection: Connection) -> tuple[Package, Resource] | None:
        package = packages.by_id(connection, package_id)
        if package is None:
            return None
        (target,) = visibility.resources(node, connection, [package])
        return package, target

    found = node.db.read(find)
    if found is None:
        raise unknown("package")
    package, target = found
    return package, visibility.permit_on_package(node, caller, action, package, target)


def read(node: Node, caller: Caller, package_id: str) -> PackageView:
    """Return a package's content, exhibits and releases."""
    package, _ = permit_on(node, caller, Action.PACKAGE_READ, package_id)
    return node.db.read(lambda connection: _package_view(node, connection, caller, package))


def _package_view(
    node: Node, connection: Connection, caller: Caller, package: Package
) -> PackageView:
    statement = statements.by_id(connection, package.id)
    if statement is None:
        raise unknown("package")
    recall = recalls.recall_of(node, connection, caller, package)
    withheld = recall is not None and recall.locked
    given = packages.releases_of(connection, package.id)
    exhibits = [] if withheld else packages.exhibits_of(connection, package.id)
    return PackageView(
        **_members(_summary(package)),
        recall=recall,
        withheld=withheld,
        body={} if withheld else effects.package_body(connection, package.id),
        issued_at=statement.issued_at,
        envelope_digest=statement.envelope_digest,
        exhibits=tuple(
            ExhibitView(one.label, one.digest, one.size, one.media_type, one.state)
            for one in exhibits
        ),
        releases=tuple(
            ReleaseView(
                one.id,
                one.issuer,
                one.recipient,
                one.tlp,
                one.state,
                one.released_at,
                _acquired(connection, one.id),
            )
            for one in given
        ),
        acquisitions=tuple(
            AcquisitionView(one.exhibit, one.source, one.collector, one.collected)
            for one in acquisitions_of(connection, package.id)
        ),
        tag=f"{package.state.value}-{package.id[7:23]}-{len(given)}",
    )


def _acquired(connection: Connection, release_id: str) -> tuple[AcquisitionView, ...]:
    """Return what a release says of exhibits that its issuer acquired independently."""
    row = statements.by_id(connection, release_id)
    stated: Any = opened(row).body.get(MEMBER, ()) if row is not None else ()
    return tuple(
        AcquisitionView(one["exhibit"], one["source"], one["collector"], one["collected"])
        for one in stated
    )


def _members(summary: PackageSummary) -> dict[str, Any]:
    return {field.name: getattr(summary, field.name) for field in fields(summary)}


def holders(node: Node, caller: Caller, package_id: str) -> list[HolderView]:
    """Return who holds a package and what they did with it."""
    permit_on(node, caller, Action.PACKAGE_HOLDERS, package_id)
    return node.db.read(lambda connection: _holders(node, connection, package_id))


def _holders(node: Node, connection: Connection, package_id: str) -> list[HolderView]:
    answers = packages.recall_answers(connection, package_id)
    words = statements.by_ids(connection, [one.statement for one in answers.values()])
    found = []
    rows = packages.holders_of(connection, package_id)
    for one, holding in zip(rows, holdings.holdings_of(connection, rows), strict=True):
        view = HolderView(**{field.name: getattr(one, field.name) for field in fields(Holder)})
        if one.recall is not None:
            view = replace(view, state=holder_state(holding, node.now()))
        answer = answers.get(one.ministry)
        if answer is not None:
            reason = opened(words[answer.statement]).body.get("reason")
            view = replace(
                view,
                answer=answer.answer,
                answer_reason=reason if isinstance(reason, str) else None,
                answered_at=answer.at,
            )
        found.append(view)
    return found


def release(
    node: Node, caller: Caller, package_id: str, content: Mapping[str, Any], endorsement: Any = None
) -> DraftView:
    """Draft the release of a package to one recipient.

    Args:
        node: this node.
        caller: an analyst.
        package_id: the package.
        content: the release body without ``package``.
        endorsement: the analyst's own signature over the draft, if any.
    """
    permit_on(node, caller, Action.PACKAGE_READ, package_id)
    body = {**content, "package": package_id}
    recipient = body.get("recipient")
    if not isinstance(recipient, str):
        raise Invalid("release.recipient", "Name the recipient by its member id.")
    return drafting.create(node, caller, Content("release/1", (recipient,), body), endorsement)


def recall(node: Node, caller: Caller, package_id: str, content: Mapping[str, Any]) -> DraftView:
    """Recall a package from every ministry that holds it; leaves at once, confirmed later."""
    permit_on(node, caller, Action.PACKAGE_READ, package_id)
    to = node.db.read(lambda connection: effects.holders(connection, package_id))
    if not to:
        raise Conflict("recall.no-holders", "No other ministry holds this package.")
    body = {**content, "package": package_id}
    return drafting.create(node, caller, Content("recall/1", tuple(to), body), None)


def give_back(node: Node, caller: Caller, package_id: str, reason: str) -> None:
    """Return a submitted package to its author: it is not released as it stands."""
    package, permit = permit_on(node, caller, Action.PACKAGE_RETURN, package_id)
    if package.state is not PackageState.SUBMITTED:
        raise Conflict("package.not-submitted", "Only a submitted package is returned.")
    if not reason.strip():
        raise Invalid("package.reason-missing", "Say why the package is returned.")

    def write(unit: Unit) -> None:
        unit.lock(f"package {package_id}")
        values, expect = {"state": "returned", "return_reason": reason}, {"state": "submitted"}
        if unit.update(packages.PACKAGES, {"id": package_id}, values, expect=expect) is None:
            raise Conflict("package.not-submitted", "Only a submitted package is returned.")
        about = ("package", package_id)
        reliance.open_notice(node, unit, Notice.RETURNED, about, package_id)
        recording.record(
            node, unit, _package_event(caller, permit, Act.PACKAGE_RETURNED, package_id)
        )

    node.db.write(write)


def may_return(node: Node, caller: Caller, package_id: str) -> bool:
    """Say whether the caller could return a package now, recording nothing; for pages."""

    def find(connection: Connection) -> list[Resource]:
        package = packages.by_id(connection, package_id)
        return [] if package is None else visibility.resources(node, connection, [package])

    return any(may(node, caller, Action.PACKAGE_RETURN, one) for one in node.db.read(find))


def _package_event(caller: Caller, permit: Permit, act: Act, package_id: str) -> recording.Entry:
    return entry_of(caller, permit, act, Subject("package", package_id))
