"""Effects of evidence statements: package, release, recall, onward request, onward consent.

The rules, in the order in which they are judged:

* A package may be released to one recipient under one active release, and only when every exhibit
  is stored here (``domain/evidence.py``); a release may supersede the one before it.
* A holder that is not the originator needs the originator's consent for that very recipient, and
  may not widen the marking (``domain/markings.py``); the release brings the consent along.
* A recall goes to every ministry that holds the package by release or consent; only the originator
  recalls; a recalled package is not released again.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping
from typing_extensions import override

from api.domain import evidence as rules
from api.domain import markings
from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import ComityError, Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.reliance import Change, Kind
from api.domain.tasks import Notice
from api.records import packages, statements
from api.records.package_rows import Package
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import reliance
from api.services.statements.effects.base import (
    Consequence,
    Disposed,
    Effect,
    Issued,
    Plain,
    Received,
    Refusal,
    member_text,
    require_members,
)
from api.services.statements.effects.descriptions import note
from api.services.statements.effects.package_checks import (
    fits_what_is_held,
    recalled_before,
    require_sizes,
)
from api.wire.envelope import parse_envelope
from api.wire.statements import Content, Statement, parse_statement


def package_body(connection: Connection, package_id: str) -> dict[str, Any]:
    """Return the body of a stored package.

    Raises:
        NotFound: ``package.unknown``.
    """
    row = statements.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return opened(row).body


def opened(row: RowMapping) -> Statement:
    """Return the statement in a stored row; its envelope was verified when it was stored."""
    return parse_statement(parse_envelope(bytes(row["envelope"])).payload)


class ReleaseEffect(Plain):
    """A package given to one recipient under a marking."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Judge whether this package may go to this recipient now."""
        body = dict(content.body)
        require_members(node, content.to)
        package = _known(connection, member_text(body, "package"))
        listed = packages.exhibits_of(connection, package.id)
        require_sizes(connection, {one.digest: one.size for one in listed})
        if list(content.to) != [body.get("recipient")]:
            raise Invalid("release.recipient", "Release to exactly the recipient the body names.")
        _require(rules.may_release(_situation(connection, package), body), Conflict)
        recipient = node.membership.member(content.to[0])
        marking = _marking(body)
        _require(
            markings.may_release(
                marking, recipient=recipient.id, jurisdiction=recipient.jurisdiction
            ),
            Invalid,
        )
        if package.originator != node.ministry:
            _require_consent(node, connection, package, body)
        elif body.get("consent") is not None:
            raise Invalid("release.own-package", "An own package needs no onward consent.")
        return package.id

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Store the release and the new holder; the package travels with it."""
        body = issued.statement.body
        row = _locked(unit, member_text(body, "package"))
        _require(rules.may_release(_situation(unit.connection, row), body), Conflict)
        return self.repeat(unit, issued)

    def repeat(self, unit: Unit, issued: Issued) -> Consequence:
        """Store a release that was made once already and is recovered: nothing is judged again.

        Its exhibits may be gone with the disk; the partner holds the package all the same.
        """
        body = issued.statement.body
        package, recipient = member_text(body, "package"), issued.statement.to[0]
        row = _known(unit.connection, package)
        _end_release(unit, body)
        unit.insert(packages.RELEASES, _release_row(issued.statement, issued.at))
        _hold(unit, package, recipient, issued.statement.id, "sent")
        if row.state == "submitted":
            unit.update(packages.PACKAGES, {"id": package}, {"state": "released"})
        bring = [package]
        if body.get("consent") is not None:
            bring.append(member_text(body, "consent"))
        return Consequence(
            Act.PACKAGE_RELEASED, Subject("package", package), issued.statement.to, bring
        )

    @override
    def receipted(self, unit: Unit, original: RowMapping, peer: str, message: str, at: str) -> None:
        """The holder's node has the package, whatever it will do with it."""
        key = {"package": original["about"], "ministry": peer}
        values = {"state": "receipted", "message": message, "receipted_at": at}
        expect = {"release": original["id"], "state": "sent"}
        unit.update(packages.HOLDERS, key, values, expect=expect)

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """The holder applied or refused the release."""
        key = {"package": disposed.original["about"], "ministry": disposed.peer}
        values = {
            "state": disposed.outcome,
            "disposition": disposed.disposition,
            "code": disposed.code,
        }
        unit.update(packages.HOLDERS, key, values, expect={"release": disposed.original["id"]})

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Take the package in and note which exhibits are still to be fetched."""
        statement = received.statement
        body = statement.body
        package = received.brought.get(member_text(body, "package"))
        if package is None:
            return refuse("release.without-package", "A release brings its package.")
        if body.get("recipient") != node.ministry:
            return refuse("release.recipient", "The release names another recipient.")
        unit.lock(f"package {package.id}")
        known = packages.by_id(unit.connection, package.id)
        if recalled_before(unit.connection, package, known):
            return refuse("package.recalled", "The originator has recalled this package.")
        if package.issuer != statement.issuer:
            verdict = _consent_given(received, package)
            if not verdict:
                return verdict
        fits = fits_what_is_held(node, unit.connection, statement, package)
        if not fits:
            return fits
        _end_release(unit, body)
        unit.insert(packages.RELEASES, _release_row(statement, received.at))
        if known is None:
            _take_in(unit, package, received)
            about = ("package", package.id)
            reliance.open_notice(node, unit, Notice.RECEIVED, about, statement.id)
            _review_superseded(node, unit, package)
        return ALLOWED


class RecallEffect(Plain):
    """The originator withdraws a package from every holder."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Only the originator recalls, and only once."""
        package = _known(connection, member_text(dict(content.body), "package"))
        if package.originator != node.ministry:
            raise Conflict("recall.not-originator", "Only the originator recalls a package.")
        if package.state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled already.")
        if set(content.to) != set(holders(connection, package.id)):
            raise Invalid(
                "recall.recipients",
                "A recall is addressed to every ministry that holds the package.",
            )
        return package.id

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Mark the package, its releases and every holder; own decisions on it are reviewed."""
        package = member_text(issued.statement.body, "package")
        if _locked(unit, package).state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled already.")
        if set(issued.statement.to) != set(holders(unit.connection, package)):
            raise Conflict("recall.recipients", "The holders changed; prepare the recall again.")
        unit.update(packages.PACKAGES, {"id": package}, {"state": "recalled"})
        _end_releases(unit, package)
        unit.update_many(
            packages.HOLDERS,
            [(package, ministry) for ministry in issued.statement.to],
            {"recall": issued.statement.id, "recall_outcome": "sent"},
        )
        changed_thing = (Kind.PACKAGE, package)
        reliance.open_reviews(node, unit, Change.RECALLED, changed_thing, issued.statement.id)
        return Consequence(Act.PACKAGE_RECALLED, Subject("package", package), issued.statement.to)

    @override
    def receipted(self, unit: Unit, original: RowMapping, peer: str, message: str, at: str) -> None:
        """The holder's node has the recall."""
        key = {"package": original["about"], "ministry": peer}
        values = {"recall_message": message, "recall_receipted_at": at}
        unit.update(packages.HOLDERS, key, values, expect={"recall": original["id"]})

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """The holder acknowledged the recall, or refused it."""
        key = {"package": disposed.original["about"], "ministry": disposed.peer}
        values = {
            "recall_disposition": disposed.disposition,
            "recall_outcome": disposed.outcome,
        }
        unit.update(packages.HOLDERS, key, values, expect={"recall": disposed.original["id"]})

    @override
    def refused(self, _node: Node, unit: Unit, refusal: Refusal) -> None:
        """Remember the recall of what is not here: a holder may still be passing it on."""
        if refusal.decision.code == "package.unknown":
            refusal.store(unit)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Stop using the package."""
        named = member_text(received.statement.body, "package")
        unit.lock(f"package {named}")
        package = packages.by_id(unit.connection, named)
        if package is None:
            return refuse("package.unknown", "This node does not hold that package.")
        if package.originator != received.statement.issuer:
            return refuse("recall.not-originator", "Only the originator recalls a package.")
        if package.state == "recalled":
            return refuse("package.recalled", "This package has been recalled already.")
        unit.update(packages.PACKAGES, {"id": package.id}, {"state": "recalled"})
        _end_releases(unit, str(package.id))
        recalled = (Kind.PACKAGE, str(package.id))
        reliance.open_reviews(node, unit, Change.RECALLED, recalled, received.statement.id)
        return ALLOWED


class OnwardRequestEffect(Plain):
    """A holder asks the originator whether it may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The request goes to the originator of a package held here."""
        body = dict(content.body)
        package = _known(connection, member_text(body, "package"))
        if package.originator == node.ministry:
            raise Invalid("onward.own-package", "Release an own package; no consent is needed.")
        if package.state is rules.PackageState.RECALLED:
            raise Conflict("package.recalled", "A recalled package is not passed on.")
        if list(content.to) != [package.originator]:
            raise Invalid("onward.originator", "Ask the originator of the package, and no other.")
        require_members(node, [member_text(body, "recipient")])
        return package.id

    def issue(self, _node: Node, _unit: Unit, issued: Issued) -> Consequence:
        """No table but the statement's own changes."""
        package = member_text(issued.statement.body, "package")
        return Consequence(Act.STATEMENT_ISSUED, Subject("package", package), issued.statement.to)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Keep a request about a package of ours that the asker holds."""
        package = member_text(received.statement.body, "package")
        row = packages.by_id(unit.connection, package)
        held = packages.active_release(unit.connection, package, received.statement.issuer)
        if row is None or row.originator != node.ministry or held is None:
            return refuse("package.unknown", "This node has not released that package to you.")
        return ALLOWED


class OnwardConsentEffect(Plain):
    """The originator's answer that a holder may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The consent answers a request and names the same package and recipient."""
        body = dict(content.body)
        package = _known(connection, member_text(body, "package"))
        if package.originator != node.ministry:
            raise Conflict("onward.originator", "Only the originator consents.")
        request = statements.by_id(connection, member_text(body, "request"))
        if request is None or request["type"] != "onward-request/1":
            raise NotFound("onward.unknown-request", "There is no such onward request here.")
        asked = opened(request)
        if list(content.to) != [asked.issuer] or any(
            asked.body.get(name) != body.get(name) for name in ("package", "recipient")
        ):
            raise Invalid(
                "onward.mismatch", "Consent to the package and recipient that were asked."
            )
        return package.id

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """The new recipient will hold the package by consent, and so is on every recall's list."""
        body = issued.statement.body
        package, recipient = member_text(body, "package"), member_text(body, "recipient")
        if _locked(unit, package).state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled.")
        if recipient not in holders(unit.connection, package):
            _hold(unit, package, recipient, issued.statement.id, "consented")
        return Consequence(Act.STATEMENT_ISSUED, Subject("package", package), issued.statement.to)


