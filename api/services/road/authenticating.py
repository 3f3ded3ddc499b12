"""Who sent a message: steps 1 to 3 of ``receiving``.

Owns the judgement of signatures, sender and audience; looks at no stream and stores nothing.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import Refused
from api.ports.policy import Action, Resource
from api.records import node_state, streams
from api.services.authorising import Permit, authorise, peer_caller
from api.services.node import Node
from api.wire.envelope import MESSAGE, Envelope, verify_seal, verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.messages import Evidence, MessageBody, parse_message, parse_request


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A message whose signatures, sender and audience verified."""

    raw: bytes
    envelope: Envelope
    body: MessageBody
    evidence: Evidence
    permit: Permit
    request: str

    @property
    def peer(self) -> str:
        """The sending ministry."""
        return self.body.from_

    @property
    def digest(self) -> str:
        """Digest of the raw envelope."""
        return self.envelope.digest

    @property
    def seq(self) -> int:
        """Number in the stream; only for kinds that take one."""
        if self.body.seq is None:
            raise TypeError("this kind takes no number")
        return self.body.seq


def authenticate(node: Node, request_body: bytes, request: str) -> Authenticated:
    """Steps 1 to 3."""
    raw, evidence = parse_request(request_body)
    envelope, body = parse_message(raw)
    if body.to != node.ministry:
        raise Refused("message.audience", "This message is for another ministry.")
    if node.membership.find(body.from_) is None or body.from_ == node.ministry:
        raise Refused("message.sender", "The sender is not in the pinned membership of this node.")
    _verify(node, envelope, body)
    permit = authorise(
        node,
        peer_caller(node, body.from_, request=request),
        Action.MESSAGE_DELIVER,
        Resource("stream", body.from_, {"peer": body.from_}),
    )
    return Authenticated(raw, envelope, body, evidence, permit, request)


def _verify(node: Node, envelope: Envelope, body: MessageBody) -> None:
    """Verify a message by its sender's current keys, or what is known already by former ones.

    A retired key opens no new message (PROTOCOL §9, *Keys in time*). What it signed before is
    answered as it was, and a node that recovers takes it in again.

    Raises:
        WireError: ``key.*``, ``signature.*``, ``time-unproven``.
    """
    keys = node.membership.keys(body.from_, Purpose.MESSAGE)
    try:
        verify_seal(envelope, keys, MESSAGE)
    except WireError as error:
        if error.code != "time-unproven" or not _is_known(node, envelope, body):
            raise
        verify_signed_then(envelope, keys, MESSAGE)


def _is_known(node: Node, envelope: Envelope, body: MessageBody) -> bool:
    def read(connection: Connection) -> bool:
        if node_state.restoring(connection):
            return True
        known = streams.message_in(connection, body.from_, body.id)
        return known is not None and bool(known.digest == envelope.digest)

    return node.db.read(read)
