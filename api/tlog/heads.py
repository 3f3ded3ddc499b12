"""Tree heads as a verifier trusts them: a checkpoint opened with the log's and witnesses' keys.

Owns the rule of which signatures make a head acceptable. Must not decide about quorums:
`policy` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from api.tlog.checkpoint import Checkpoint, parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.note import KeyKind, OpenedNote, VerifiedSignature, VerifierKey, open_note, parse_note


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint that its log signed.

    Attributes:
        checkpoint: The tree head.
        note: The note it came in, with lines of unknown keys (none in strict mode).
        log_signatures: Verified lines of the log itself, at least one.
        cosignatures: Verified lines of the given witnesses.
        complete: Whether the log signed with each kind of key that it has.
    """

    checkpoint: Checkpoint
    note: OpenedNote
    log_signatures: tuple[VerifiedSignature, ...]
    cosignatures: tuple[VerifiedSignature, ...]
    complete: bool


def open_checkpoint(
    data: bytes,
    log_keys: Sequence[VerifierKey],
    cosigners: Sequence[VerifierKey] = (),
    *,
    strict: bool = False,
) -> OpenedCheckpoint:
    """Parse a checkpoint and check every signature by a known key.

    Args:
        data: The note.
        log_keys: Keys of the log or logs that are acceptable; a key's name is its log's origin.
        cosigners: Keys of witnesses whose cosignatures are of interest.
        strict: As packages and exports need it: unknown or repeated lines and extension lines
            are refused, and the log must have signed with each kind of key that it has.

    Raises:
        LogError: ``checkpoint.unknown-origin``, ``checkpoint.log-signature``,
            ``checkpoint.extension`` or a code of `open_note` and `parse_checkpoint`.
    """
    head = parse_checkpoint(parse_note(data).text)
    own = [key for key in log_keys if key.name == head.origin]
    if not own:
        raise LogError("checkpoint.unknown-origin", "no key is known for the log of this head")
    note = open_note(data, [*own, *cosigners], strict=strict)
    by_log = tuple(signed for signed in note.verified if signed.key in own)
    signed_kinds = {signed.key.kind for signed in by_log}
    wanted: set[KeyKind] = {key.kind for key in own}
    complete = signed_kinds == wanted
    if not by_log or (strict and not complete):
        raise LogError("checkpoint.log-signature", "the log's own signature is missing")
    if strict and head.extensions:
        raise LogError("checkpoint.extension", "extension lines are not covered by every signature")
    others = tuple(signed for signed in note.verified if signed.key not in own)
    return OpenedCheckpoint(head, note, by_log, others, complete)
