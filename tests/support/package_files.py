"""Whole package files: sealed, released, receipted and proven, with real signatures."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.domain.log_trust import log_verifiers, witness_verifiers
from api.domain.verification.proof import compose_proof
from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.note import VerifierKey, format_note, signed_message
from api.tlog.proofs import inclusion_proof, root_at
from api.wire.digests import digest, digest_bytes
from api.wire.encoding import b64u_encode, format_instant
from api.wire.envelope import parse_envelope
from api.wire.leaf import LeafOpening, leaf_entry
from api.wire.membership import Membership
from api.wire.message_bodies import Receipt
from api.wire.messages import MessageBody, MessageKind
from api.wire.package_file import (
    PROOF,
    RELEASE,
    STATEMENT,
    PackageWriter,
    exhibit_name,
    receipt_name,
)
from api.wire.statements import Content
from tests.support.bodies import body
from tests.support.signing import ANALYST, CA, NOW, REVIEWER, UK, US, SealingMinistry, membership
from tests.tlog.trees import MemoryTree

FILES = {"order.txt": b"order in the original", "order-en.txt": b"order in translation"}
OPENING = LeafOpening(bytes([7]) * 32, bytes([9]) * 32)
TIME = 1_795_000_000


def package_body(files: Mapping[str, bytes] = FILES) -> dict[str, Any]:
    """A package's body whose exhibits are these files."""
    found = body("evidence-package/1")
    template = found["exhibits"][0]
    found["exhibits"] = [
        template | {"label": name, "size": len(data), "digest": digest(data)}
        for name, data in files.items()
    ]
    found["claims"] = [claim | {"exhibits": list(files)} for claim in found["claims"]]
    return found


def head(
    tree: MemoryTree,
    owner: SealingMinistry,
    witnesses: tuple[SealingMinistry, ...],
    found: Membership,
    extra_lines: tuple[bytes, ...] = (),
) -> bytes:
    """A checkpoint of a tree, signed by its log and cosigned by witnesses."""
    member = found.member(owner.id)
    text = format_checkpoint(Checkpoint(member.origin, tree.size, root_at(tree.size, tree)))
    lines = [_line(owner, key, text) for key in log_verifiers(member) if _owns(owner, key)]
    for witness in witnesses:
        keys = witness_verifiers(found.member(witness.id))
        lines += [_line(witness, key, text) for key in keys if _owns(witness, key)]
    return format_note(text, lines) + b"".join(extra_lines)


def _owned(ministry: SealingMinistry, key: VerifierKey) -> Any:
    public = b64u_encode(key.public)
    return next((r for r in ministry.records if public in r.public.values()), None)


def _owns(ministry: SealingMinistry, key: VerifierKey) -> bool:
    return _owned(ministry, key) is not None


def _line(ministry: SealingMinistry, key: VerifierKey, text: str) -> Any:
    time = TIME if key.kind.timestamped else None
    signature = ministry.sign(
        _owned(ministry, key).kid, signed_message(key.kind, key.name, time, text)
    )
    return key.line(signature, time)


@dataclass
class Story:
    """A package of `us` released to `uk`; change a part, then write the file."""

    us: SealingMinistry = US
    witnesses: tuple[SealingMinistry, ...] = (UK, CA)
    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    membership: Membership = field(default_factory=membership)
    members: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        content = Content("evidence-package/1", (), package_body(self.files))
        self.members[STATEMENT] = self.us.statement(content, ANALYST)
        for data in self.files.values():
            self.members[exhibit_name(digest(data))] = data

    @property
    def package_id(self) -> str:
        return digest(parse_envelope(self.members[STATEMENT]).payload)

    def release(self, issuer: SealingMinistry | None = None, **changes: Any) -> "Story":
        """Add a release."""
        made = body("release/1", package=self.package_id, recipient="uk-fcdo") | changes
        content = Content("release/1", (made["recipient"],), made)
        self.members[RELEASE] = (issuer or self.us).statement(content, ANALYST, REVIEWER)
        return self

    def receipt(self, number: int = 1, by: SealingMinistry = UK, **changes: Any) -> "Story":
        """Add a receipt for the release, or for the package where there is none."""
        about = self.members.get(RELEASE, self.members[STATEMENT])
        made = Receipt(
            message="m-1",
            seq=number,
            epoch=1,
            digest=digest(b"message"),
            statements=(digest(parse_envelope(about).payload),),
            stored_at=format_instant(NOW),
            cosignature=None,
        ).to_json()
        message = MessageBody(
            from_=by.id,
            to=self.us.id,
            id=f"r-{number}",
            kind=changes.pop("kind", MessageKind.RECEIPT),
            epoch=1,
            seq=None,
            prev=None,
            body=made | changes,
            substantive_size=0,
        )
        self.members[receipt_name(number)] = by.seal_message(message)
        return self

    def proof(
        self,
        about: str = STATEMENT,
        *,
        owner: SealingMinistry | None = None,
        index: int = 3,
        extra_lines: tuple[bytes, ...] = (),
    ) -> "Story":
        """Add a proof that the log holds one of the envelopes at `index`."""
        owner = owner or self.us
        entries = [leaf_entry(bytes([n]) * 32, bytes([n + 1]) * 32) for n in range(7)]
        entries[index] = OPENING.entry(digest_bytes(digest(self.members[about])))
        tree = MemoryTree(entries)
        witnesses = tuple(witness for witness in self.witnesses if witness is not owner)
        note = head(tree, owner, witnesses, self.membership, extra_lines)
        self.members[PROOF] = compose_proof(
            index, inclusion_proof(index, tree.size, tree), note, OPENING
        )
        return self

    def write(self) -> bytes:
        """The file."""
        return written(self.members)


def full() -> Story:
    """A story with every member a package file may have."""
    return Story().release().receipt(1, UK).receipt(2, CA).proof(RELEASE)


def written(members: Mapping[str, bytes]) -> bytes:
    """A package file of these members."""
    target = io.BytesIO()
    with PackageWriter(target) as writer:
        for name, content in members.items():
            writer.add(name, [content])
    return target.getvalue()
