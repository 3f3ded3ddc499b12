"""Recalls at the holder: what its people are told, what they acknowledge, and what stays shut.

Owns the view of a recall and the lock on recalled packages: until this ministry has answered the
recall (``recall-answer/1``, a draft like any other), an officer reads or fetches what was recalled
only after acknowledging it, which is an event (PROTOCOL §9). That counts for whom it describes,
too: search, subjects' pages, watches and exports ask here. Must not answer for anybody.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict
from api.domain.events import Act, Subject
from api.domain.evidence import PackageState
from api.domain.notation import Digest, Instant
from api.ports.policy import Action, Resource
from api.records import packages, previews, statements
from api.records.package_rows import Package
from api.services import visibility
from api.services.authorising import Caller, unknown
from api.services.node import Node
from api.services.previews import Shown, note_preview
from api.services.statements.effects.base import opened
from api.wire.types import RECALL

_KIND = "recall"


@dataclass(frozen=True, slots=True)
class RecallView:
    """A recall as the officers of a holder, or of the originator, see it.

    Attributes:
        statement: id of the recall; an answer names it.
        by: the originator.
        reason: in its words.
        instruction: ``stop-use``, ``return`` or ``destroy``.
        replaced_by: the package to use instead.
        at: when it was stored here.
        acknowledged: whether this officer has said to have read it.
        answer: what this ministry answered; ``None`` until it has.
        locked: whether the content stays shut for this officer until they acknowledge.
    """

    statement: Digest
    by: str
    reason: str
    instruction: str
    replaced_by: Digest | None
    at: Instant
    acknowledged: bool
    answer: str | None
    locked: bool


def recall_of(
    node: Node, connection: Connection, caller: Caller, package: Package
) -> RecallView | None:
    """Return the recall of a package, or ``None`` if it was not recalled."""
    if package.state is not PackageState.RECALLED:
        return None
    rows = [
        row
        for row in statements.about(connection, package.id, RECALL)
        if row.issuer == package.originator
    ]
    if not rows:
        return None
    said = opened(rows[-1])
    looked = previews.preview_by(connection, _KIND, package.id, said.id, caller.person)
    answers = packages.recall_answers(connection, package.id)
    answer = answers.get(node.ministry)
    foreign = package.originator != node.ministry
    replaced = said.body.get("replaced_by")
    return RecallView(
        statement=said.id,
        by=said.issuer,
        reason=str(said.body.get("reason", "")),
        instruction=str(said.body.get("instruction", "")),
        replaced_by=replaced if isinstance(replaced, str) else None,
        at=str(rows[-1].stored_at),
        acknowledged=looked is not None,
        answer=answer.answer if answer is not None else None,
        locked=foreign and answer is None and looked is None,
    )


def require_unlocked(
    node: Node, connection: Connection, caller: Caller, listed: list[Package]
) -> None:
    """Refuse the bytes of what was recalled, unless some package with them is open to the caller.

    Args:
        node: this node.
        connection: open connection.
        caller: who reads.
        listed: the package, or every package that lists an exhibit.

    Raises:
        Conflict: ``recall.unacknowledged``.
    """
    views = [recall_of(node, connection, caller, one) for one in listed]
    if views and all(view is not None and view.locked for view in views):
        raise Conflict(
            "recall.unacknowledged",
            "This was recalled: read why, and acknowledge the recall before reading on.",
        )


def described_to(
    node: Node, caller: Caller, references: Iterable[visibility.Reference]
) -> set[visibility.Reference]:
    """Return those of the objects whose descriptions are open to the caller.

    What they may read, but for packages that a recall keeps shut for them.
    """
    seen = visibility.readable(node, caller, references)
    named = [id_ for kind, id_ in seen if kind == visibility.ObjectKind.PACKAGE]
    if not named:
        return seen

    def shut(connection: Connection) -> set[visibility.Reference]:
        held = packages.by_ids(connection, named).values()
        views = {one.id: recall_of(node, connection, caller, one) for one in held}
        return {
            (visibility.ObjectKind.PACKAGE.value, id_)
            for id_, view in views.items()
            if view is not None and view.locked
        }

    return seen - node.db.read(shut)


def acknowledge(node: Node, caller: Caller, package_id: str) -> RecallView:
    """Record that the caller has read a recall; needed before any further reading or fetching.

    Raises:
        NotFound: ``package.unknown``.
        Conflict: ``package.not-recalled``.
    """

    def find(connection: Connection) -> tuple[Package, Resource] | None:
        package = packages.by_id(connection, package_id)
        if package is None:
            return None
        return package, visibility.resources(node, connection, [package])[0]

    found = node.db.read(find)
    if found is None:
        raise unknown("package")
    package, target = found
    permit = visibility.permit_on_package(node, caller, Action.PACKAGE_READ, package, target)
    view = node.db.read(lambda connection: recall_of(node, connection, caller, package))
    if view is None:
        raise Conflict("package.not-recalled", "This package was not recalled.")
    shown = Shown(Subject(_KIND, package_id), view.statement)
    note_preview(node, caller, permit, shown, Act.RECALL_ACKNOWLEDGED)
    after = node.db.read(lambda connection: recall_of(node, connection, caller, package))
    return after or view
