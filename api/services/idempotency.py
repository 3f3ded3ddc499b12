"""Idempotency-Key: the same call again gets the same answer, and nothing happens twice.

Owns the comparison of a repeated call with the first one. The answer is stored in the transaction
that did the work, so there is no moment at which one exists without the other.

Every use case that makes something walks the same three steps:

1. It authorises the caller anew, repeated call or not: a key opens nothing to an officer who was
   suspended, lost the role or stands aside since.
2. It asks :func:`made_before` for the ids of what the same call made, and answers by the read that
   a GET takes: what was stored is ids, never content.
3. It writes with :func:`write_once`, where calls that meet find each other.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeAlias

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.events import Act
from api.records import requests
from api.records.unit_of_work import Unit
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.canonical import Json, canonical
from api.wire.digests import digest

Made: TypeAlias = dict[str, str]
"""Ids of what a call made, by name."""


@dataclass(frozen=True, slots=True)
class Once:
    """One keyed call.

    Attributes:
        caller: officer record id.
        key: the header's value.
        request: digest of the act and of all that the caller sent.
    """

    caller: str
    key: str
    request: str

    def found(self, connection: Connection) -> Made | None:
        """Return the ids that the same call made, or ``None`` for a new one.

        Raises:
            Invalid: ``idempotency.reused``: the key was used with another request.
        """
        known = requests.find(connection, self.caller, self.key)
        if known is None:
            return None
        if known.request != self.request:
            raise Invalid(
                "idempotency.reused",
                "This Idempotency-Key was used for another request; take a new one.",
            )
        made: Made = json.loads(known.response)
        return made

    def keep(self, node: Node, unit: Unit, made: Made) -> None:
        """Store the ids in the unit that does the work; call before recording its event."""
        row = requests.KeyedCall(
            caller=self.caller,
            key=self.key,
            request=self.request,
            status=requests.CREATED,
            response=json.dumps(made, ensure_ascii=False, sort_keys=True),
            at=node.now(),
        )
        unit.insert(requests.IDEMPOTENCY_KEYS, asdict(row))


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


def made_before(node: Node, once: Once | None) -> Made | None:
    """Return the ids that the same call made; ask before what may have changed since is checked.

    Raises:
        Invalid: ``idempotency.reused``.
    """
    return node.db.look(once.found) if once is not None else None


def write_once(node: Node, once: Once | None, made: Made, write: Callable[[Unit], None]) -> Made:
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

    def unit_of_work(unit: Unit) -> Made:
        if once is not None:
            # Two calls may meet here. As a rule they do not; where they do, the second one's key is
            # taken, and its next run waits, then finds what the first one made.
            if not unit.presumes():
                unit.lock(f"idempotency {once.caller} {once.key}")
                known = once.found(unit.connection)
                if known is not None:
                    return known
            once.keep(node, unit, made)
        write(unit)
        return made

    return node.db.write(unit_of_work)
