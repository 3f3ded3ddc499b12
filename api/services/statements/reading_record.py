"""The reading record: which exhibits those who prepare and approve a draft opened or fetched.

Owns what is counted as having had an exhibit in hand (each is an event): opening it, fetching its
package whole, or storing it. A ministry may require it of the approver, of the preparer or of both
(``reads_exhibits`` in the four-eyes table). Erased exhibits and those that are not here yet are
asked of nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import Refused
from api.domain.events import Act
from api.domain.evidence import ExhibitState
from api.domain.four_eyes import Row
from api.ports.policy import Action
from api.records import officers, packages, readings
from api.records.drafts import Draft
from api.services.authorising import Caller
from api.services.node import Node
from api.services.statements.draft_form import opened_by
from api.wire.envelope import APPROVED, PREPARED

_OF_EXHIBIT: Final = (Act.EXHIBIT_READ.value, Act.EXHIBIT_STORED.value)
_OF_PACKAGE: Final = (Act.PACKAGE_FETCHED.value,)


@dataclass(frozen=True, slots=True)
class ExhibitReading:
    """One exhibit behind a draft, and who had it in hand.

    Attributes:
        package: that lists it.
        label: its name there.
        digest: of its bytes.
        held: the bytes are here.
        readers: officer records of everybody who opened, fetched or stored it here.
    """

    package: str
    label: str
    digest: str
    held: bool
    readers: frozenset[str]


def packages_behind(body: Mapping[str, Any]) -> list[str]:
    """Return the packages that a statement rests on: the released one, or those relied on."""
    found = [body["package"]] if isinstance(body.get("package"), str) else []
    found += [one for one in body.get("relies_on") or () if isinstance(one, str)]
    found += [
        one["package"]
        for one in body.get("evidence") or ()
        if isinstance(one, Mapping) and isinstance(one.get("package"), str)
    ]
    return list(dict.fromkeys(found))


def reading_record(connection: Connection, body: Mapping[str, Any]) -> list[ExhibitReading]:
    """Return every exhibit behind a draft's body with its readers."""
    people = {
        f"officer:{one.iss}:{one.sub}": one.officer for one in officers.identities(connection)
    }
    found = []
    for package in packages_behind(body):
        listed = packages.exhibits_of(connection, package)
        whole = {
            people.get(actor, "")
            for _, _, actor in readings.readers(connection, "package", _OF_PACKAGE, [package])
        }
        single = readings.readers(
            connection, "exhibit", _OF_EXHIBIT, [one.digest for one in listed]
        )
        for one in listed:
            hands = {people.get(actor, "") for digest, _, actor in single if digest == one.digest}
            held = one.state == ExhibitState.HELD
            readers = frozenset((hands | whole) - {""})
            found.append(ExhibitReading(package, one.label, one.digest, held, readers))
    return found


@dataclass(frozen=True, slots=True)
class ReadingLine:
    """One exhibit behind a draft as its page shows it.

    Attributes:
        package: that lists it.
        label: its name there.
        digest: of its bytes.
        held: the bytes are here.
        prepared: whoever prepared the draft had it in hand.
        mine: the officer who looks had it in hand.
    """

    package: str
    label: str
    digest: str
    held: bool
    prepared: bool
    mine: bool


def of_draft(node: Node, caller: Caller, draft_id: str) -> list[ReadingLine]:
    """Return the exhibits behind a draft that the caller may see, and who had each in hand."""
    draft = opened_by(node, caller, draft_id, Action.DRAFT_READ).draft
    found = node.db.read(lambda connection: reading_record(connection, dict(draft.content.body)))
    return [
        ReadingLine(
            one.package,
            one.label,
            one.digest,
            one.held,
            draft.preparer in one.readers,
            caller.person in one.readers,
        )
        for one in found
    ]


def require_read(node: Node, caller: Caller, draft: Draft, row: Row) -> None:
    """Refuse an approval for which the ministry's own rule on reading is not met.

    Args:
        node: this node.
        caller: who approves.
        draft: what is approved.
        row: the four-eyes row of its type.

    Raises:
        Refused: ``draft.exhibits-unread``.
    """
    if not row.reads_exhibits:
        return
    found = node.db.read(lambda connection: reading_record(connection, dict(draft.content.body)))
    asked = {APPROVED: caller.person, PREPARED: draft.preparer}
    for part in sorted(row.reads_exhibits):
        if any(one.held and asked[part] not in one.readers for one in found):
            who = "You have" if part == APPROVED else "Whoever prepared it has"
            raise Refused(
                "draft.exhibits-unread",
                f"{who} not opened every exhibit behind this draft; your ministry requires it.",
            )
