"""Messages, receipts and statements at rest: do they say, under signature, what their rows say.

Owns what can be checked of signed bytes. That rows were not changed since is known from the
journal already; here a row that was wrong from the start is found.
"""

from typing import Any

from sqlalchemy import Table

from api.records.statements import STATEMENTS, StoredStatement
from api.records.stream_rows import Message, MessageIn, MessageOut
from api.records.streams import MESSAGES_IN, MESSAGES_OUT
from api.services.audit.fsck.reading import stored_rows
from api.services.audit.fsck.scope import Scope
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.message_bodies import Receipt
from api.wire.messages import MessageBody, MessageKind


def check_messages(scope: Scope) -> dict[str, int]:
    """Check every message with its receipt, and the names of all statements.

    Returns:
        By partner, the largest size of its log that a receipt of this node cosigned.
    """
    cosigned: dict[str, int] = {}
    for sent in stored_rows(scope, MESSAGES_OUT, MessageOut):
        fault = _message_fault(scope, sent, scope.me.id, sent.peer)
        if fault is None and sent.receipt is not None:
            receipt = _receipt(scope, sent, sent.peer, scope.me.id)
            fault = receipt if isinstance(receipt, str) else None
        _found(scope, MESSAGES_OUT, [sent.id], fault)
    for received in stored_rows(scope, MESSAGES_IN, MessageIn):
        peer = received.peer
        fault = _message_fault(scope, received, peer, scope.me.id)
        if fault is None:
            receipt = _receipt(scope, received, scope.me.id, peer)
            if isinstance(receipt, str):
                fault = receipt
            elif receipt.cosignature is not None:
                cosigned[peer] = max(cosigned.get(peer, 0), receipt.cosignature.size)
        _found(scope, MESSAGES_IN, [peer, received.id], fault)
    for statement in stored_rows(scope, STATEMENTS, StoredStatement):
        _found(scope, STATEMENTS, [statement.id], _statement_fault(scope, statement))
    return cosigned


def _found(scope: Scope, table: Table, key: list[Any], fault: str | None) -> None:
    if fault is not None:
        index = scope.journal.leaf(table.name, key)
        scope.findings.add("fsck.signed-bytes", table.name, key, fault, index=index)


def _message_fault(scope: Scope, row: Message, sender: str, receiver: str) -> str | None:
    raw = row.envelope
    body = scope.trust.message(raw, sender)
    if not isinstance(body, MessageBody):
        return f"The message does not verify ({body})."
    stated = (body.from_, body.to, body.id, body.kind.value, body.epoch, body.seq)
    stored = (sender, receiver, row.id, row.kind, row.epoch, row.seq)
    if stated != stored or digest(raw) != row.digest:
        return "The row does not say what the signed message says."
    return None


def _receipt(scope: Scope, row: Message, signer: str, reader: str) -> Receipt | str:
    """Return what a message's receipt says, or what is wrong with it."""
    body = scope.trust.message(row.receipt, signer)
    if not isinstance(body, MessageBody):
        return f"The receipt does not verify ({body})."
    try:
        receipt = Receipt.from_json(body.body)
    except WireError as problem:
        return f"The receipt cannot be read ({problem.code})."
    stated = (body.kind, body.from_, body.to, receipt.message, receipt.digest)
    if stated != (MessageKind.RECEIPT, signer, reader, row.id, row.digest):
        return "The receipt is for another message."
    return receipt


def _statement_fault(scope: Scope, row: StoredStatement) -> str | None:
    named = scope.trust.statement(row.envelope)
    if isinstance(named, str):
        return f"The envelope cannot be read ({named})."
    if named != (row.id, row.envelope_digest):
        return "The row names another statement than its envelope holds."
    return None