def holders(connection: Connection, package_id: str) -> list[str]:
    """Return the ministries that hold a package by release or consent."""
    return [row.ministry for row in packages.holders_of(connection, package_id)]


def _hold(unit: Unit, package: str, ministry: str, release: str, state: str) -> None:
    """Note that a ministry holds a package; a holder by consent becomes one by release."""
    key = {"package": package, "ministry": ministry}
    values = {"release": release, "state": state}
    if unit.update(packages.HOLDERS, key, values) is None:
        unit.insert(packages.HOLDERS, {**key, **values})


def _known(connection: Connection, package_id: str) -> Package:
    row = packages.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return row


def _locked(unit: Unit, package_id: str) -> Package:
    """Return a package that nothing else changes, releases or recalls until the unit has ended."""
    unit.lock(f"package {package_id}")
    return _known(unit.connection, package_id)


def _situation(connection: Connection, package: Package) -> rules.Situation:
    """Return what the rule of release looks at, as this node has it."""
    exhibits = packages.exhibits_of(connection, package.id)
    return rules.Situation(
        state=rules.PackageState(package.state),
        originator=package.originator,
        active={
            row.recipient: row.id
            for row in packages.releases_of(connection, package.id)
            if row.state == "active"
        },
        missing_exhibits=sum(1 for row in exhibits if row.state != "held"),
    )


