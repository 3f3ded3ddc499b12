"""Idempotency-Key: the same call again gets the same answer, and nothing happens twice.

Owns the comparison of a repeated call with the first one. The answer is stored in the transaction
that did the work, so there is no moment at which one exists without the other.
"""

import json
from dataclasses import dataclass
from typing import Any

from api.domain.errors import Invalid
from api.records import requests
from api.records.unit_of_work import Unit
from api.services.node import Node


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
        row = node.db.read(lambda connection: requests.find(connection, self.caller, self.key))
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
