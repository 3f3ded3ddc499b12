"""Checking an audit export: is it whole, unaltered, witnessed, and whose is it.

Owns the verdict. Trusts nothing in the file: keys come from the membership that the reader has
pinned, the policy is derived from it again, and the root is computed from the entries. A second
program that shares no code with this one must reach the same verdict (docs/verify).

Format and steps: docs/protocol-export.md.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import IO

from api.domain.audit_export import AT_ONCE, BATCH, ExportRefused, LeafWalk, keys_of, sha256_of
from api.domain.log_trust import (
    log_policy,
    log_verifiers,
    open_by_policy,
    partners,
    witness_verifiers,
)
from api.tlog.errors import LogError
from api.tlog.heads import OpenedCheckpoint
from api.tlog.note import VerifierKey
from api.tlog.policy import parse_policy
from api.wire.envelope import MANIFEST, parse_envelope, verify_seal
from api.wire.errors import WireError
from api.wire.export import layout
from api.wire.export.container import ExportFile
from api.wire.export.layout import FileDigest, Manifest
from api.wire.export.lines import LONGEST_LINE, REVIEW_HEADER, parse_line
from api.wire.export.repacked import repacked
from api.wire.keys import Purpose
from api.wire.membership import Member, Membership, parse_membership


class ExportStep(StrEnum):
    """What is checked of an export, in this order; the first that fails ends the check."""

    MEMBERS = "members"
    MEMBERSHIP = "membership"
    SEAL = "seal"
    POLICY = "policy"
    HEAD = "head"
    ENTRIES = "entries"
    REVIEW = "review"


Passed = Callable[[ExportStep], None]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """An export that verified.

    Attributes:
        manifest: What the ministry sealed.
        origin_proven: Whether keys came from a pinned membership; without one the export is
            whole, but anyone could have made all of it.
        membership: Digest of the membership inside.
        root: Root of the cosigned head (32 bytes).
        threshold: How many partners the policy demands.
        partners: How many partners there are.
        cosigners: Key names whose cosignatures verified.
        witnessed_at: Newest of their times, POSIX seconds; None without any.
        disclosed: Entries with their event.
        gaps: Entries whose event was erased or lost.
        withheld: Entries that the filter leaves out, proven by number.
    """

    manifest: Manifest
    origin_proven: bool
    membership: str
    root: bytes = field(repr=False)
    threshold: int
    partners: int
    cosigners: tuple[str, ...]
    witnessed_at: int | None
    disclosed: int
    gaps: int
    withheld: int


def verify_export(
    source: IO[bytes],
    pinned: Membership | None,
    *,
    quorum: int = 1,
    progress: Callable[[int, int], None] | None = None,
    passed: Passed = lambda _: None,
) -> ExportReport:
    """Check an export in constant memory.

    Args:
        source: Seekable binary file.
        pinned: The membership the reader trusts; None checks integrity only, and the report says
            that the origin is unproven. Whether that is enough is the caller's to say.
        quorum: Least number of partners that must have cosigned; more than there are asks for
            all. Ignored where the ministry has no partner.
        progress: Called now and then with (entries done, entries in all).
        passed: Called after each step that passed.

    Raises:
        ExportRefused: with the code of docs/protocol-export.md and, where one entry is to blame,
            its ``index`` in `details`. A file that was packed anew is refused for what is wrong
            inside, else for its container.
    """
    try:
        ExportFile(source)
    except WireError:
        inside = repacked(source, [*layout.COVERED, layout.MANIFEST])
        if inside is not None:
            _verify(inside, pinned, quorum, progress, lambda _: None)
    return _verify(source, pinned, quorum, progress, passed)


def _verify(
    source: IO[bytes],
    pinned: Membership | None,
    quorum: int,
    progress: Callable[[int, int], None] | None,
    passed: Passed,
) -> ExportReport:
    try:
        return _Check(ExportFile(source), pinned, quorum, progress).run(passed)
    except (WireError, LogError) as problem:
        raise ExportRefused(problem.code, problem.message) from problem


class _Check:
    """One export under judgement."""

    def __init__(
        self,
        file: ExportFile,
        pinned: Membership | None,
        quorum: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._file = file
        self._pinned = pinned
        self._quorum = quorum
        self._progress = progress
        raw = file.read(layout.MANIFEST, layout.SMALL)
        self._envelope = parse_envelope(raw, limit=layout.SMALL)
        self._manifest = layout.parse_manifest(self._envelope.payload)
        self._small = self._read_small()
        self._membership = parse_membership(self._small[layout.MEMBERSHIP])

    def run(self, passed: Passed) -> ExportReport:
        """Every step in order; the cheap ones first."""
        passed(ExportStep.MEMBERS)
        member = self._check_membership()
        passed(ExportStep.MEMBERSHIP)
        trusted = self._pinned or self._membership
        verify_seal(self._envelope, trusted.keys(member.id, Purpose.SEAL), MANIFEST)
        passed(ExportStep.SEAL)
        threshold = self._check_policy(member)
        passed(ExportStep.POLICY)
        policy = parse_policy(self._small[layout.POLICY])
        opened = open_by_policy(member, policy, self._small[layout.CHECKPOINT], strict=True)
        if opened.checkpoint.size != self._manifest.tree_size:
            raise ExportRefused("export.tree-size", "Manifest and head name different sizes.")
        passed(ExportStep.HEAD)
        walk, review = self._check_entries(opened)
        passed(ExportStep.ENTRIES)
        self._check_review(review)
        passed(ExportStep.REVIEW)
        times = [signed.timestamp for signed in opened.cosignatures if signed.timestamp]
        return ExportReport(
            manifest=self._manifest,
            origin_proven=self._pinned is not None,
            membership=self._membership.digest,
            root=opened.checkpoint.root,
            threshold=threshold,
            partners=len(partners(self._membership, member.id)),
            cosigners=tuple(sorted({signed.key.name for signed in opened.cosignatures})),
            witnessed_at=max(times, default=None),
            disclosed=walk.disclosed,
            gaps=walk.gaps,
            withheld=walk.withheld,
        )

    def _read_small(self) -> dict[str, bytes]:
        """Check the set of members and read all but the two long ones."""
        files = self._manifest.files
        if self._file.names != (*(n for n in layout.COVERED if n in files), layout.MANIFEST):
            raise ExportRefused("export.members", "The members are not those of the manifest.")
        small = {}
        for name, wanted in files.items():
            if name not in (layout.ENTRIES, layout.REVIEW):
                small[name] = self._file.read(name, layout.SMALL)
                _compare_digest(wanted, sha256_of((small[name],)))
        return small

    def _check_membership(self) -> Member:
        """Check the membership inside against manifest and pin; returns the exporting member."""
        inside, pinned = self._membership, self._pinned
        if inside.digest != self._manifest.membership:
            raise ExportRefused("export.membership", "The membership is not the manifest's.")
        if pinned is not None and inside.digest not in (pinned.digest, pinned.previous):
            # An exporter could make up an "earlier" membership in which it has no partners.
            raise ExportRefused(
                "export.membership",
                f"The export was made under serial {inside.serial} of the membership, yours is "
                f"serial {pinned.serial}; pin the one that was in force then.",
            )
        member = inside.member(self._manifest.ministry)
        if pinned is not None:
            for other in inside.members:
                _check_listed(other, pinned)
        return member

    def _check_policy(self, member: Member) -> int:
        """Derive the policy again; returns its threshold."""
        text = self._small[layout.POLICY].decode("utf-8", "replace")
        count = len(partners(self._membership, member.id))
        candidates = range(1, count + 1) if count else (0,)
        for threshold in candidates:
            if log_policy(self._membership, member.id, threshold) == text:
                break
        else:
            raise ExportRefused("export.policy", "The policy does not follow from the membership.")
        if threshold < min(self._quorum, count):
            raise ExportRefused("export.quorum", "The policy asks for too few partners.")
        if keys_of(self._membership, member.id) != self._small[layout.KEYS]:
            raise ExportRefused("export.keys", "The keys do not follow from the membership.")
        return threshold

    def _check_entries(self, opened: OpenedCheckpoint) -> tuple[LeafWalk, FileDigest]:
        """Follow the entries to the root; returns the digest of the review copy that they make."""
        manifest, files = self._manifest, self._manifest.files
        proof = layout.parse_range(self._small[layout.RANGE])
        if (proof.start, proof.end, proof.tree_size) != (
            manifest.start,
            manifest.end,
            manifest.tree_size,
        ):
            raise ExportRefused("export.range", "Manifest and range proof differ.")
        walk = LeafWalk(manifest.ministry, proof.start, proof.left)
        review, rows = hashlib.sha256(REVIEW_HEADER), len(REVIEW_HEADER)
        sha = hashlib.sha256()
        lines = map(parse_line, _of_no_entry(_entry_lines(self._file, sha.update)))
        while taken := walk.take(islice(lines, AT_ONCE)):
            review.update(taken)
            rows += len(taken)
            done = walk.next - proof.start
            if self._progress is not None and done % BATCH == 0:
                self._progress(done, proof.end - proof.start)
        _compare_digest(
            files[layout.ENTRIES], FileDigest(sha.hexdigest(), self._file.size(layout.ENTRIES))
        )
        if walk.next != proof.end:
            raise ExportRefused("export.order", "Entries are missing or too many.", index=walk.next)
        if walk.root(proof.tree_size, proof.right) != opened.checkpoint.root:
            raise ExportRefused("export.root", "The entries do not lead to the cosigned head.")
        if walk.withheld != manifest.left_out:
            raise ExportRefused("export.left-out", "Another number of entries is left out.")
        return walk, FileDigest(review.hexdigest(), rows)

    def _check_review(self, followed: FileDigest) -> None:
        wanted = self._manifest.files[layout.REVIEW]
        _compare_digest(wanted, sha256_of(self._file.chunks(layout.REVIEW)))
        if wanted != followed:
            raise ExportRefused(
                "export.review", "The review copy does not follow from the entries."
            )


def _check_listed(member: Member, pinned: Membership) -> None:
    known = pinned.find(member.id)
    if known is None or known.origin != member.origin:
        raise ExportRefused("export.unlisted", "The pinned membership lists another member.")
    if not set(_verifiers(known)).issuperset(_verifiers(member)):
        raise ExportRefused("export.unlisted", "The pinned membership does not list a key used.")


def _verifiers(member: Member) -> list[VerifierKey]:
    return [*log_verifiers(member), *witness_verifiers(member)]


def _compare_digest(wanted: FileDigest, found: FileDigest) -> None:
    if wanted != found:
        raise ExportRefused("export.digest", "A member is not the one that the manifest names.")


def _of_no_entry(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Refuse what is wrong with the member as a whole without naming the entry that is next."""
    try:
        yield from lines
    except WireError as problem:
        raise ExportRefused(problem.code, problem.message) from problem


def _entry_lines(file: ExportFile, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    """Lines of ``entries.jsonl`` without their newlines, read piece by piece."""
    rest = b""
    for chunk in file.chunks(layout.ENTRIES):
        seen(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            raise WireError("export.line", "Keep lines within their limit.")
    if rest:
        raise WireError("export.line", "End every line with a newline.")