def _require(verdict: Decision, kind: type[ComityError]) -> None:
    if not verdict:
        raise kind(verdict.code, verdict.reason)


def _marking(body: Mapping[str, Any]) -> Mapping[str, Any]:
    marking = body.get("marking")
    return marking if isinstance(marking, Mapping) else {}


def _require_consent(
    node: Node, connection: Connection, package: Package, body: dict[str, Any]
) -> None:
    """Refuse an onward release that the originator's consent does not cover."""
    row = statements.by_id(connection, member_text(body, "consent"))
    consent = None
    if row is not None and row["type"] == "onward-consent/1":
        given = opened(row)
        consent = rules.Consent(given.issuer, given.to, given.body)
    _require(
        rules.consent_covers(
            consent,
            originator=package.originator,
            holder=node.ministry,
            release=body,
            at=node.now(),
        ),
        Conflict,
    )
    held = packages.active_release(connection, package.id, node.ministry)
    under = statements.by_id(connection, held.id) if held is not None else None
    if under is None or consent is None:
        raise Conflict("release.not-held", "This node holds the package under no release.")
    _require(
        markings.may_pass_on(
            _marking(opened(under).body),
            _marking(body),
            consent=_marking(consent.body),
            recipient=member_text(body, "recipient"),
            jurisdictions={member.id: member.jurisdiction for member in node.membership.members},
        ),
        Invalid,
    )


