"""Rules about what is in a package file, apart from its container and its proof.

Owns the draft's form, and how exhibits, release and receipts must fit the package. The order in
which they are asked, and the verdict, are `api.domain.verification.package`'s.

Refusal codes: ``draft.malformed``, ``draft.type``, ``exhibit.missing``, ``exhibit.unlisted``,
``exhibit.size``, ``exhibit.digest``, ``release.package``, ``release.recipient``,
``release.originator``, ``release.type``, ``receipt.kind``, ``receipt.statement``,
``endorsement.*``, ``key.*``.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from api.wire import canonical, limits
from api.wire.bodies import validate_body
from api.wire.canonical import Json
from api.wire.digests import PREFIX
from api.wire.encoding import b64u_encode
from api.wire.endorsements import check_parts
from api.wire.envelope import MESSAGE, PREPARED, RECORDED, Endorsement, Envelope, verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.members import MINISTRY, Members
from api.wire.membership import Membership
from api.wire.message_bodies import Receipt
from api.wire.messages import MessageBody, MessageKind, parse_message
from api.wire.package_file import PackageFile, exhibit_name
from api.wire.statements import (
    EVIDENCE_PACKAGE,
    NONCE_BYTES,
    Content,
    Officer,
    Statement,
    prepared_bytes,
)

RELEASE: Final = "release/1"


@dataclass(frozen=True, slots=True)
class Draft:
    """A package before submission: what its preparer signed, and the signature."""

    issuer: str
    nonce: str
    content: Content
    body: dict[str, Json] = field(hash=False)
    prepared: Officer
    endorsement: Endorsement

    @property
    def signed(self) -> bytes:
        """The bytes that the preparer signed."""
        return prepared_bytes(self.content, issuer=self.issuer, nonce=self.nonce)

    def to_bytes(self) -> bytes:
        """Return ``draft.json``: JCS ``{issuer, nonce, type, body, prepared, endorsement}``."""
        return canonical.canonical(
            {
                "issuer": self.issuer,
                "nonce": self.nonce,
                "type": self.content.type,
                "body": self.body,
                "prepared": self.prepared.to_json(),
                "endorsement": self.endorsement.to_json(),
            }
        )


@dataclass(frozen=True, slots=True)
class ReceivedBy:
    """A receipt as read, before its signature is checked."""

    envelope: Envelope
    message: MessageBody
    receipt: Receipt


def parse_draft(data: bytes) -> Draft:
    """Read ``draft.json``.

    Raises:
        WireError: ``json.*``, ``draft.malformed``, ``statement.by``, ``envelope.endorsements``.
    """
    value = canonical.parse_canonical(data, limit=limits.ENVELOPE)
    names = ("issuer", "nonce", "type", "body", "prepared", "endorsement")
    file = Members(value, "draft.malformed", names)
    body = file.raw("body")
    if not isinstance(body, dict):
        raise file.refusal("Give the body as an object.")
    return Draft(
        file.text("issuer", MINISTRY),
        b64u_encode(file.b64u("nonce", NONCE_BYTES)),
        Content(file.text("type"), (), body),
        body,
        Officer.from_json(file.raw("prepared")),
        Endorsement.from_json(file.raw("endorsement")),
    )


def check_draft_body(draft: Draft) -> None:
    """Check that a draft is one of an evidence package.

    Raises:
        WireError: ``draft.type``, ``statement.body``.
    """
    if draft.content.type != EVIDENCE_PACKAGE:
        raise WireError("draft.type", "Only evidence packages travel as draft files.")
    validate_body(EVIDENCE_PACKAGE, draft.body)


def check_draft_signature(draft: Draft) -> None:
    """Check the preparer's own signature; either half of an ECDSA signature will do here.

    Raises:
        WireError: ``endorsement.*``.
    """
    if draft.prepared.form == RECORDED:
        raise WireError("endorsement.form", "A package needs its preparer's own signature.")
    check_parts({PREPARED: draft.prepared}, {PREPARED: draft.signed}, (draft.endorsement,))


def check_exhibits(
    file: PackageFile,
    body: dict[str, Json],
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Check that the file holds exactly the exhibits that the manifest lists.

    Args:
        file: The container.
        body: A body that fits its schema.
        progress: Called with (bytes read, bytes in all).

    Returns:
        How many there are.

    Raises:
        WireError: ``exhibit.*``, ``container.checksum``.
    """
    listed = _sizes_listed(body)
    held = file.exhibits
    if set(held) - set(listed):
        raise WireError("exhibit.unlisted", "Hold no exhibit that the manifest does not list.")
    if set(listed) - set(held):
        raise WireError("exhibit.missing", "Hold every exhibit that the manifest lists.")
    done, total = 0, sum(held.values())
    for name, size in listed.items():
        if held[name] != size:
            raise WireError("exhibit.size", "An exhibit is not of the size the manifest gives.")
        state = hashlib.sha256()
        for piece in file.chunks(exhibit_name(name)):
            state.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, total)
        if PREFIX + state.hexdigest() != name:
            raise WireError("exhibit.digest", "An exhibit is not the file the manifest names.")
    return len(listed)


def _sizes_listed(body: dict[str, Json]) -> dict[str, int]:
    """Return size by digest; the schema has vouched for the types."""
    exhibits = body["exhibits"]
    found: dict[str, int] = {}
    for exhibit in exhibits if isinstance(exhibits, list) else []:
        if isinstance(exhibit, dict) and isinstance(size := exhibit["size"], int):
            found[str(exhibit["digest"])] = size
    return found


def check_release(package: Statement, release: Statement) -> str:
    """Check that a release gives this package away; returns a sentence.

    Raises:
        WireError: ``release.*``.
    """
    if release.type != RELEASE:
        raise WireError("release.type", "Put a release beside the package, nothing else.")
    body = release.body
    if body["package"] != package.id:
        raise WireError("release.package", "The release is for another package.")
    if release.to != (body["recipient"],):
        raise WireError("release.recipient", "Address a release to its recipient alone.")
    onward = release.issuer != package.issuer
    if body.get("originator") != (package.issuer if onward else None):
        raise WireError("release.originator", "Onward release names the originator, other none.")
    if onward:
        return f"Released onward by {release.issuer} to {release.to[0]}; the consent is not here."
    return f"Released by {release.issuer} to {release.to[0]}."


def parse_receipt(raw: bytes) -> ReceivedBy:
    """Read a receipt; checks no signature.

    Raises:
        WireError: ``envelope.*``, ``message.*``, ``receipt.kind``.
    """
    envelope, message = parse_message(raw)
    if message.kind is not MessageKind.RECEIPT:
        raise WireError("receipt.kind", "Put receipts there, no other message.")
    return ReceivedBy(envelope, message, Receipt.from_json(message.body))


def check_receipt(
    received: ReceivedBy, statement_ids: Collection[str], membership: Membership | None
) -> None:
    """Check that a receipt is for one of these statements and signed by who it says.

    Raises:
        WireError: ``receipt.statement``, ``key.*``, ``signature.*``,
            ``membership.unknown-member``.
    """
    if not set(received.receipt.statements) & set(statement_ids):
        raise WireError("receipt.statement", "A receipt is for other statements.")
    if membership is not None:
        records = membership.keys(received.message.from_, Purpose.MESSAGE)
        verify_signed_then(received.envelope, records, MESSAGE)
