"""The effect of ``release/1``: a package given to one recipient under a marking.

The rules, in the order in which they are judged:

* A package may be released to one recipient under one active release, and only when every exhibit
  is stored here (``domain/evidence.py``); a release may supersede the one before it.
* A holder that is not the originator needs the originator's consent for that very recipient, and
  may not widen the marking (``domain/markings.py``); the release brings the consent along. Who
  receives it judges the same, by dates that cannot be set back (``domain/dating.py``).
* ``to`` is exactly the recipient, at both ends.
* What a partner refused ends the release: it counts as not told, and what it superseded stands.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain import dating, markings
from api.domain import evidence as rules
from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Conflict, Invalid
from api.domain.events import Act, Subject
from api.domain.tasks import Notice
from api.records import packages, statements
from api.records.package_rows import Package
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
    member_text,
    opened,
    require_members,
)
from api.services.statements.effects.originator_control import require_free
from api.services.statements.effects.package_checks import (
    fits_releases,
    recalled_before,
    require_sizes,
    supersede,
)
from api.wire.statements import Content, Statement
from api.wire.types import ONWARD_CONSENT


class ReleaseEffect(Plain):
    """A package given to one recipient under a marking."""

    def check(self, node: Node, connection: Connection, content: Content) -> str:
        """Judge whether this package may go to this recipient now."""
        body = dict(content.body)
        require_members(node, content.to)
        package = held.known(connection, member_text(body, "package"))
        listed = packages.exhibits_of(connection, package.id)
        sizes = {one.digest: one.size for one in listed}
        require_sizes(packages.exhibits_by_digest(connection, list(sizes)), sizes)
        if list(content.to) != [body.get("recipient")]:
            raise Invalid("release.recipient", "Release to exactly the recipient the body names.")
        held.require(rules.may_release(_situation(connection, package), body), Conflict)
        recipient = node.membership.member(content.to[0])
        marking = held.marking_of(body)
        held.require(
            markings.may_release(
                marking, recipient=recipient.id, jurisdiction=recipient.jurisdiction
            ),
            Invalid,
        )
        if package.originator != node.ministry:
            _require_consent(node, connection, package, body)
        elif body.get("consent") is not None:
            raise Invalid("release.own-package", "An own package needs no onward consent.")
        else:
            require_free(node, connection, package, body)
        return package.id

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Store the release and the new holder; the package travels with it."""
        body = issued.statement.body
        row = held.locked(unit, member_text(body, "package"))
        held.require(rules.may_release(_situation(unit.connection, row), body), Conflict)
        done = self.repeat(unit, issued)
        if row.originator == node.ministry:
            supersede(node, unit, row.id, row.supersedes)
        return done

    @override
    def repeat(self, unit: Unit, issued: Issued) -> Consequence:
        """Store a release that was made once already and is recovered: nothing is judged again.

        Its exhibits may be gone with the disk; the partner holds the package all the same.
        """
        body = issued.statement.body
        package, recipient = member_text(body, "package"), member_text(body, "recipient")
        row = held.known(unit.connection, package)
        _end_release(unit, body)
        unit.insert(packages.RELEASES, _release_row(issued.statement, issued.at))
        held.hold(unit, package, recipient, issued.statement.id, "sent")
        if row.state == "submitted":
            unit.update(packages.PACKAGES, {"id": package}, {"state": "released"})
        bring = [package]
        if body.get("consent") is not None:
            bring.append(member_text(body, "consent"))
        return Consequence(
            Act.PACKAGE_RELEASED, Subject("package", package), issued.statement.to, bring
        )

    @override
    def receipted(
        self, unit: Unit, original: StoredStatement, peer: str, message: str, at: str
    ) -> None:
        """The holder's node has the package, whatever it will do with it."""
        key = {"package": original.about, "ministry": peer}
        values = {"state": "receipted", "message": message, "receipted_at": at}
        for state in ("sent", "perhaps-received"):
            expect = {"release": original.id, "state": state}
            if unit.update(packages.HOLDERS, key, values, expect=expect) is not None:
                return

    @override
    def disposed(self, _node: Node, unit: Unit, disposed: Disposed) -> None:
        """The holder applied or refused the release; what it refused was never told."""
        key = {"package": disposed.original.about, "ministry": disposed.peer}
        values = {
            "state": disposed.outcome,
            "disposition": disposed.disposition,
            "code": disposed.code,
        }
        unit.update(packages.HOLDERS, key, values, expect={"release": disposed.original.id})
        if disposed.outcome == "refused":
            end_unheard(unit, disposed.original, "refused")

    @override
    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Take the package in; its exhibits are fetched from who released it."""
        statement = received.statement
        body = statement.body
        package = received.brought[member_text(body, "package")]
        if body.get("recipient") != node.ministry or statement.to != (node.ministry,):
            return refuse("release.recipient", "A release is for exactly the recipient it names.")
        unit.lock(f"package {package.id}")
        row = packages.by_id(unit.connection, package.id)
        if recalled_before(unit.connection, package, row):
            return refuse("package.recalled", "The originator has recalled this package.")
        if package.issuer != statement.issuer:
            verdict = _consent_given(node, received, package)
            if not verdict:
                return verdict
        elif body.get("consent") is not None:
            return refuse("release.own-package", "An own package needs no onward consent.")
        fits = fits_releases(node, unit.connection, statement, package)
        if not fits:
            return fits
        _end_release(unit, body)
        unit.insert(packages.RELEASES, _release_row(statement, received.at))
        if row is None:
            state = rules.PackageState.RECEIVED
            held.keep(unit, package, held.Kept(state, received.at, release=received.statement.id))
            about = ("package", package.id)
            reliance.open_notice(node, unit, Notice.RECEIVED, about, statement.id)
            _review_superseded(node, unit, package)
        else:
            _await_again(unit, package.id, statement)
        return ALLOWED


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


def consent_of(connection: Connection, consent_id: str) -> rules.Consent | None:
    """Return a consent that stands here, or ``None``."""
    row = statements.judged(connection, consent_id)
    if row is None or row.type != ONWARD_CONSENT:
        return None
    given = opened(row)
    return rules.Consent(given.issuer, given.to, given.body)


def _require_consent(
    node: Node, connection: Connection, package: Package, body: dict[str, Any]
) -> None:
    """Refuse an onward release that the originator's consent does not cover."""
    consent = consent_of(connection, member_text(body, "consent"))
    held.require(
        rules.consent_covers(
            consent,
            originator=package.originator,
            holder=node.ministry,
            release=body,
            at=node.now(),
        ),
        Conflict,
    )
    active = packages.active_release(connection, package.id, node.ministry)
    under = statements.judged(connection, active.id) if active is not None else None
    if under is None or consent is None:
        raise Conflict("release.not-held", "This node holds the package under no release.")
    held.require(
        markings.may_pass_on(
            held.marking_of(opened(under).body),
            held.marking_of(body),
            consent=held.marking_of(consent.body),
            recipient=member_text(body, "recipient"),
            jurisdictions=_jurisdictions(node),
        ),
        Invalid,
    )