def _consent_given(received: Received, package: Statement) -> Decision:
    """Judge the consent that an onward release brings."""
    body = received.statement.body
    given = received.brought.get(member_text(body, "consent"))
    consent = None
    if given is not None and given.type == "onward-consent/1":
        consent = rules.Consent(given.issuer, given.to, given.body)
    return rules.consent_covers(
        consent,
        originator=package.issuer,
        holder=received.statement.issuer,
        release=body,
        at=received.statement.issued_at,
    )


def _end_release(unit: Unit, body: Mapping[str, Any]) -> None:
    """End the release that a new one supersedes."""
    older = body.get("supersedes_release")
    if isinstance(older, str):
        unit.update(
            packages.RELEASES, {"id": older}, {"state": "superseded"}, expect={"state": "active"}
        )


def _release_row(statement: Statement, at: str) -> dict[str, Any]:
    marking = statement.body["marking"]
    return {
        "id": statement.id,
        "package": statement.body["package"],
        "issuer": statement.issuer,
        "recipient": statement.to[0],
        "tlp": marking["tlp"] if isinstance(marking, dict) else "RED",
        "state": "active",
        "released_at": at,
    }


def _review_superseded(node: Node, unit: Unit, package: Statement) -> None:
    """A newer version of a package of the same originator opens reviews of what rests on it."""
    older = packages.by_id(unit.connection, member_text(package.body, "supersedes"))
    if older is not None and older.originator == package.issuer:
        superseded = (Kind.PACKAGE, str(older.id))
        reliance.open_reviews(node, unit, Change.SUPERSEDED, superseded, package.id)


def _take_in(unit: Unit, package: Statement, received: Received) -> None:
    body: dict[str, Any] = package.body
    note(unit, "package", package.id, package.issuer, body["subjects"], fresh=True)
    unit.insert(
        packages.PACKAGES,
        {
            "id": package.id,
            "originator": package.issuer,
            "title": body["title"],
            "state": "received",
            "submitted_at": received.at,
            "supersedes": body.get("supersedes"),
            "release": received.statement.id,
        },
    )
    unit.insert(packages.PACKAGE_EXHIBITS, packages.exhibit_rows(package.id, body["exhibits"]))
    wanted = {item["digest"]: item["size"] for item in body["exhibits"]}
    known = packages.exhibits_by_digest(unit.connection, list(wanted))
    unit.insert(
        packages.EXHIBITS,
        [
            {"digest": digest, "size": size, "state": "awaited"}
            for digest, size in wanted.items()
            if digest not in known
        ],
    )
    if wanted:
        unit.ring("exhibits")


def _end_releases(unit: Unit, package: str) -> None:
    active = [
        (row.id,) for row in packages.releases_of(unit.connection, package) if row.state == "active"
    ]
    unit.update_many(packages.RELEASES, active, {"state": "recalled"})


EFFECTS: dict[str, Effect] = {
    "release/1": ReleaseEffect(),
    "recall/1": RecallEffect(),
    "onward-request/1": OnwardRequestEffect(),
    "onward-consent/1": OnwardConsentEffect(),
}
