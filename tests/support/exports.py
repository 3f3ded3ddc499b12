"""A ministry's log with real keys and partners, and audit exports made from it.

Exports can be taken apart, changed, and put together again with or without a fresh seal: an
outsider changes bytes, a dishonest exporter also holds the ministry's keys.
"""

import importlib.util
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from api.domain.audit_export import ExportOrder, write_export
from api.domain.log_trust import log_verifiers, witness_verifiers
from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.merkle import leaf_hash
from api.tlog.note import SignatureLine, VerifierKey, format_note, signed_message
from api.tlog.proofs import root_at
from api.tlog.ranges import range_proof
from api.wire import canonical
from api.wire.envelope import MANIFEST, seal
from api.wire.export import layout
from api.wire.export.container import ExportFile, ExportWriter
from api.wire.export.guide import GUIDE
from api.wire.export.lines import Disclosed, Line, Withheld, check_commitments
from api.wire.keys import Purpose
from api.wire.leaf import event_commitment, statement_commitment
from api.wire.membership import Membership
from tests.support.signing import CA, UK, US, SealingMinistry, membership
from tests.tlog.trees import MemoryTree

NOW = 1_795_000_000
MADE_AT = "2026-11-23T17:25:39.123Z"
VERIFIER = Path(__file__).parents[2] / "docs" / "verify" / "comity_verify.py"
MEMBERS = membership()


