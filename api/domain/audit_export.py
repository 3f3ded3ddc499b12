"""Making an audit export: entries of a log in a container that anyone can check.

Owns the order of the members and the rule that nothing is sealed that would not verify: the
entries must lead to the root of the cosigned head before the ministry's seal is asked for. The
check by a reader is `api.domain.verification.export`. Must not read a store, a clock or a key:
lines, time and the sealing function are passed in.

Format: docs/protocol-export.md.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Final

from api.domain.errors import Invalid
from api.domain.log_trust import (
    log_policy,
    log_verifiers,
    open_by_policy,
    partners,
    witness_verifiers,
)
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.policy import parse_policy
from api.tlog.ranges import RangeRoot
from api.wire.canonical import Json
from api.wire.errors import WireError
from api.wire.export import layout
from api.wire.export.container import CHUNK, ExportWriter
from api.wire.export.layout import FileDigest, Manifest, RangeProof
from api.wire.export.lines import (
    REVIEW_HEADER,
    Disclosed,
    Line,
    check_commitments,
    format_line,
    review_row,
)
from api.wire.membership import Membership

BATCH: Final = 4096
"""Leaf hashes put into the tree at once."""

AT_ONCE: Final = 64
"""Lines taken at once: each may be long, and all of them are held."""


class ExportRefused(Invalid):
    """An export does not verify, or would not.

    `details` has ``index`` where one entry is to blame.
    """


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """Everything that stands in an export besides its entries.

    Attributes:
        membership: The membership in force.
        ministry: Whose log it is.
        threshold: How many partners must have cosigned the head.
        checkpoint: The cosigned head, a signed note.
        start: First leaf index.
        end: Leaf index after the last, at most the head's size.
        left: Hashes left of the range (`api.tlog.ranges.range_proof`).
        right: Hashes right of it.
        made_by: ``{"iss", "sub"}`` of the officer, or ``{"node": ministry}``.
        tool: Name and version of the program.
        purpose: Why, in one line.
        made_at: Instant, by the node's clock.
        guide: Text of ``VERIFY.md``.
        verifier: Text of ``comity_verify.py``.
        filter: What was asked for; None for everything.
        unwitnessed: Leaves the node has beyond the head.
        streams: JCS bytes of ``streams.json``, None to leave it out.
    """

    membership: Membership
    ministry: str
    threshold: int
    checkpoint: bytes = field(repr=False)
    start: int
    end: int
    left: tuple[bytes, ...] = field(repr=False)
    right: tuple[bytes, ...] = field(repr=False)
    made_by: Mapping[str, str] = field(hash=False)
    tool: tuple[str, str]
    purpose: str
    made_at: str
    guide: bytes = field(repr=False)
    verifier: bytes = field(repr=False)
    filter: Mapping[str, Json] | None = field(default=None, hash=False)
    unwitnessed: int = 0
    streams: bytes | None = field(default=None, repr=False)


class LeafWalk:
    """Follows lines in order: checks each, hashes it into the tree, writes its review row.

    Attributes:
        withheld: Lines whose leaf the filter leaves out.
        gaps: Lines without an event.
    """

    def __init__(self, ministry: str, start: int, left: tuple[bytes, ...]) -> None:
        self._ministry = ministry
        self._range = RangeRoot(start, left)
        self._pending: list[bytes] = []
        self.next = self._start = start
        self.withheld = self.gaps = 0

    def take(self, lines: Iterable[Line]) -> bytes:
        """Check the next lines, at most `AT_ONCE`; returns their review rows, b"" for no line.

        Raises:
            ExportRefused: ``export.order``, or a code of `parse_line`, `check_commitments` or
                `review_row`; ``index`` is that of the first line that is refused.
        """
        rows: list[str] = []
        try:
            for line in lines:
                if line.index != self.next:
                    raise ExportRefused(
                        "export.order",
                        "An entry is missing, repeated or out of order.",
                        index=self.next,
                    )
                if isinstance(line, Disclosed):
                    self._pending.append(leaf_hash(check_commitments(line)))
                    self.gaps += line.event is None
                else:
                    self._pending.append(bytes.fromhex(line.leaf))
                    self.withheld += 1
                rows.append(review_row(line, self._ministry))
                self.next += 1
        except WireError as problem:
            raise ExportRefused(problem.code, problem.message, index=self.next) from problem
        if len(self._pending) >= BATCH:
            self._flush()
        return "".join(rows).encode("utf-8", "surrogatepass")

    @property
    def disclosed(self) -> int:
        """How many lines have an event."""
        return self.next - self._start - self.withheld - self.gaps

    def root(self, size: int, right: tuple[bytes, ...]) -> bytes:
        """Root of the tree of `size` leaves that the lines and the right hashes give.

        Raises:
            LogError: ``range.proof`` or ``range.bounds``.
        """
        self._flush()
        return self._range.finish(size, right)

    def _flush(self) -> None:
        self._range.extend(self._pending)
        self._pending.clear()


def write_export(
    target: IO[bytes],
    order: ExportOrder,
    lines: Iterable[Line],
    seal: Callable[[bytes], bytes],
    spool: IO[bytes],
) -> Manifest:
    """Write an export in constant memory.

    Args:
        target: Seekable binary file, opened for writing and empty. Name, sync and rename are the
            caller's: the file is complete only when this function has returned.
        order: What to write besides the entries.
        lines: The entries of [start, end), in order.
        seal: Given the manifest's payload, returns its envelope (typ ``comity-manifest``). Called
            last and only once everything verifies.
        spool: Seekable temporary file for the review copy while the entries are written.

    Returns:
        The manifest that was sealed.

    Raises:
        ExportRefused: the head is not cosigned as the policy wants (``policy.quorum``,
            ``note.…``, ``checkpoint.…``), or the lines do not lead to its root
            (``export.order``, ``export.event``, ``export.root``, …). Nothing is sealed then.
    """
    try:
        return _write_members(target, order, lines, seal, spool)
    except (WireError, LogError) as problem:
        raise ExportRefused(problem.code, problem.message) from problem


def _write_members(
    target: IO[bytes],
    order: ExportOrder,
    lines: Iterable[Line],
    seal: Callable[[bytes], bytes],
    spool: IO[bytes],
) -> Manifest:
    policy = log_policy(order.membership, order.ministry, order.threshold).encode()
    owner = order.membership.member(order.ministry)
    opened = open_by_policy(owner, parse_policy(policy), order.checkpoint, strict=True)
    head = opened.checkpoint
    writer = ExportWriter(target)
    walk = LeafWalk(order.ministry, order.start, order.left)
    writer.add(layout.ENTRIES, _entries(iter(lines), walk, spool))
    if walk.next != order.end or walk.root(head.size, order.right) != head.root:
        raise ExportRefused("export.root", "The entries do not lead to the cosigned head.")
    spool.seek(0)
    writer.add(layout.REVIEW, iter(lambda: spool.read(CHUNK), b""))
    for name, data in _documents(order, policy, head).items():
        writer.add(name, (data,))
    manifest = Manifest(
        ministry=order.ministry,
        made_by=order.made_by,
        tool=order.tool[0],
        tool_version=order.tool[1],
        purpose=order.purpose,
        made_at=order.made_at,
        start=order.start,
        end=order.end,
        filter=order.filter,
        left_out=walk.withheld,
        tree_size=head.size,
        unwitnessed=order.unwitnessed,
        membership=order.membership.digest,
        files={name: FileDigest(*found) for name, found in writer.files.items()},
    )
    writer.add(layout.MANIFEST, (seal(manifest.payload()),))
    writer.finish()
    return manifest


def _entries(lines: Iterator[Line], walk: LeafWalk, spool: IO[bytes]) -> Iterator[bytes]:
    """Bytes of ``entries.jsonl`` in pieces; the review rows go to `spool` meanwhile."""
    spool.write(REVIEW_HEADER)
    for some in iter(lambda: [*islice(lines, AT_ONCE)], []):
        spool.write(walk.take(some))
        yield b"".join(map(format_line, some))


def _documents(order: ExportOrder, policy: bytes, head: Checkpoint) -> dict[str, bytes]:
    proof = RangeProof(order.start, order.end, head.size, order.left, order.right)
    found = {
        layout.CHECKPOINT: order.checkpoint,
        layout.RANGE: proof.to_bytes(),
        layout.POLICY: policy,
        layout.KEYS: keys_of(order.membership, order.ministry),
        layout.MEMBERSHIP: order.membership.raw,
        layout.STREAMS: order.streams,
        layout.GUIDE: order.guide,
        layout.VERIFIER: order.verifier,
    }
    return {name: data for name, data in found.items() if data is not None}


def keys_of(membership: Membership, ministry: str) -> bytes:
    """The one ``keys.json`` that a membership gives for a ministry's log."""
    return layout.keys_document(
        ministry,
        membership.digest,
        [key.format() for key in log_verifiers(membership.member(ministry))],
        {
            member.id: [key.format() for key in witness_verifiers(member)]
            for member in partners(membership, ministry)
        },
    )


def sha256_of(chunks: Iterable[bytes]) -> FileDigest:
    """Digest and size of a stream."""
    sha, size = hashlib.sha256(), 0
    for chunk in chunks:
        sha.update(chunk)
        size += len(chunk)
    return FileDigest(sha.hexdigest(), size)
