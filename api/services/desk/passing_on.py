"""Passing a package on: what holders asked its originator, and what it consented to.

Owns that read model. Asking, consenting and the release that follows are drafts like any other;
what they may say is ``effects.onward``' and ``effects.releases``'.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.domain.notation import Digest, Instant
from api.ports.policy import Action
from api.records import statements
from api.services.authorising import Caller, unknown
from api.services.desk import evidence
from api.services.node import Node
from api.services.statements.effects.base import opened
from api.wire.statements import Statement
from api.wire.types import ONWARD_CONSENT, ONWARD_REQUEST


@dataclass(frozen=True, slots=True)
class ConsentView:
    """What an originator consented to.

    Attributes:
        id: of its statement.
        marking: under which the package may be passed on.
        until: when the consent ends, if it does.
        at: when it was sealed.
    """

    id: Digest
    marking: Mapping[str, Any]
    until: Instant | None
    at: Instant


@dataclass(frozen=True, slots=True)
class OnwardView:
    """One request of a holder to pass a package on.

    Attributes:
        id: of the request's statement.
        asker: the holder.
        originator: the ministry whose package it is.
        recipient: the ministry that shall get it.
        purpose: what for.
        at: when the request was sealed.
        consent: the originator's answer, or ``None`` while there is none.
    """

    id: Digest
    asker: str
    originator: str
    recipient: str
    purpose: str
    at: Instant
    consent: ConsentView | None


def asked_of(node: Node, caller: Caller, package_id: str) -> list[OnwardView]:
    """Return the requests to pass a package on that are known here, oldest first.

    Raises:
        NotFound: ``package.unknown``: absent, or not to be read by the caller.
    """
    evidence.permit_on(node, caller, Action.PACKAGE_READ, package_id)
    return node.db.read(lambda connection: _requests(connection, package_id))


def request_of(node: Node, caller: Caller, package_id: str, request_id: str) -> OnwardView:
    """Return one request to pass a package on.

    Raises:
        NotFound: ``package.unknown``, ``request.unknown``.
    """
    found = asked_of(node, caller, package_id)
    wanted = next((one for one in found if one.id == request_id), None)
    if wanted is None:
        raise unknown("request")
    return wanted


def _requests(connection: Connection, package_id: str) -> list[OnwardView]:
    said = [
        opened(row)
        for row in statements.about(connection, package_id, ONWARD_REQUEST, ONWARD_CONSENT)
    ]
    given = {str(one.body["request"]): _consent(one) for one in said if one.type == ONWARD_CONSENT}
    return [
        OnwardView(
            id=one.id,
            asker=one.issuer,
            originator=one.to[0],
            recipient=str(one.body["recipient"]),
            purpose=str(one.body["purpose"]),
            at=one.issued_at,
            consent=given.get(one.id),
        )
        for one in said
        if one.type == ONWARD_REQUEST
    ]


def _consent(statement: Statement) -> ConsentView:
    body: Mapping[str, Any] = statement.body
    return ConsentView(statement.id, body["marking"], body.get("until"), statement.issued_at)
