"""Idempotency-Key: the same call again gets the same answer, and nothing happens twice.

Owns the comparison of a repeated call with the first one. The answer is stored in the transaction
that did the work, so there is no moment at which one exists without the other.

A use case that makes something asks :func:`keyed_call` once it knows that the caller may, answers
with :func:`made_before` what the same call made, and writes with :func:`write_once`. Drafts and
packages, whose units do more, hold their :class:`Once` themselves.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.events import Act
from api.records import requests
from api.records.unit_of_work import Unit
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.canonical import Json, canonical
from api.wire.digests import digest


@dataclass(frozen=True, slots=True)
class Once:
    """One keyed call.

    Attributes:
        caller: officer record id.
        key: the header's value.
        request: digest of method, path and body.
    """

    caller: str
    key: str
    request: str

    def before(self, node: Node) -> tuple[int, dict[str, Any]] | None:
        """Return the stored ``(status, body)`` of the same call, or ``None`` for a new one.

        Raises:
            Invalid: ``idempotency.reused``: the key was used with another request.
        """
        return node.db.read(self.found)

    def found(self, connection: Connection) -> tuple[int, dict[str, Any]] | None:
        """As :meth:`before`, in a transaction that is under way."""
        row = requests.find(connection, self.caller, self.key)
        if row is None:
            return None
        if row["request"] != self.request:
            raise Invalid(
                "idempotency.reused",
                "This Idempotency-Key was used for another request; take a new one.",
            )
        return int(row["status"]), json.loads(row["response"])

    def keep(self, node: Node, unit: Unit, status: int, response: dict[str, Any]) -> None:
        """Store the answer in the unit that does the work; call before recording its event."""
        unit.insert(
            requests.IDEMPOTENCY_KEYS,
            {
                "caller": self.caller,
                "key": self.key,
                "request": self.request,
                "status": status,
                "response": json.dumps(response, ensure_ascii=False, sort_keys=True),
                "at": node.now(),
            },
        )


def keyed_call(caller: Caller, act: Act, content: Json) -> Once | None:
    """Return the idempotency of a creating call, or ``None`` if it carries no key.

    Args:
        caller: who calls.
        act: what the call does, so that one key never answers two kinds of call.
        content: all that the caller sent, as JSON.
    """
    if not caller.idempotency_key:
        return None
    request = digest(canonical({"act": str(act), "content": content}))
    return Once(caller.person, caller.idempotency_key, request)


def made_before(node: Node, once: Once | None) -> dict[str, Any] | None:
    """Return what the same call made earlier, before anything is checked that has changed since.

    Raises:
        Invalid: ``idempotency.reused``.
    """
    known = once.before(node) if once is not None else None
    return known[1] if known is not None else None


def write_once(
    node: Node, once: Once | None, made: dict[str, Any], write: Callable[[Unit], None]
) -> dict[str, Any]:
    """Run a unit that makes something, unless a call with the same key has made it meanwhile.

    Args:
        node: this node.
        once: of the call.
        made: ids of what the unit makes, by which the answer is read.
        write: the unit, with its event.

    Returns:
        ``made``, or what the other call stored. Key and work commit together: after a crash there
        are both, and the repetition finds them, or neither, and it does the work.
    """

    def unit_of_work(unit: Unit) -> dict[str, Any]:
        if once is not None:
            # Two calls may meet here: the second waits, then finds what the first one made.
            unit.lock(f"idempotency {once.caller} {once.key}")
            known = once.found(unit.connection)
            if known is not None:
                return known[1]
            once.keep(node, unit, 201, made)
        write(unit)
        return made

    return node.db.write(unit_of_work)
