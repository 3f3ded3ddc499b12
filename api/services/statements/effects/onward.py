"""The effects of ``onward-request/1`` and ``onward-consent/1``.

A holder asks the originator whether it may pass a package on; the originator answers for one
recipient, under a marking, perhaps for a time. Who may get the package by consent holds it for the
purpose of recalls. A consent that came along with a release serves that release and nothing else.
"""

from collections.abc import Mapping

from sqlalchemy import Connection
from typing_extensions import override

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.evidence import PackageState
from api.domain.tasks import Notice
from api.records import packages, statements
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import packages as held
from api.services.statements.effects import reliance
from api.services.statements.effects.base import (
    Consequence,
    Effect,
    Issued,
    Plain,
    Received,
    member_text,
    opened,
    require_members,
)
from api.wire.statements import Content
from api.wire.types import ONWARD_REQUEST


class OnwardRequestEffect(Plain):
    """A holder asks the originator whether it may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The request goes to the originator of a package held here."""
        body = dict(content.body)
        package = held.known(connection, member_text(body, "package"))
        if package.originator == node.ministry:
            raise Invalid("onward.own-package", "Release an own package; no consent is needed.")
        if package.state is PackageState.RECALLED:
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
        about, request = ("package", package), received.statement.id
        reliance.open_notice(node, unit, Notice.ONWARD_ASKED, about, request)
        return ALLOWED


class OnwardConsentEffect(Plain):
    """The originator's answer that a holder may pass a package on."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """The consent answers a request and names the same package and recipient."""
        body = dict(content.body)
        package = held.known(connection, member_text(body, "package"))
        if package.originator != node.ministry:
            raise Conflict("onward.originator", "Only the originator consents.")
        request = statements.judged(connection, member_text(body, "request"))
        if request is None or request.type != ONWARD_REQUEST:
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
        if held.locked(unit, package).state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled.")
        if recipient not in held.holders(unit.connection, package):
            held.hold(unit, package, recipient, issued.statement.id, "consented")
        request = member_text(body, "request")
        reliance.settle_notice(unit, ("package", package), request, issued.at)
        return Consequence(Act.STATEMENT_ISSUED, Subject("package", package), issued.statement.to)

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Keep the originator's consent to what this ministry asked for."""
        statement = received.statement
        row = packages.by_id(unit.connection, member_text(statement.body, "package"))
        request = statements.judged(unit.connection, member_text(statement.body, "request"))
        if row is None or row.originator != statement.issuer:
            return refuse("package.unknown", "This node holds no such package of yours.")
        if request is None or request.type != ONWARD_REQUEST or request.origin != "own":
            return refuse("onward.unknown-request", "This ministry has asked for no such consent.")
        if statement.to != (node.ministry,):
            return refuse("onward.mismatch", "Consent to who asked, alone.")
        reliance.open_notice(node, unit, Notice.CONSENTED, ("package", row.id), statement.id)
        return ALLOWED


EFFECTS: Mapping[str, Effect] = {
    "onward-request/1": OnwardRequestEffect(),
    "onward-consent/1": OnwardConsentEffect(),
}
