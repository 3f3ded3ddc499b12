"""Composes the package file (PROTOCOL §4): statement, exhibits, release, receipts, proof.

Owns which members a reader at this node gets. The originator's file carries the partners' receipts
and the proof that its own log holds the package; a holder's file carries the release it was given
and the proof that the sender's log holds that release. Every member is what this node stores, byte
for byte.
"""

import tempfile
from collections.abc import Iterator
from typing import IO

from sqlalchemy import Connection

from api.domain.errors import Conflict
from api.domain.events import Act, Subject
from api.domain.evidence import ExhibitState
from api.domain.verification.proof import compose_proof
from api.ports.policy import Action
from api.records import log, packages, peer_logs, statements, streams
from api.records.package_rows import ListedExhibit
from api.records.statements import StoredStatement
from api.services import recording
from api.services.authorising import Caller, entry_of, unknown
from api.services.desk import evidence, recalls
from api.services.log import checkpoints, heads
from api.services.log.witnessing import PeerTiles
from api.services.node import Node
from api.tlog.proofs import inclusion_proof
from api.wire.message_bodies import parse_items
from api.wire.messages import parse_message
from api.wire.package_file import (
    PROOF,
    RELEASE,
    STATEMENT,
    PackageWriter,
    exhibit_name,
    receipt_name,
)

_CHUNK = 1024 * 1024


def open_file(node: Node, caller: Caller, package_id: str) -> Iterator[bytes]:
    """Return the bytes of a package file; fetching it is an event.

    Raises:
        NotFound: ``package.unknown``.
        Conflict: ``recall.unacknowledged``: it was recalled, and the caller has not said to know;
            ``package.exhibits-missing``: some exhibits are not here (yet);
            ``package.exhibits-erased``: a legal order removed some;
            ``package.exhibits-destroyed``: this ministry destroyed some in answer to a recall.
    """
    package, permit = evidence.permit_on(node, caller, Action.PACKAGE_FETCH, package_id)
    node.db.read(lambda connection: recalls.require_unlocked(node, connection, caller, [package]))
    statement, exhibits = node.db.read(lambda connection: _stored(connection, package_id))
    if any(row.state is ExhibitState.ERASED for row in exhibits):
        raise Conflict(
            "package.exhibits-erased",
            "Exhibits were erased under a legal order; ask an auditor for the order.",
        )
    if any(row.state is ExhibitState.DESTROYED for row in exhibits):
        raise Conflict(
            "package.exhibits-destroyed",
            "This ministry destroyed exhibits of it, in answer to a recall.",
        )
    if any(row.state is not ExhibitState.HELD for row in exhibits):
        raise Conflict(
            "package.exhibits-missing", "Some exhibits are not here yet; try again later."
        )
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the stream that reads it
    with PackageWriter(target) as writer:
        writer.add(STATEMENT, [statement.envelope])
        for row in sorted(exhibits, key=lambda each: each.digest):
            writer.add(exhibit_name(row.digest), node.store.read(row.digest, 0, row.size))
        for name, content in node.db.read(
            lambda connection: _beside(node, connection, statement)
        ).items():
            writer.add(name, [content])
    entry = entry_of(caller, permit, Act.PACKAGE_FETCHED, Subject("package", package_id))
    node.db.write(lambda unit: recording.record(node, unit, entry))
    return _stream(target)


def _stream(target: IO[bytes]) -> Iterator[bytes]:
    with target:
        target.seek(0)
        while chunk := target.read(_CHUNK):
            yield chunk


def _stored(connection: Connection, package_id: str) -> tuple[StoredStatement, list[ListedExhibit]]:
    statement = statements.by_id(connection, package_id)
    if statement is None:
        raise unknown("package")
    return statement, packages.exhibits_of(connection, package_id)


def _beside(node: Node, connection: Connection, statement: StoredStatement) -> dict[str, bytes]:
    """Return release, receipts and proof, as far as this node has them."""
    if statement.issuer == node.ministry:
        return _receipts(connection, statement.id) | _own_proof(node, connection, statement)
    release = packages.active_release(connection, statement.id, node.ministry)
    if release is None:
        return {}
    row = statements.by_id(connection, release.id)
    if row is None:
        return {}
    return {RELEASE: row.envelope} | _release_proof(connection, row)


def _receipts(connection: Connection, package_id: str) -> dict[str, bytes]:
    """Return each holder's receipt for the release that brought it this package."""
    receipts = []
    for holder in packages.holders_of(connection, package_id):
        message = streams.message_out(connection, holder.message) if holder.message else None
        if message is not None and message.receipt is not None:
            receipts.append(message.receipt)
    return {receipt_name(number): raw for number, raw in enumerate(receipts, 1)}


def _own_proof(node: Node, connection: Connection, statement: StoredStatement) -> dict[str, bytes]:
    """Prove that this node's public head holds the statement."""
    event = log.event_of_statement(connection, statement.id)
    if event is None or event.leaf_index is None:
        return {}
    index = int(event.leaf_index)
    public = heads.public_head(node, connection)
    if public is None or public.size <= index:
        return {}
    opening = checkpoints.opening_of(connection, event)
    path = checkpoints.prove_inclusion(connection, index, public.size)
    return {PROOF: compose_proof(index, path, public.note, opening)}


def _release_proof(connection: Connection, release: StoredStatement) -> dict[str, bytes]:
    """Prove, from what this node stores of the sender's log, that it holds the release."""
    peer = release.issuer
    seen = peer_logs.peer_log(connection, peer)
    message = streams.message_that_brought(connection, peer, release.id)
    if seen is None or message is None:
        return {}
    items = parse_items(parse_message(message.envelope)[1].body)
    for item in items:
        if item.envelope == release.envelope:
            path = inclusion_proof(item.index, seen.size, PeerTiles(connection, peer))
            note = seen.note + seen.cosignatures + b"\n"
            return {PROOF: compose_proof(item.index, path, note, item.opening)}
    return {}