def _jurisdictions(node: Node) -> dict[str, str]:
    return {member.id: member.jurisdiction for member in node.membership.members}


def _consent_given(node: Node, received: Received, package: Statement) -> Decision:
    """Judge the consent that an onward release brings, and the marking under which it passes on."""
    body = received.statement.body
    given = received.brought.get(member_text(body, "consent"))
    consent = rules.Consent(given.issuer, given.to, given.body) if given is not None else None
    verdict = rules.consent_covers(
        consent,
        originator=package.issuer,
        holder=received.statement.issuer,
        release=body,
        at=dating.consents_judged_at(received.statement.issued_at, received.times),
    )
    if not verdict or consent is None:
        return verdict
    bounds = held.marking_of(consent.body)
    return markings.may_pass_on(
        bounds,
        held.marking_of(body),
        consent=bounds,
        recipient=node.ministry,
        jurisdictions=_jurisdictions(node),
    )


def _end_release(unit: Unit, body: Mapping[str, Any]) -> None:
    """End the release that a new one supersedes."""
    older = body.get("supersedes_release")
    if isinstance(older, str):
        unit.update(
            packages.RELEASES, {"id": older}, {"state": "superseded"}, expect={"state": "active"}
        )


def end_unheard(unit: Unit, original: StoredStatement, state: str) -> None:
    """End a release of ours that did not reach its recipient; what it superseded stands again.

    Args:
        unit: the open unit of work.
        original: row of the release statement.
        state: ``refused`` or ``withdrawn``.
    """
    key = {"id": original.id}
    ended = unit.update(packages.RELEASES, key, {"state": state}, expect={"state": "active"})
    older = opened(original).body.get("supersedes_release")
    if ended is not None and isinstance(older, str):
        expect = {"state": "superseded"}
        unit.update(packages.RELEASES, {"id": older}, {"state": "active"}, expect=expect)


def _release_row(statement: Statement, at: str) -> dict[str, Any]:
    marking = statement.body["marking"]
    return {
        "id": statement.id,
        "package": statement.body["package"],
        "issuer": statement.issuer,
        "recipient": statement.body["recipient"],
        "tlp": marking["tlp"] if isinstance(marking, dict) else "RED",
        "state": "active",
        "released_at": at,
    }


def _review_superseded(node: Node, unit: Unit, package: Statement) -> None:
    """A newer version of a package of the same originator opens reviews of what rests on it."""
    older = packages.by_id(unit.connection, member_text(package.body, "supersedes"))
    if older is not None and older.originator == package.issuer:
        supersede(node, unit, package.id, older.id)


def _await_again(unit: Unit, package: str, release: Statement) -> None:
    """Let the exhibits come once more, if another ministry releases a package that is here."""
    before = [row for row in packages.releases_of(unit.connection, package) if row.held]
    if before and before[-1].issuer == release.issuer:
        # They came from this very ministry; a job says so again for the new release.
        unit.ring("exhibits")
        return
    labels = [(package, row.label) for row in packages.exhibits_of(unit.connection, package)]
    unit.update_many(packages.PACKAGE_EXHIBITS, labels, {"arrival": held.AWAITED})
    unit.ring("exhibits")


EFFECTS: Mapping[str, Effect] = {"release/1": ReleaseEffect()}