def second_verifier() -> ModuleType:
    """The one-file verifier, loaded from its path as an auditor would run it."""
    spec = importlib.util.spec_from_file_location("comity_verify", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def salt(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()


def event_bytes(ministry: str, index: int, **changes: Any) -> bytes:
    event = {
        "id": f"{index:032x}",
        "time": MADE_AT,
        "ministry": ministry,
        "actor": {"kind": "officer", "iss": "https://id.example", "sub": "a1", "role": "analyst"},
        "act": "draft.created",
        "object": {"kind": "draft", "id": f"d{index}", "version": 1},
        "origin": "rest",
        "outcome": "done",
        "state": "sha256:" + "0" * 64,
        **changes,
    }
    return canonical.canonical(event)


def disclosed(ministry: str, index: int, *, statement: bool = False, **changes: Any) -> Disclosed:
    event = event_bytes(ministry, index, **changes)
    salt_e = salt("e", ministry, index)
    e = event_commitment(salt_e, event).hex()
    if not statement:
        return Disclosed(index, e, salt("s", index).hex(), event, salt_e.hex())
    envelope, salt_s = salt("envelope", index), salt("salt_s", index)
    s = statement_commitment(salt_s, envelope).hex()
    named = salt("statement", index).hex()
    return Disclosed(index, e, s, event, salt_e.hex(), None, envelope.hex(), salt_s.hex(), named)


def note_line(
    ministry: SealingMinistry, key: VerifierKey, text: str, at: int | None
) -> SignatureLine:
    """A signature line by the ministry's key behind a verifier."""
    at = at if key.kind.timestamped else None
    message = signed_message(key.kind, key.name, at, text)
    purposes = (Purpose.LOG, Purpose.LOG_PQ, Purpose.WITNESS, Purpose.WITNESS_PQ)
    for record in (r for purpose in purposes for r in ministry.records_for(purpose)):
        found = [*log_verifiers(_one(ministry, record)), *witness_verifiers(_one(ministry, record))]
        if key in found:
            return key.line(ministry.sign(record.kid, message), at)
    raise AssertionError("no such key")


def _one(ministry: SealingMinistry, record: Any) -> Any:
    return replace(ministry.member(), keys=(record,))


def signed_head(
    ministry: SealingMinistry,
    size: int,
    root: bytes,
    cosigners: Sequence[SealingMinistry] = (UK, CA),
    at: int = NOW,
) -> bytes:
    text = format_checkpoint(Checkpoint(ministry.member().origin, size, root))
    lines = [note_line(ministry, key, text, at) for key in log_verifiers(ministry.member())]
    for partner in cosigners:
        lines += [note_line(partner, key, text, at) for key in witness_verifiers(partner.member())]
    return format_note(text, lines)


class AuditedLog:
    """A log of `size` events; every fifth concerns a statement, one is erased."""

    def __init__(self, ministry: SealingMinistry = US, size: int = 40) -> None:
        self.ministry = ministry
        self.lines: list[Line] = [
            disclosed(ministry.id, index, statement=index % 5 == 2) for index in range(size)
        ]
        erased = self.lines[11]
        assert isinstance(erased, Disclosed)
        self.lines[11] = erased._replace(event=None, salt_e=None, gap="erased")
        self.tree = MemoryTree()
        self.tree.append([self.leaf(index) for index in range(size)])

    def leaf(self, index: int) -> bytes:
        line = self.lines[index]
        assert isinstance(line, Disclosed)
        return leaf_hash(check_commitments(line))

    def head(self, size: int, cosigners: Sequence[SealingMinistry] = (UK, CA)) -> bytes:
        return signed_head(self.ministry, size, root_at(size, self.tree), cosigners)

    def withheld(self, index: int) -> Withheld:
        return Withheld(index, self.leaf(index).hex())


def seal_manifest(ministry: SealingMinistry, payload: bytes) -> bytes:
    return seal(payload, MANIFEST, ministry.records_for(Purpose.SEAL), ministry.sign)


def order_for(log: AuditedLog, start: int, end: int, size: int, **changes: Any) -> ExportOrder:
    left, right = range_proof(start, end, size, log.tree)
    values: dict[str, Any] = {
        "membership": MEMBERS,
        "ministry": log.ministry.id,
        "threshold": 2,
        "checkpoint": log.head(size),
        "start": start,
        "end": end,
        "left": tuple(left),
        "right": tuple(right),
        "made_by": {"iss": "https://id.example", "sub": "auditor-1"},
        "tool": ("comity-exchange", "0.1.0"),
        "purpose": "yearly audit",
        "made_at": MADE_AT,
        "guide": GUIDE,
        "verifier": b"# the verifier\n",
    }
    return ExportOrder(**{**values, **changes})


def make_export(
    log: AuditedLog,
    start: int = 5,
    end: int = 33,
    size: int = 37,
    lines: Sequence[Line] | None = None,
    **changes: Any,
) -> bytes:
    target = io.BytesIO()
    write_export(
        target,
        order_for(log, start, end, size, **changes),
        log.lines[start:end] if lines is None else lines,
        lambda payload: seal_manifest(log.ministry, payload),
        io.BytesIO(),
    )
    return target.getvalue()


Members = dict[str, bytes]


def take_apart(data: bytes) -> Members:
    file = ExportFile(io.BytesIO(data))
    return {name: b"".join(file.chunks(name)) for name in file.names}


def put_together(members: Mapping[str, bytes]) -> bytes:
    """The container of these members, without touching the manifest."""
    target = io.BytesIO()
    writer = ExportWriter(target)
    for name, data in members.items():
        writer.add(name, (data,))
    writer.finish()
    return target.getvalue()


def payload_of(members: Mapping[str, bytes]) -> dict[str, Any]:
    from api.wire.envelope import parse_envelope

    value: dict[str, Any] = json.loads(parse_envelope(members[layout.MANIFEST]).payload)
    return value


def reseal(
    members: Members, ministry: SealingMinistry = US, change: Callable[[dict[str, Any]], None] = id
) -> bytes:
    """The container with a manifest that is true to the members, sealed again."""
    payload = payload_of(members)
    payload["files"] = {
        name: {"sha256": sha256(data).hexdigest(), "size": len(data)}
        for name, data in members.items()
        if name != layout.MANIFEST
    }
    change(payload)
    members = {**members, layout.MANIFEST: seal_manifest(ministry, canonical.canonical(payload))}
    return put_together(members)


@dataclass(frozen=True)
class Verdict:
    """What a verifier said: an empty code means accepted."""

    code: str
    index: int | None = None


def first_verdict(data: bytes, pinned: Membership | None, quorum: int = 1) -> Verdict:
    from api.domain.audit_export import ExportRefused
    from api.domain.verification.export import verify_export

    try:
        verify_export(io.BytesIO(data), pinned, quorum=quorum)
    except ExportRefused as refusal:
        index = refusal.details.get("index")
        return Verdict(refusal.code, index if isinstance(index, int) else None)
    return Verdict("")


def second_verdict(
    module: ModuleType, data: bytes, pinned: Membership | None, quorum: int = 1
) -> Verdict:
    try:
        known = None if pinned is None else module.Membership(pinned.raw)
        module.check_export(io.BytesIO(data), known, quorum)
    except module.VerificationError as refusal:
        return Verdict(refusal.code, refusal.index)
    return Verdict("")
