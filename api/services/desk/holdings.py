"""What a partner holds from us, now and at an instant, as far as its own signatures show.

Owns the view; the rule of what counts as knowledge is ``domain.evidence``'. A release alone proves
nothing about the other side: a receipt or a disposition does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.evidence import HolderState, Holding, holder_state, provably_held
from api.domain.notation import Count, Digest, Instant
from api.ports.policy import Action, Resource
from api.records import packages, statements, stream_counts, streams
from api.records.package_rows import Holder, TitledHolder
from api.records.statements import StoredStatement
from api.records.stream_rows import Disposition
from api.services import visibility
from api.services.authorising import Caller, authorise, unknown, visible
from api.services.node import Node
from api.services.paging import Place, visible_page
from api.wire.encoding import format_instant, parse_instant
from api.wire.errors import WireError

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class HeldView:
    """One package at one partner.

    Attributes:
        package: the package.
        title: its title, for those who may read the package; an auditor knows it by id and digest.
        state: what was known at the instant.
        proven: whether the partner's own signature shows that it had the package then.
        receipted_at: when its node signed for it.
        proofs: ids of what proves it: messages with receipts, and dispositions, by what they are.
    """

    package: Digest
    title: str | None
    state: HolderState
    proven: bool
    receipted_at: Instant | None
    proofs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one partner holds.

    Attributes:
        ministry: the partner.
        at: the instant.
        items: packages with what was known of each, a page of them by digest.
        delivered: statements of other types that it signed for by then, counted by type.
    """

    ministry: str
    at: Instant
    items: tuple[HeldView, ...]
    delivered: Mapping[str, Count]


def holdings_of(connection: Connection, rows: Sequence[Holder]) -> Iterator[Holding]:
    """Yield of each row when the holder's copy changed, from what was signed or sent."""
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        ids = sorted({id_ for row in some for id_ in (row.release, row.recall) if id_})
        signed = statements.by_ids(connection, ids)
        disposed = streams.dispositions_by_peer(
            connection, sorted({row.ministry for row in some}), ids
        )
        yield from (_holding(row, signed, disposed) for row in some)


def _holding(
    row: Holder,
    signed: Mapping[str, StoredStatement],
    answers: Mapping[tuple[str, str], Disposition],
) -> Holding:
    release = signed.get(row.release)
    recall = signed.get(row.recall or "")
    disposed = answers.get((row.ministry, release.id)) if release is not None else None
    recalled = answers.get((row.ministry, recall.id)) if recall is not None else None
    consented = release is not None and release.type == "onward-consent/1"
    given = release.stored_at if release is not None else None
    return Holding(
        ministry=row.ministry,
        consented_at=given if consented else None,
        released_at=None if consented else given,
        receipted_at=row.receipted_at,
        disposed_at=disposed.received_at if disposed is not None else None,
        outcome=disposed.outcome if disposed is not None else None,
        recalled_at=recall.stored_at if recall is not None else None,
        recall_receipted_at=row.recall_receipted_at,
        recall_disposed_at=recalled.received_at if recalled is not None else None,
        recall_outcome=recalled.outcome if recalled is not None else None,
    )


def of_peer(
    node: Node, caller: Caller, peer: str, at: str | None, *, limit: int, start: Place | None
) -> Holdings:
    """Return a page of what a partner holds from this ministry at an instant, or now.

    Args:
        node: this node.
        caller: who asks.
        peer: the partner.
        at: RFC 3339 UTC, or ``None``.
        limit: at most so many packages.
        start: place of the package to begin after, by digest.

    Raises:
        NotFound: ``peer.unknown``.
        Invalid: ``holdings.instant``.
    """
    authorise_peer(node, caller, peer)
    instant = _instant(node, at)
    items = held_page(node, caller, peer, instant, limit=limit, start=start)
    delivered = node.db.read(
        lambda connection: stream_counts.receipted_by_type(connection, peer, instant)
    )
    return Holdings(peer, instant, tuple(items), delivered)


def authorise_peer(node: Node, caller: Caller, peer: str) -> None:
    """Refuse whoever may not read about a partner.

    Raises:
        NotFound: ``peer.unknown``.
    """
    if peer == node.ministry or node.membership.find(peer) is None:
        raise unknown("peer")
    authorise(node, caller, Action.PEER_READ, Resource("peer", peer, {"ministry": peer}))


@dataclass(frozen=True, slots=True)
class _Line:
    """A package at a partner, and how the policies see it."""

    view: HeldView
    target: Resource


def held_page(
    node: Node, caller: Caller, peer: str, at: str, *, limit: int, start: Place | None
) -> list[HeldView]:
    """Return the page alone; the caller was authorised to read about the partner."""

    def look_up(after: Place | None, size: int) -> list[_Line]:
        return node.db.read(lambda connection: _placed(node, connection, peer, at, size, after))

    def seen(lines: Sequence[_Line]) -> list[bool]:
        allowed = visible(node, caller, Action.PACKAGE_HOLDERS, [one.target for one in lines])
        return [
            may and one.view.state is not HolderState.NONE
            for one, may in zip(lines, allowed, strict=True)
        ]

    page = visible_page(look_up, seen, lambda one: place_of(one.view), limit=limit, start=start)
    readable = visible(node, caller, Action.PACKAGE_READ, [one.target for one in page])
    return [
        one.view if may_read else replace(one.view, title=None)
        for one, may_read in zip(page, readable, strict=True)
    ]


def place_of(one: HeldView) -> Place:
    """Return where a package stands in the list."""
    return one.package, ""


def _placed(
    node: Node, connection: Connection, peer: str, at: str, size: int, after: Place | None
) -> list[_Line]:
    rows = packages.held_by(connection, peer, size, after[0] if after else "")
    known = packages.by_ids(connection, [row.package for row in rows])
    targets = visibility.resources(node, connection, [known[row.package] for row in rows])
    found = zip(rows, holdings_of(connection, rows), targets, strict=True)
    return [_Line(_held(row, holding, at), target) for row, holding, target in found]


def _held(row: TitledHolder, holding: Holding, at: str) -> HeldView:
    proofs = {
        "release": row.release,
        "message": row.message,
        "disposition": row.disposition,
        "recall": row.recall,
        "recall_message": row.recall_message,
        "recall_disposition": row.recall_disposition,
    }
    return HeldView(
        package=row.package,
        title=row.title,
        state=holder_state(holding, at),
        proven=provably_held(holding, at),
        receipted_at=row.receipted_at,
        proofs={name: id_ for name, id_ in proofs.items() if id_ is not None},
    )


def _instant(node: Node, text: str | None) -> str:
    if text is None:
        return node.now()
    try:
        return format_instant(parse_instant(text))
    except WireError:
        raise Invalid(
            "holdings.instant", "Write the instant as 2026-11-23T17:25:39.123Z."
        ) from None
