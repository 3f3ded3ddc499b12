"""Effects of evidence statements: package, release, recall, onward request, onward consent.

The rules, in the order in which they are judged:

* A package may be released while it is ``submitted`` or ``released``, by the ministry that holds
  it, to one recipient under one active release, and only when every exhibit is stored here.
* A holder that is not the originator needs the originator's consent for that very recipient; the
  release names both and brings the consent along.
* A recall goes to every ministry that holds the package by release or consent; only the originator
  recalls; a recalled package is not released again.
"""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping
from typing_extensions import override

from api.domain import markings
from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.records import packages, statements
from api.records.unit_of_work import Unit
from api.services.effects.base import (
    Consequence,
    Disposed,
    Effect,
    Issued,
    Plain,
    Received,
    member_text,
    require_members,
)
from api.services.node import Node
from api.wire.envelope import parse_envelope
from api.wire.statements import Content, Statement, parse_statement

RELEASABLE = {"submitted", "released"}


def package_body(connection: Connection, package_id: str) -> dict[str, Any]:
    """Return the body of a stored package.

    Raises:
        NotFound: ``package.unknown``.
    """
    row = statements.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return parse_statement(parse_envelope(bytes(row["envelope"])).payload).body


class ReleaseEffect(Plain):
    """A package given to one recipient under a marking."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Judge whether this package may go to this recipient now."""
        body = dict(content.body)
        require_members(node, content.to)
        package = _known(connection, member_text(body, "package"))
        if list(content.to) != [body.get("recipient")]:
            raise Invalid("release.recipient", "Release to exactly the recipient the body names.")
        _may_be_released(connection, package, content.to[0])
        recipient = node.membership.member(content.to[0])
        marking = body["marking"]
        verdict = markings.may_release(
            marking if isinstance(marking, dict) else {},
            recipient=recipient.id,
            jurisdiction=recipient.jurisdiction,
        )
        if not verdict:
            raise Invalid(verdict.code, verdict.reason)
        if package["originator"] != node.ministry:
            _require_consent(connection, package, body)
        elif body.get("consent") is not None:
            raise Invalid("release.own-package", "An own package needs no onward consent.")
        return str(package["id"])

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Store the release and the new holder; the package travels with it."""
        body = issued.statement.body
        package, recipient = member_text(body, "package"), issued.statement.to[0]
        row = _known(unit.connection, package)
        _may_be_released(unit.connection, row, recipient)
        unit.insert(packages.RELEASES, _release_row(issued.statement, issued.at))
        _hold(unit, package, recipient, issued.statement.id, "sent")
        if row["state"] == "submitted":
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
        known = packages.by_id(unit.connection, package.id)
        if known is not None and known["state"] == "recalled":
            return refuse("package.recalled", "The originator has recalled this package.")
        if package.issuer != statement.issuer:
            verdict = _consent_given(received, package)
            if not verdict:
                return verdict
        if packages.active_release(unit.connection, package.id, node.ministry) is not None:
            return refuse("release.duplicate", "This package is already held under a release.")
        unit.insert(packages.RELEASES, _release_row(statement, received.at))
        if known is None:
            _take_in(unit, package, received)
        return ALLOWED


class RecallEffect(Plain):
    """The originator withdraws a package from every holder."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Only the originator recalls, and only once."""
        package = _known(connection, member_text(dict(content.body), "package"))
        if package["originator"] != node.ministry:
            raise Conflict("recall.not-originator", "Only the originator recalls a package.")
        if package["state"] == "recalled":
            raise Conflict("package.recalled", "This package has been recalled already.")
        if set(content.to) != set(holders(connection, str(package["id"]))):
            raise Invalid(
                "recall.recipients",
                "A recall is addressed to every ministry that holds the package.",
            )
        return str(package["id"])

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Mark the package, its releases and every holder."""
        package = member_text(issued.statement.body, "package")
        changed = unit.update(
            packages.PACKAGES, {"id": package}, {"state": "recalled"}, expect=None
        )
        if changed is None or set(issued.statement.to) != set(holders(unit.connection, package)):
            raise Conflict("recall.recipients", "The holders changed; prepare the recall again.")
        _end_releases(unit, package)
        unit.update_many(
            packages.HOLDERS,
            [(package, ministry) for ministry in issued.statement.to],
            {"recall": issued.statement.id, "recall_outcome": "sent"},
        )
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
    def receive(self, _node: Node, unit: Unit, received: Received) -> Decision:
        """Stop using the package."""
        package = packages.by_id(unit.connection, member_text(received.statement.body, "package"))
        if package is None:
            return refuse("package.unknown", "This node does not hold that package.")
        if package["originator"] != received.statement.issuer:
            return refuse("recall.not-originator", "Only the originator recalls a package.")
        if package["state"] == "recalled":
            return refuse("package.recalled", "This package has been recalled already.")
        unit.update(packages.PACKAGES, {"id": package["id"]}, {"state": "recalled"})
        _end_releases(unit, str(package["id"]))
        return ALLOWED


class OnwardRequestEffect(Plain):
    """A holder asks the originator whether it may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The request goes to the originator of a package held here."""
        body = dict(content.body)
        package = _known(connection, member_text(body, "package"))
        if package["originator"] == node.ministry:
            raise Invalid("onward.own-package", "Release an own package; no consent is needed.")
        if list(content.to) != [package["originator"]]:
            raise Invalid("onward.originator", "Ask the originator of the package, and no other.")
        require_members(node, [member_text(body, "recipient")])
        return str(package["id"])

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
        if row is None or row["originator"] != node.ministry or held is None:
            return refuse("package.unknown", "This node has not released that package to you.")
        return ALLOWED


class OnwardConsentEffect(Plain):
    """The originator's answer that a holder may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The consent answers a request and names the same package and recipient."""
        body = dict(content.body)
        package = _known(connection, member_text(body, "package"))
        if package["originator"] != node.ministry:
            raise Conflict("onward.originator", "Only the originator consents.")
        request = statements.by_id(connection, member_text(body, "request"))
        if request is None or request["type"] != "onward-request/1":
            raise NotFound("onward.unknown-request", "There is no such onward request here.")
        asked = parse_statement(parse_envelope(bytes(request["envelope"])).payload)
        if list(content.to) != [asked.issuer] or any(
            asked.body.get(name) != body.get(name) for name in ("package", "recipient")
        ):
            raise Invalid(
                "onward.mismatch", "Consent to the package and recipient that were asked."
            )
        return str(package["id"])

    def issue(self, _node: Node, unit: Unit, issued: Issued) -> Consequence:
        """The new recipient will hold the package by consent, and so is on every recall's list."""
        body = issued.statement.body
        package, recipient = member_text(body, "package"), member_text(body, "recipient")
        if recipient not in holders(unit.connection, package):
            _hold(unit, package, recipient, issued.statement.id, "consented")
        return Consequence(Act.STATEMENT_ISSUED, Subject("package", package), issued.statement.to)


