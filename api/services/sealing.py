"""Seals payloads with the ministry's keys and opens what other ministries sealed.

Owns the pairing of envelope and signer; stores nothing. Sealing takes about a millisecond and must
happen before a unit of work starts, never inside one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from api.domain.errors import Invalid
from api.services.node import Node
from api.wire import envelope as envelopes
from api.wire.digests import digest
from api.wire.endorsements import EndorsedPart, check_endorsements, check_statement
from api.wire.envelope import Endorsement, Envelope
from api.wire.keys import Purpose
from api.wire.statements import Statement, parse_statement


@dataclass(frozen=True, slots=True)
class Sealed:
    """A statement with the envelope that carries it."""

    statement: Statement
    envelope: bytes
    digest: str


def seal_statement(
    node: Node, statement: Statement, endorsements: Sequence[Endorsement] = ()
) -> Sealed:
    """Seal a statement with this ministry's ES384 and ML-DSA-87 keys.

    The officers' signatures are checked first: the ministry seals no false one.

    Raises:
        WireError: ``endorsement.*``, ``key.unknown``.
    """
    check_statement(statement, endorsements)
    raw = envelopes.seal(
        statement.payload,
        envelopes.STATEMENT,
        node.signer.keys(Purpose.SEAL),
        node.signer.sign,
        endorsements,
    )
    return Sealed(statement, raw, digest(raw))


def seal_message(node: Node, payload: bytes) -> bytes:
    """Sign a message payload with this ministry's message keys."""
    return envelopes.seal(
        payload, envelopes.MESSAGE, node.signer.keys(Purpose.MESSAGE), node.signer.sign
    )


def open_statement(
    node: Node, raw: bytes, *, log_index: int | None = None
) -> tuple[Sealed, Envelope, list[EndorsedPart]]:
    """Check a sealed statement: form, seal by its issuer's keys, officers' endorsements.

    Args:
        node: whose membership names the keys.
        raw: envelope bytes.
        log_index: proven index in the issuer's log; lets a retired key's older seals pass.

    Raises:
        WireError: ``envelope.*``, ``statement.*``, ``key.*``, ``endorsement.*``.
        Invalid: ``statement.issuer-unknown``.
    """
    opened = envelopes.parse_envelope(raw)
    return check_opened(node, opened, parse_statement(opened.payload), log_index=log_index)


def check_opened(
    node: Node, opened: Envelope, statement: Statement, *, log_index: int | None = None
) -> tuple[Sealed, Envelope, list[EndorsedPart]]:
    """Check a sealed statement that was read already; see `open_statement`.

    Raises:
        WireError: ``key.*``, ``endorsement.*``.
        Invalid: ``statement.issuer-unknown``.
    """
    if node.membership.find(statement.issuer) is None:
        raise Invalid(
            "statement.issuer-unknown", "The issuer is not in the pinned membership of this node."
        )
    envelopes.verify_seal(
        opened,
        node.membership.keys(statement.issuer, Purpose.SEAL),
        envelopes.STATEMENT,
        log_index=log_index,
    )
    parts = check_endorsements(statement, opened)
    return Sealed(statement, opened.raw, opened.digest), opened, parts
