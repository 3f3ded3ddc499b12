"""What a partner holds from us, now and at an instant, as far as its own signatures show.

Owns the view; the rule of what counts as knowledge is ``domain.evidence``'. A release alone proves
nothing about the other side: a receipt or a disposition does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain.errors import Invalid
from api.domain.evidence import Holding, holder_state, provably_held
from api.ports.policy import Action, Resource
from api.records import delegations, packages, statements, streams
from api.services.authorising import Caller, authorise, unknown, visible
from api.services.desk import evidence
from api.services.node import Node
from api.wire.encoding import format_instant, parse_instant
from api.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Held:
    """One package at one partner.

    Attributes:
        row: the holder's row, with the package's title.
        state: what was known at the instant.
        proven: whether the partner's own signature shows that it had the package then.
    """

    row: RowMapping
    state: str
    proven: bool


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one partner holds.

    Attributes:
        at: the instant.
        packages: with what was known of each.
        delivered: statements of other types that it signed for by then, counted by type.
    """

    at: str
    packages: list[Held]
    delivered: dict[str, int]


def holding_of(connection: Connection, row: RowMapping) -> Holding:
    """Return the instants at which a holder's copy changed, from what was signed or sent."""
    release = statements.by_id(connection, row["release"])
    recall = statements.by_id(connection, row["recall"]) if row["recall"] else None
    disposed = _disposed(connection, row["ministry"], release)
    recalled = _disposed(connection, row["ministry"], recall)
    consented = release is not None and release["type"] == "onward-consent/1"
    given = release["stored_at"] if release is not None else None
    return Holding(
        ministry=row["ministry"],
        consented_at=given if consented else None,
        released_at=None if consented else given,
        receipted_at=row["receipted_at"],
        disposed_at=disposed["received_at"] if disposed is not None else None,
        outcome=disposed["outcome"] if disposed is not None else None,
        recalled_at=recall["stored_at"] if recall is not None else None,
        recall_receipted_at=row["recall_receipted_at"],
        recall_disposed_at=recalled["received_at"] if recalled is not None else None,
        recall_outcome=recalled["outcome"] if recalled is not None else None,
    )


def _disposed(connection: Connection, peer: str, statement: RowMapping | None) -> RowMapping | None:
    if statement is None:
        return None
    return streams.disposition_of(connection, peer, statement["id"])


def of_peer(node: Node, caller: Caller, peer: str, at: str | None) -> Holdings:
    """Return what a partner holds from this ministry at an instant (now if none is given).

    Raises:
        NotFound: ``peer.unknown``.
        Invalid: ``holdings.instant``.
    """
    if peer == node.ministry or node.membership.find(peer) is None:
        raise unknown("peer")
    authorise(node, caller, Action.PEER_READ, Resource("peer", peer, {"ministry": peer}))
    instant = _instant(node, at)

    def read(connection: Connection) -> tuple[list[Held], list[Resource], dict[str, int]]:
        rows = packages.held_by(connection, peer)
        held = [_held(connection, row, instant) for row in rows]
        targets = _resources(node, connection, rows)
        return held, targets, streams.receipted_by_type(connection, peer, instant)

    held, targets, delivered = node.db.read(read)
    allowed = visible(node, caller, Action.PACKAGE_HOLDERS, targets)
    shown = [one for one, may in zip(held, allowed, strict=True) if may and one.state != "none"]
    return Holdings(instant, shown, delivered)


def _held(connection: Connection, row: RowMapping, at: str) -> Held:
    holding = holding_of(connection, row)
    return Held(row, holder_state(holding, at).value, provably_held(holding, at))


def _resources(node: Node, connection: Connection, rows: Sequence[RowMapping]) -> list[Resource]:
    ids = [row["package"] for row in rows]
    released = packages.released_to_many(connection, ids)
    aside = delegations.recused_many(connection, ids)
    found = []
    for row in rows:
        package = packages.by_id(connection, row["package"])
        if package is None:
            raise unknown("package")
        recipients = released.get(row["package"], frozenset())
        recused = aside.get(row["package"], frozenset())
        found.append(evidence.resource(node, evidence.Package(package, recipients), recused))
    return found


def _instant(node: Node, text: str | None) -> str:
    if text is None:
        return node.now()
    try:
        return format_instant(parse_instant(text))
    except WireError:
        raise Invalid(
            "holdings.instant", "Write the instant as 2026-11-23T17:25:39.123Z."
        ) from None


def proofs(held: Held) -> dict[str, Any]:
    """Return the ids of what proves a holding: messages with receipts, and dispositions."""
    names = ("release", "message", "disposition", "recall", "recall_message", "recall_disposition")
    return {name: held.row[name] for name in names if held.row[name] is not None}