def holders(connection: Connection, package_id: str) -> list[str]:
    """Return the ministries that hold a package by release or consent."""
    return [row["ministry"] for row in packages.holders_of(connection, package_id)]


def _hold(unit: Unit, package: str, ministry: str, release: str, state: str) -> None:
    """Note that a ministry holds a package; a holder by consent becomes one by release."""
    key = {"package": package, "ministry": ministry}
    values = {"release": release, "state": state}
    if unit.update(packages.HOLDERS, key, values) is None:
        unit.insert(packages.HOLDERS, {**key, **values})


def _known(connection: Connection, package_id: str) -> RowMapping:
    row = packages.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return row


def _may_be_released(connection: Connection, package: RowMapping, recipient: str) -> None:
    if package["state"] not in RELEASABLE | {"received"}:
        raise Conflict(
            "package.not-releasable", "A returned, superseded or recalled package is not released."
        )
    held = packages.active_release(connection, package["id"], recipient)
    if held is not None:
        raise Conflict("release.exists", "This ministry already holds the package under a release.")
    missing = [
        row["label"]
        for row in packages.exhibits_of(connection, package["id"])
        if row["state"] != "held"
    ]
    if missing:
        raise Conflict(
            "package.exhibits-missing",
            "Some exhibits are not stored here yet: upload them, then release.",
            count=len(missing),
        )


def _require_consent(connection: Connection, package: RowMapping, body: dict[str, Any]) -> None:
    consent = statements.by_id(connection, member_text(body, "consent"))
    if consent is None or consent["type"] != "onward-consent/1":
        raise Conflict(
            "onward.no-consent", "Passing this package on needs its originator's consent."
        )
    given = parse_statement(parse_envelope(bytes(consent["envelope"])).payload)
    fits = (
        given.issuer == package["originator"] == body.get("originator")
        and given.body.get("package") == package["id"]
        and given.body.get("recipient") == body.get("recipient")
    )
    if not fits:
        raise Conflict("onward.no-consent", "The consent is for another package or recipient.")


def _consent_given(received: Received, package: Statement) -> Decision:
    body = received.statement.body
    consent = received.brought.get(member_text(body, "consent"))
    if consent is None or consent.type != "onward-consent/1":
        return refuse("onward.no-consent", "An onward release brings the originator's consent.")
    fits = (
        consent.issuer == package.issuer == body.get("originator")
        and consent.body.get("package") == package.id
        and consent.body.get("recipient") == body.get("recipient")
        and received.statement.issuer in consent.to
    )
    return ALLOWED if fits else refuse("onward.no-consent", "The consent is for something else.")


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


def _take_in(unit: Unit, package: Statement, received: Received) -> None:
    body: dict[str, Any] = package.body
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
        (row["id"],)
        for row in packages.releases_of(unit.connection, package)
        if row["state"] == "active"
    ]
    unit.update_many(packages.RELEASES, active, {"state": "recalled"})


EFFECTS: dict[str, Effect] = {
    "release/1": ReleaseEffect(),
    "recall/1": RecallEffect(),
    "onward-request/1": OnwardRequestEffect(),
    "onward-consent/1": OnwardConsentEffect(),
}
