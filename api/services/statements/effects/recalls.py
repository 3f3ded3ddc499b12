"""The effect of ``recall/1``: the originator withdraws a package from every holder.

A recall goes to every ministry that holds the package by release or consent; only the originator
recalls; a recalled package is not released again. What this does at a holder is a matter of record;
what its people did is said by ``recall-answer/1``. A release that cannot be decided and is recalled
meanwhile is refused, and the recall stands.
"""

from collections.abc import Mapping

from sqlalchemy import Connection
from typing_extensions import override

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, Invalid
from api.domain.events import Act, Subject
from api.domain.reliance import Change, RelianceKind
from api.records import packages, parked
from api.records.statements import StoredStatement
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import packages as held
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
)
from api.wire.statements import Content


class RecallEffect(Plain):
    """The originator withdraws a package from every holder."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Only the originator recalls, and only once."""
        package = held.known(connection, member_text(dict(content.body), "package"))
        if package.originator != node.ministry:
            raise Conflict("recall.not-originator", "Only the originator recalls a package.")
        if package.state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled already.")
        if set(content.to) != set(held.holders(connection, package.id)):
            raise Invalid(
                "recall.recipients",
                "A recall is addressed to every ministry that holds the package.",
            )
        return package.id

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Mark the package, its releases and every holder; own decisions on it are reviewed."""
        package = member_text(issued.statement.body, "package")
        if held.locked(unit, package).state == "recalled":
            raise Conflict("package.recalled", "This package has been recalled already.")
        if set(issued.statement.to) != set(held.holders(unit.connection, package)):
            raise Conflict("recall.recipients", "The holders changed; prepare the recall again.")
        unit.update(packages.PACKAGES, {"id": package}, {"state": "recalled"})
        held.end_releases(unit, package)
        unit.update_many(
            packages.HOLDERS,
            [(package, ministry) for ministry in issued.statement.to],
            {"recall": issued.statement.id, "recall_outcome": "sent"},
        )
        changed_thing = (RelianceKind.PACKAGE, package)
        reliance.open_reviews(node, unit, Change.RECALLED, changed_thing, issued.statement.id)
        return Consequence(Act.PACKAGE_RECALLED, Subject("package", package), issued.statement.to)

    @override
    def receipted(
        self, unit: Unit, original: StoredStatement, peer: str, message: str, at: str
    ) -> None:
        """The holder's node has the recall."""
        key = {"package": original.about, "ministry": peer}
        values = {"recall_message": message, "recall_receipted_at": at}
        unit.update(packages.HOLDERS, key, values, expect={"recall": original.id})

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """The recall stands in the holder's record, or was refused."""
        key = {"package": disposed.original.about, "ministry": disposed.peer}
        values = {
            "recall_disposition": disposed.disposition,
            "recall_outcome": disposed.outcome,
        }
        unit.update(packages.HOLDERS, key, values, expect={"recall": disposed.original.id})

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
            if parked.refuse_releases(unit, named, received.statement.issuer):
                # The release was never decided; it will be refused, because this recall stands.
                return ALLOWED
            return refuse("package.unknown", "This node does not hold that package.")
        if package.originator != received.statement.issuer:
            return refuse("recall.not-originator", "Only the originator recalls a package.")
        if package.state == "recalled":
            return refuse("package.recalled", "This package has been recalled already.")
        parked.refuse_releases(unit, named, received.statement.issuer)
        unit.update(packages.PACKAGES, {"id": package.id}, {"state": "recalled"})
        held.end_releases(unit, package.id)
        recalled = (RelianceKind.PACKAGE, package.id)
        reliance.open_reviews(node, unit, Change.RECALLED, recalled, received.statement.id)
        return ALLOWED


EFFECTS: Mapping[str, Effect] = {"recall/1": RecallEffect()}
