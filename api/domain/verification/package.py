"""Verification of a package file: is it whole, whose is it, and what stands behind each name.

Owns the verdict about the files of PROTOCOL §4. Pure but for reading the source it is handed;
trusts nothing in the file except what a step before has shown. Steps, in the order of the output:

1.  **container**: the zip is exactly what its directory says, every byte accounted for, and
    holds the members of a package or a draft and no other.
2.  **decoding**: statement, release and receipts are canonical JSON and well-formed envelopes
    (or the draft its four members).
3.  **statement**: the payload is an evidence package whose body fits its schema; its id is the
    digest of the payload.
4.  **membership**: the pinned membership is well-formed and lists the issuer. Without one, whose
    seal it is cannot be shown: the verdict is at best *intact, origin unproven*, and that fails
    unless integrity alone was asked for.
5.  **seal**: both signatures by the issuer's seal keys. A retired or revoked key needs the index
    that step 10 proves, else ``time-unproven``.
6.  **officers**: every officer's own signature that the statement names.
7.  **exhibits**: exactly those the manifest lists, each of its size and SHA-256.
8.  **release**: where present, it is sealed, endorsed, and gives this package to its recipient;
    by the issuer or onward with the originator named.
9.  **receipts**: where present, each is a partner's signed receipt for this package or release.
10. **proof**: where present, the issuer's log, cosigned by a partner, holds the release or the
    package.

Steps 5 and 8 use the index that step 10 proves, so 10 is worked out before them. A draft has
steps 1, 2, 3, 6 and 7; the account and role it names its preparer by are vouched for by nobody
until a ministry seals it. A failed step does not stop those that do not need it.
"""

from collections.abc import Callable
from typing import IO, Final

from api.domain.verification import content
from api.domain.verification.proof import Logged, ProvenLeaf, check_proof
from api.domain.verification.verdicts import DRAFT, UNPROVEN, VERIFIED, Check, StepRecord, Verdict
from api.wire import limits, package_file
from api.wire.canonical import Json
from api.wire.endorsements import EndorsedPart, check_endorsements
from api.wire.envelope import STATEMENT, Envelope, parse_envelope, verify_seal
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.membership import Membership, parse_membership
from api.wire.package_file import PackageFile
from api.wire.statements import EVIDENCE_PACKAGE, Statement, parse_statement

Progress = Callable[[int, int], None]
"""Called with (bytes of exhibits read, bytes in all)."""

_PROOF_LIMIT: Final = 4 * limits.MIB


