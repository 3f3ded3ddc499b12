"""Samples that auditors save: a few entries of a witnessed log, drawn by a rule or listed.

Owns saving and reading them. A drawn sample can be drawn again from any export that covers its
range, by anyone (``api.domain.sampling``). Must not change or reorder what it samples (NIST SP
800-53 AU-7(1)).
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.events import Act, Subject
from api.domain.sampling import draw
from api.ports.policy import Action
from api.records import audit, log
from api.records.audit import Sample
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.audit import auditing
from api.services.audit.auditing import EventView
from api.services.audit.export.exporting import witnessed_head
from api.services.authorising import Caller, authorise, collection, entry_of, unknown
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.wire.canonical import Json, canonical

MOST: Final = 1000
"""Most entries of one sample."""

_WIDEST: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How entries are drawn.

    Attributes:
        count: how many.
        seed: text of the auditor's own.
        start: first leaf.
        end: leaf after the last; ``None`` for all that is witnessed.
        acts: only entries with these acts; empty for all.
    """

    count: int
    seed: str
    start: int = 0
    end: int | None = None
    acts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewSample:
    """What an auditor saves: a name, and a rule or the entries themselves."""

    name: str
    rule: Rule | None = None
    entries: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """Return all members, by which a repeated call is known."""
        rule = None if self.rule is None else asdict(self.rule) | {"acts": [*self.rule.acts]}
        return {"name": self.name, "rule": rule, "entries": [*self.entries]}


@dataclass(frozen=True, slots=True)
class OpenedSample:
    """A sample with those of its entries that are there."""

    sample: Sample
    events: tuple[EventView, ...]


def save(node: Node, caller: Caller, new: NewSample) -> Sample:
    """Draw a sample from the newest witnessed head and keep it.

    Raises:
        Invalid: ``sample.rule``, ``sample.empty``, ``audit.act``.
        Conflict: ``export.unwitnessed``.
    """
    permit = authorise(node, caller, Action.AUDIT_SAMPLE, collection("audit"))
    once = keyed_call(caller, Act.SAMPLE_SAVED, new.to_json())
    if (known := made_before(node, once)) is not None:
        return _saved(node, known["id"])
    auditing.require_acts(*(new.rule.acts if new.rule is not None else ()))
    sample_id = node.entropy.identifier()
    row = node.db.read(lambda connection: _drawn(node, connection, new))
    row |= {
        "id": sample_id,
        "officer": caller.person,
        "name": new.name,
        "saved_at": node.now(),
    }

    def write(unit: Unit) -> None:
        unit.insert(audit.SAMPLES, row)
        entry = entry_of(caller, permit, Act.SAMPLE_SAVED, Subject("sample", sample_id))
        recording.record(node, unit, entry)

    return _saved(node, write_once(node, once, {"id": sample_id}, write)["id"])


def _saved(node: Node, sample_id: str) -> Sample:
    row = node.db.read(lambda connection: audit.sample_by_id(connection, sample_id))
    if row is None:
        raise unknown("sample")
    return row


def _drawn(node: Node, connection: Connection, new: NewSample) -> dict[str, Any]:
    note, size = witnessed_head(node, connection)
    root = log.head_at(connection, size)
    if root is None:
        raise TypeError(f"no head of a witnessed note of {len(note)} bytes")
    if new.rule is None:
        entries = sorted(set(new.entries))
        rule: dict[str, Json] = {"kind": "listed"}
    else:
        entries = _draw(connection, new.rule, root.root_hash, size)
        end = size if new.rule.end is None else new.rule.end
        rule = {
            "kind": "drawn",
            "count": new.rule.count,
            "seed": new.rule.seed,
            "from": new.rule.start,
            "to": end,
            "acts": [*sorted(new.rule.acts)],
        }
    if not entries or entries[0] < 0 or entries[-1] >= size or len(entries) > MOST:
        raise Invalid("sample.empty", f"Choose 1 to {MOST} entries of the witnessed log.")
    return {
        "rule": canonical(rule).decode(),
        "size": size,
        "root": root.root,
        "entries": json.dumps(entries, separators=(",", ":")),
    }


def _draw(connection: Connection, rule: Rule, root: bytes, size: int) -> list[int]:
    end = size if rule.end is None else rule.end
    if not 0 <= rule.start <= end <= size or end - rule.start > _WIDEST:
        raise Invalid("sample.rule", f"Draw from a range within the entries 0 to {size}.")
    if not 1 <= rule.count <= MOST:
        raise Invalid("sample.rule", f"Draw 1 to {MOST} entries.")
    candidates = (
        audit.leaves_of_acts(connection, rule.start, end, rule.acts)
        if rule.acts
        else range(rule.start, end)
    )
    return draw(root, rule.seed, candidates, rule.count)


def listed(node: Node, caller: Caller) -> list[Sample]:
    """Return all samples, newest first."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    return node.db.read(audit.samples)


def read(node: Node, caller: Caller, sample_id: str) -> OpenedSample:
    """Return a sample with the events it holds.

    Raises:
        NotFound: ``sample.unknown``.
    """
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))

    def load(connection: Connection) -> OpenedSample | None:
        sample = audit.sample_by_id(connection, sample_id)
        if sample is None:
            return None
        rows = audit.event_rows(connection, sample.entries)
        return OpenedSample(sample, tuple(auditing.view(row) for row in rows))

    found = node.db.read(load)
    if found is None:
        raise unknown("sample")
    return found
