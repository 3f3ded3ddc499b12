"""Takes a release back before it reaches its recipient, as far as that can be known (PROTOCOL §9).

Owns the withdrawal. The cases, told apart in one transaction with the stream locked:

* Its message is not composed: nothing leaves. The release is withdrawn, what it superseded is
  active again, and the recipient holds what it held before.
* Its message is composed and has no receipt: it may have arrived. The release is withdrawn, so that
  nothing is served under it any more; the recipient stays a holder, *perhaps received*, and recalls
  go to it. A new epoch names what the recipient holds: what never came is not sent again; if it
  came, the package is recalled.
* It has a receipt: it is there. Recall the package.
"""

from dataclasses import dataclass
from enum import StrEnum

from api.domain.errors import Conflict, NotFound
from api.domain.events import Act, Subject
from api.domain.notation import Digest
from api.ports.policy import Action
from api.records import packages, statements, streams
from api.records.package_rows import Release
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, entry_of
from api.services.desk import evidence
from api.services.node import Node
from api.services.statements.effects.base import opened
from api.services.statements.effects.releases import end_unheard
from api.wire.types import EXHIBITS_HELD, ONWARD_CONSENT

PERHAPS_RECEIVED = "perhaps-received"


class Reach(StrEnum):
    """How far a withdrawn release had come."""

    NOT_SENT = "not-sent"
    PERHAPS_RECEIVED = PERHAPS_RECEIVED


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A release that was taken back.

    Attributes:
        release: its id.
        recipient: whom it was for.
        reach: how far it had come.
    """

    release: Digest
    recipient: str
    reach: Reach


def withdraw(node: Node, caller: Caller, package_id: str, release_id: str) -> Withdrawal:
    """Take a release back; see the module.

    Raises:
        NotFound: ``release.unknown``, or the package is not for the caller.
        Conflict: ``release.not-active``; ``release.received``: recall the package.
    """
    _, permit = evidence.permit_on(node, caller, Action.PACKAGE_RETURN, package_id)

    def write(unit: Unit) -> Withdrawal:
        unit.lock(f"package {package_id}")
        release = packages.release_by_id(unit.connection, release_id)
        if release is None or (release.package, release.issuer) != (
            package_id,
            node.ministry,
        ):
            raise NotFound("release.unknown", "This ministry made no such release of the package.")
        if release.state != "active":
            raise Conflict("release.not-active", "Only a release that stands can be withdrawn.")
        recipient = release.recipient
        unit.lock(f"stream to {recipient}")
        reach = _take_back(unit, release)
        original = statements.judged(unit.connection, release_id)
        if original is None:
            raise NotFound("release.unknown", "This ministry made no such release of the package.")
        end_unheard(unit, original, "withdrawn")
        _note_holder(unit, package_id, recipient, reach)
        entry = entry_of(caller, permit, Act.RELEASE_WITHDRAWN, Subject("package", package_id))
        recording.record(node, unit, entry)
        return Withdrawal(release_id, recipient, reach)

    return node.db.write(write)


def _take_back(unit: Unit, release: Release) -> Reach:
    """Remove what waits in the outbox, or say that it may have left."""
    recipient = release.recipient
    (posted,) = streams.posted_to(unit.connection, recipient, [release.id])
    if posted.message is None:
        unit.delete(streams.OUTBOX, {"id": posted.id})
        return Reach.NOT_SENT
    message = streams.message_out(unit.connection, posted.message)
    if message is not None and message.receipt is not None:
        raise Conflict("release.received", "The recipient has signed for it; recall the package.")
    return Reach.PERHAPS_RECEIVED


def _note_holder(unit: Unit, package: str, recipient: str, reach: Reach) -> None:
    """Say of the recipient what it holds now."""
    key = {"package": package, "ministry": recipient}
    before = packages.active_release(unit.connection, package, recipient)
    if reach is Reach.PERHAPS_RECEIVED:
        unit.update(packages.HOLDERS, key, {"state": PERHAPS_RECEIVED})
    elif before is not None:
        unit.update(packages.HOLDERS, key, _holding(unit, before))
    elif (consent := _consented(unit, package, recipient)) is not None:
        unit.update(packages.HOLDERS, key, {"release": consent, "state": "consented"})
    else:
        unit.delete(packages.HOLDERS, key)
        _settle_state(unit, package)


def _consented(unit: Unit, package: str, recipient: str) -> str | None:
    """Return the own consent by which the recipient may hold the package, if there is one."""
    for row in statements.about(unit.connection, package, ONWARD_CONSENT):
        if row.origin == "own" and opened(row).body.get("recipient") == recipient:
            return row.id
    return None


def _holding(unit: Unit, release: Release) -> dict[str, object]:
    """Return a holder's columns under a release that is active again, from what is recorded."""
    peer, connection = release.recipient, unit.connection
    told = streams.disposition_of(connection, peer, release.id)
    (posted,) = streams.posted_to(connection, peer, [release.id])
    sent = streams.message_out(connection, posted.message) if posted.message is not None else None
    receipted = sent.receipted_at if sent is not None else None
    word = statements.about(connection, release.id, EXHIBITS_HELD)
    state = "receipted" if receipted is not None else "sent"
    return {
        "release": release.id,
        "state": told.outcome if told is not None else state,
        "message": posted.message,
        "receipted_at": receipted,
        "disposition": told.disposition if told is not None else None,
        "code": told.code if told is not None else None,
        "held": word[-1].id if word else None,
        "held_at": word[-1].issued_at if word else None,
    }


def _settle_state(unit: Unit, package: str) -> None:
    """An own package that nobody holds any more is as it was before it was released."""
    if not packages.holders_of(unit.connection, package):
        expect = {"state": "released"}
        unit.update(packages.PACKAGES, {"id": package}, {"state": "submitted"}, expect=expect)