def verify_package(
    source: IO[bytes],
    membership: bytes | None,
    *,
    integrity_only: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Judge a sealed package file.

    Args:
        source: Seekable binary file.
        membership: The pinned membership file's bytes, or None.
        integrity_only: Be content with *intact, origin unproven*.
        progress: Reports the reading of exhibits.
    """
    judge = _Judge(source, progress)
    judge.package(membership)
    if membership is None:
        return judge.record.verdict(UNPROVEN, allowed=integrity_only)
    return judge.record.verdict(VERIFIED, allowed=True)


def verify_draft(source: IO[bytes], progress: Progress | None = None) -> Verdict:
    """Judge a package before submission: whole, well-formed and signed by its preparer."""
    judge = _Judge(source, progress)
    judge.draft()
    return judge.record.verdict(DRAFT, allowed=True)


class _Judge:
    """One file under judgement; each step records itself."""

    def __init__(self, source: IO[bytes], progress: Progress | None) -> None:
        self._source = source
        self._progress = progress
        self.record = StepRecord()
        self._membership: Membership | None = None
        self._leaf: ProvenLeaf | None = None

    def package(self, membership: bytes | None) -> None:
        """Take the steps of a sealed package."""
        self._read_membership(membership)
        file = self._open(draft=False)
        if file is None:
            return
        package = self._decode(file, package_file.STATEMENT)
        release = self._decode(file, package_file.RELEASE)
        receipts = self._receipts(file)
        self.record.passed(Check.DECODING, "Canonical JSON and well-formed envelopes.")
        statement = self._statement(package) if package else None
        if package is None or statement is None:
            return
        released = self._released(release) if release else None
        self._proof(file, package, statement, release, released)
        self._seal(package, statement)
        self._officers(statement, package)
        self._exhibits(file, statement.body)
        self._release(statement, release, released)
        self._judge_receipts(receipts, statement, released)

    def draft(self) -> None:
        """Take the steps of a draft."""
        file = self._open(draft=True)
        if file is None:
            return
        for check in (Check.MEMBERSHIP, Check.SEAL, Check.RELEASE, Check.RECEIPTS, Check.PROOF):
            self.record.skipped(check, "A draft has none.")
        with self.record.taking(Check.DECODING):
            draft = content.parse_draft(file.read(package_file.DRAFT, limits.ENVELOPE))
            self.record.passed(Check.DECODING, "Canonical JSON of a draft.")
            with self.record.taking(Check.STATEMENT):
                content.check_draft_body(draft)
                self.record.facts["title"] = draft.body.get("title")
                self.record.passed(Check.STATEMENT, "The body is that of an evidence package.")
            with self.record.taking(Check.OFFICERS):
                content.check_draft_signature(draft)
                self.record.facts["officers"] = [draft.prepared.to_json()]
                self.record.passed(
                    Check.OFFICERS, "Signed by its preparer; no ministry vouches yet."
                )
            if self.record.holds(Check.STATEMENT):
                self._exhibits(file, draft.body)

    def _open(self, *, draft: bool) -> PackageFile | None:
        with self.record.taking(Check.CONTAINER):
            file = PackageFile(self._source)
            if file.is_draft is not draft:
                hint = "This is a sealed package." if draft else "This is a draft: say --draft."
                raise WireError("container.kind", hint)
            self.record.passed(Check.CONTAINER, "Every byte of the container is accounted for.")
            return file
        return None

    def _read_membership(self, raw: bytes | None) -> None:
        if raw is None:
            self.record.skipped(
                Check.MEMBERSHIP, "No membership was given: the origin stays unproven."
            )
            return
        with self.record.taking(Check.MEMBERSHIP):
            self._membership = parse_membership(raw)
            self.record.facts["membership"] = self._membership.digest
            self.record.passed(Check.MEMBERSHIP, "The membership given is well-formed.")

    def _decode(self, file: PackageFile, name: str) -> Envelope | None:
        if name not in file:
            return None
        with self.record.taking(Check.DECODING):
            return parse_envelope(file.read(name, limits.ENVELOPE))
        return None

    def _receipts(self, file: PackageFile) -> list[content.ReceivedBy]:
        found = []
        with self.record.taking(Check.DECODING):
            for name in file.receipts:
                raw = file.read(name, limits.ENVELOPE)
                found.append(content.parse_receipt(raw))
        return found

    def _statement(self, envelope: Envelope) -> Statement | None:
        with self.record.taking(Check.STATEMENT):
            statement = parse_statement(envelope.payload)
            if statement.type != EVIDENCE_PACKAGE:
                raise WireError("package.type", "Put an evidence package into a package file.")
            self.record.facts |= {
                "id": statement.id,
                "issuer": statement.issuer,
                "issued_at": statement.issued_at,
                "title": statement.body.get("title"),
                "envelope": envelope.digest,
            }
            self.record.passed(Check.STATEMENT, f"Evidence package {statement.id}.")
            return statement
        return None

    def _released(self, envelope: Envelope) -> Statement | None:
        with self.record.taking(Check.RELEASE):
            return parse_statement(envelope.payload)
        return None

    def _proof(
        self,
        file: PackageFile,
        package: Envelope,
        statement: Statement,
        release: Envelope | None,
        released: Statement | None,
    ) -> None:
        if package_file.PROOF not in file:
            self.record.skipped(Check.PROOF, "The file carries no proof of inclusion.")
            return
        with self.record.taking(Check.PROOF):
            data = file.read(package_file.PROOF, _PROOF_LIMIT)
            if self._membership is None:
                self.record.skipped(Check.PROOF, "Needs a membership.")
                return
            candidates = [Logged(statement.issuer, package.digest)]
            if release is not None and released is not None:
                candidates.insert(0, Logged(released.issuer, release.digest))
            leaf = check_proof(data, candidates, self._membership)
            self._leaf = leaf
            self.record.facts["proof"] = {
                "log": leaf.issuer,
                "index": leaf.index,
                "size": leaf.size,
                "witnesses": list(leaf.witnesses),
            }
            self.record.passed(
                Check.PROOF,
                f"Leaf {leaf.index} of the log of {leaf.issuer}; "
                f"{len(leaf.witnesses)} partner(s) cosigned its head.",
            )

    def _index(self, issuer: str) -> int | None:
        """Index under which `issuer`'s keys may be judged.

        A release names its package by digest, so the index of a ministry's release also bounds
        the time of the package it released; another ministry's index says nothing.
        """
        return self._leaf.index if self._leaf and self._leaf.issuer == issuer else None

    def _seal(self, envelope: Envelope, statement: Statement) -> None:
        if self._membership is None:
            self.record.skipped(Check.SEAL, "Needs a membership: whose seal it is stays unproven.")
            return
        with self.record.taking(Check.SEAL):
            self._verify_seal(envelope, statement)
            self.record.passed(
                Check.SEAL, f"Sealed by {statement.issuer} with ES384 and ML-DSA-87."
            )

    def _verify_seal(self, envelope: Envelope, statement: Statement) -> None:
        if self._membership is None:
            return
        records = self._membership.keys(statement.issuer, Purpose.SEAL)
        verify_seal(envelope, records, STATEMENT, log_index=self._index(statement.issuer))

    def _officers(self, statement: Statement, envelope: Envelope) -> None:
        with self.record.taking(Check.OFFICERS):
            parts = check_endorsements(statement, envelope)
            self.record.facts["officers"] = [_officer(part) for part in parts]
            own = sum(part.signed for part in parts)
            self.record.passed(
                Check.OFFICERS, f"{own} of {len(parts)} officer(s) signed themselves."
            )

    def _exhibits(self, file: PackageFile, body: dict[str, Json]) -> None:
        with self.record.taking(Check.EXHIBITS):
            count = content.check_exhibits(file, body, self._progress)
            self.record.passed(
                Check.EXHIBITS, f"{count} exhibit(s), each as the manifest lists it."
            )

    def _release(
        self, statement: Statement, envelope: Envelope | None, released: Statement | None
    ) -> None:
        if envelope is None or released is None:
            self.record.skipped(Check.RELEASE, "The file carries no release.")
            return
        with self.record.taking(Check.RELEASE):
            detail = content.check_release(statement, released)
            self._verify_seal(envelope, released)
            parts = check_endorsements(released, envelope)
            self.record.facts["release"] = {
                "id": released.id,
                "issuer": released.issuer,
                "recipient": released.body.get("recipient"),
                "marking": released.body.get("marking"),
                "officers": [_officer(part) for part in parts],
            }
            self.record.passed(Check.RELEASE, detail)

    def _judge_receipts(
        self,
        receipts: list[content.ReceivedBy],
        statement: Statement,
        released: Statement | None,
    ) -> None:
        if not receipts:
            self.record.skipped(Check.RECEIPTS, "The file carries no receipt.")
            return
        with self.record.taking(Check.RECEIPTS):
            ids = {statement.id} | ({released.id} if released else set())
            for received in receipts:
                content.check_receipt(received, ids, self._membership)
            self.record.facts["received_by"] = [received.message.from_ for received in receipts]
            if self._membership is None:
                self.record.skipped(
                    Check.RECEIPTS, "Needs a membership: the signatures stay unproven."
                )
            else:
                self.record.passed(Check.RECEIPTS, f"{len(receipts)} signed receipt(s).")


def _officer(part: EndorsedPart) -> dict[str, Json]:
    """Return an officer with what stands behind the name."""
    return part.officer.to_json() | {"part": part.part, "signed": part.signed}
