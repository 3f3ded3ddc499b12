"""A member with true keys that sends mutated messages, and what must hold after each.

Three levels: the *request* is changed after it was signed; the *message* is changed and signed
again; a *statement* is changed, sealed and endorsed again and put into the member's log. After each:
the door has answered with a refusal or a receipt and never failed, nothing met a defect, and what was
refused has changed nothing but its own traffic.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from api.records.node_state import REFUSED_HEAD
from api.records.schema import METADATA
from api.services.node import Node
from api.wire.canonical import canonical
from api.wire.digests import digest
from api.wire.encoding import b64u_encode
from api.wire.envelope import MESSAGE, parse_envelope, seal
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.message_bodies import Item
from api.wire.messages import Evidence, MessageKind, compose_message, compose_request
from api.wire.types import STATEMENT_TYPES, THREAD_TYPES
from tests.fuzz.mutating import mutated
from tests.support.bad_peer import SECOND, WRITER, BadPeer
from tests.support.bodies import body
from tests.support.federation import Federation
from tests.support.signing import UK, SealingMinistry

NODE = "us-treasury"
_LEAST_FAILURE = 500
_TRAFFIC = {
    "attempts",
    "cosignatures",
    "inbox",
    "messages_in",
    "messages_out",
    "outbox",
    "peer_logs",
    "peer_tiles",
    "statements",
    "streams_in",
    "streams_out",
    "threads",
    "thread_disputes",
}
_FOLLOWS = {
    "events",
    "log_bundles",
    "log_tiles",
    "log_heads",
}
_ASKED = {
    MessageKind.FETCH: {"epoch": 1, "first": 1, "last": 2},
    MessageKind.EXHIBIT_RANGE: {
        "package": "sha256:" + "1" * 64,
        "digest": "sha256:" + "2" * 64,
        "offset": 0,
        "length": 10,
    },
    MessageKind.CHECKPOINT: {},
}


class Finding(AssertionError):  # noqa: N818 - what a run ends with
    """What a mutated message did and must not do."""


@dataclass
class Attack:
    """One world and the bad member in it; a new world whenever its stream is spent.

    Attributes:
        folder: where worlds are made.
        seed: of everything that is drawn.
        outcomes: how often each level ended how.
    """

    folder: Path
    seed: int
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._worlds = 0
        self._begin()

    def _begin(self) -> None:
        self._worlds += 1
        self._federation = Federation(self.folder / str(self._worlds), seed=self.seed)
        self._bad = BadPeer(UK, NODE)
        self._numbers = 1000

    def close(self) -> None:
        """End the world."""
        self._federation.close()

    def one(self) -> None:
        """Send one mutated message and look what came of it.

        Raises:
            Finding: it did what it must not do.
        """
        level = self._rng.choice(("request", "message", "statement", "statement", "asked"))
        if level == "request":
            self._request()
        elif level == "message":
            self._message()
        elif level == "asked":
            self._asked()
        else:
            self._statement()

    # ---- levels -------------------------------------------------------------------------------

    def _request(self) -> None:
        raw, request = self._valid()
        changed, where = mutated(self._rng, json.loads(request))
        self._send("request", _bytes_of(changed), raw, where)

    def _message(self) -> None:
        raw, _ = self._valid()
        payload, where = mutated(self._rng, json.loads(parse_envelope(raw).payload))
        forged = _sealed(UK, _bytes_of(payload))
        self._send("message", compose_request(forged, self._evidence), forged, where)

    def _asked(self) -> None:
        kind = self._rng.choice(list(_ASKED))
        made = self._bad.body(kind=kind, seq=None, prev=None, body=_ASKED[kind])
        payload, where = mutated(self._rng, json.loads(compose_message(made)))
        evidence = Evidence(self._bad.head() if self._bad.hashes else "-")
        forged = _sealed(UK, _bytes_of(payload))
        self._send("asked", compose_request(forged, evidence), None, where)

    def _statement(self) -> None:
        payload, where = mutated(self._rng, self._payload())
        item = self._bad.commit(self._endorsed(payload))
        raw = self._bad.message([item])
        request = compose_request(raw, self._bad.evidence([item]))
        self._send("statement", request, raw, where, id_=_id_of(item))

    # ---- what is sent -------------------------------------------------------------------------

    def _valid(self) -> tuple[bytes, bytes]:
        item = self._bad.commit(self._endorsed(self._payload()))
        raw = self._bad.message([item])
        self._evidence = self._bad.evidence([item])
        return raw, compose_request(raw, self._evidence)

    def _payload(self) -> dict[str, Any]:
        type_ = self._rng.choice(sorted(STATEMENT_TYPES))
        self._numbers += 1
        payload: dict[str, Any] = {
            "comity": "1",
            "type": type_,
            "issuer": UK.id,
            "issued_at": self._bad.asked_at,
            "nonce": b64u_encode(self._numbers.to_bytes(16)),
            "to": [NODE],
            "body": body(type_),
            "by": {
                "prepared": WRITER.officer.to_json(),
                "approved": SECOND.officer.to_json(),
            },
        }
        if type_ in THREAD_TYPES:
            payload["seq"] = 1
        return payload

    def _endorsed(self, payload: Any) -> bytes:
        raw = _bytes_of(payload)
        members = payload if isinstance(payload, dict) else {}
        names = ("comity", "issuer", "type", "to", "thread", "nonce", "body")
        signed = _bytes_of({name: members[name] for name in names if name in members})
        return UK.seal(raw, (WRITER.endorse("prepared", signed), SECOND.endorse("approved", raw)))

    # ---- what must hold -----------------------------------------------------------------------

    def _send(
        self, level: str, request: bytes, raw: bytes | None, where: list[Any], id_: str = ""
    ) -> None:
        node = self._federation[NODE]
        before = rows_of(node)
        try:
            reply = self._federation.receive(NODE, request)
            code = "taken" if reply.status == 200 else str(json.loads(reply.body)["code"])
            self._look(level, reply.status, code, before)
            if reply.status == 200 and raw is not None:
                code = self._decided(raw, before, id_)
        except Finding as found:
            raise Finding(f"seed {self.seed}: {level} changed at {where}: {found}") from found
        except Exception as error:
            text = f"seed {self.seed}: {level} changed at {where}: {type(error).__name__}: {error}"
            raise Finding(text) from error
        self.outcomes[level, code] += 1

    def _look(self, level: str, status: int, code: str, before: dict[str, list[Any]]) -> None:
        if status >= _LEAST_FAILURE and code not in {"stream.buffer-full", "node.stopped"}:
            raise Finding(f"answered {status} {code}")
        if status == 200 or code == "equivocation":
            return
        if rows_of(self._federation[NODE]) != before:
            raise Finding(f"refused with {code} at {level} level, and something changed")

    def _decided(self, raw: bytes, before: dict[str, list[Any]], id_: str) -> str:
        node = self._federation[NODE]
        self._federation.step(NODE)
        after = rows_of(node)
        waiting = [row["error"] for row in after["parked_statements"] if row["error"]]
        if waiting:
            raise Finding(f"a defect was met: {waiting}")
        told = [row for row in after["inbox"] if row["statement"] == id_]
        stream = next(row for row in after["streams_in"] if row["peer"] == UK.id)
        place = json.loads(parse_envelope(raw, limit=1 << 24).payload)
        if (place.get("epoch"), place.get("seq")) != (1, self._bad.seq + 1) or (
            stream["state"] != "open" or stream["prev"] != digest(raw)
        ):
            # Its stream is elsewhere now: begin anew.
            self.close()
            self._begin()
            return "other number"
        self._bad.sent(raw)
        if told and told[0]["state"] == "refused":
            self._nothing_else(before, after, id_)
        return str(told[0]["code"] or told[0]["state"]) if told else "taken"

    def _nothing_else(
        self, before: dict[str, list[Any]], after: dict[str, list[Any]], id_: str
    ) -> None:
        for name, rows in after.items():
            left = [row for row in rows if id_ not in repr(row)]
            if name not in _TRAFFIC and left != before[name]:
                raise Finding(f"a refused statement changed {name}")


def rows_of(node: Node) -> dict[str, list[dict[str, Any]]]:
    """Every row but what follows from events, and what nothing follows from (volatile tables).

    Nor heads that were refused and wait for a judgement: a true head with a false proof is one.
    """

    def read(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        found = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in METADATA.sorted_tables
            if table.name not in _FOLLOWS and table.info.get("protection") != "volatile"
        }
        kept = [row for row in found["misbehaviour"] if row["kind"] != REFUSED_HEAD]
        return {**found, "misbehaviour": kept}

    return node.db.read(read)


def _bytes_of(value: Any) -> bytes:
    try:
        return canonical(value)
    except WireError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _sealed(ministry: SealingMinistry, payload: bytes) -> bytes:
    return seal(payload, MESSAGE, ministry.records_for(Purpose.MESSAGE), ministry.sign)


def _id_of(item: Item) -> str:
    return digest(parse_envelope(item.envelope).payload)
