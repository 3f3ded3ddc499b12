"""C2SP ``add-checkpoint``, both ends: cosigning what a log submits, and submitting to a witness.

Owns the submission's form and its judgement. The conditions of tlog-witness (current main) map to
these refusals, which the door turns into status codes:

=============================================================== ===================== ======
condition                                                       code                  status
=============================================================== ===================== ======
malformed, or old size greater than the checkpoint's            submission.malformed  400
unknown origin (this node's own log among them)                 submission.origin     404
not signed by every log key, or a proof against the log stands  submission.signature, 403
                                                                log.accused
old size is not the size last cosigned                          log.size              409
size 0 with a root, proof false, same size with another root    log.inconsistent      422
leaf hashes up to the head cannot be had, node restored         log.leaves-missing,   503
                                                                node.restoring
=============================================================== ===================== ======

The last row is ours: PROTOCOL §6 wants the leaf hashes stored before a head is cosigned, and a bare
submission brings none. This door calls nobody (PROTOCOL §9): a head that continues what was seen is
put down, the watch job reads its leaf hashes at the submitting member's own log door and cosigns it
(:func:`cosign_submitted`), and the submission is welcome again after a little while.

As a client both the tagged and the current status codes are understood: a 409 *without* a size is
what older witnesses say where newer ones say 422, a contradiction and never a hint to retry.
"""

import base64
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from api.domain.log_trust import log_verifiers, open_head_of, witness_verifiers
from api.domain.quotas import Allowance
from api.ports.peers import PeerReply
from api.ports.policy import Action
from api.records import log, peer_logs
from api.records.peer_logs import PeerLog, Submitted
from api.records.unit_of_work import Unit
from api.services.authorising import authorise, collection, peer_caller
from api.services.log import checkpoints, misbehaviour, witnessing
from api.services.log.log_client import RemoteTiles
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint, decode_base64, decode_decimal, parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE
from api.tlog.note import KeyKind, VerifierKey, open_note, parse_note
from api.tlog.proofs import verify_consistency
from api.wire.membership import Member
from api.wire.messages import Evidence

PATH = "/log/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
LIMIT = 64 * 1024

_MALFORMED = "submission.malformed"
_MOST_HASHES = 63
_MOST_LEAVES = 1 << 20


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed request body: the old size, the consistency path from it, and the note."""

    old: int
    path: tuple[bytes, ...]
    note: bytes


def format_submission(submission: Submission) -> bytes:
    """Return the request body of ``add-checkpoint``."""
    lines = [f"old {submission.old}", *(base64.b64encode(h).decode() for h in submission.path)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + submission.note


def parse_submission(body: bytes) -> Submission:
    """Read a request body; checks no signature.

    Raises:
        Invalid: ``submission.malformed``.
    """
    head, separator, note = body.partition(b"\n\n")
    try:
        first, *rest = head.decode("ascii").split("\n")
        old = decode_decimal(first.removeprefix("old "), _MALFORMED)
        path = tuple(decode_base64(line, _MALFORMED) for line in rest)
        parse_note(note)
    except (UnicodeDecodeError, LogError):
        raise _malformed_submission() from None
    if not separator or not first.startswith("old ") or len(path) > _MOST_HASHES:
        raise _malformed_submission()
    if any(len(item) != HASH_SIZE for item in path):
        raise _malformed_submission()
    return Submission(old, path, note)


def _malformed_submission() -> Invalid:
    return Invalid(_MALFORMED, "Send 'old <size>', hash lines, an empty line and a checkpoint.")


def accept(node: Node, body: bytes, *, request: str = "") -> bytes:
    """Take a submission and return this witness's cosignature lines.

    Raises:
        Invalid, NotFound, Refused, Conflict, Unavailable: see the table above.
    """
    submission = parse_submission(body)
    member = _member(node, submission.note)
    authorise(
        node,
        peer_caller(node, member.id, request=request),
        Action.LOG_COSIGN,
        collection("log"),
    )
    head = _signed_head(node, member, submission)
    node.charge(member.id, Allowance.SUBMISSIONS)
    if submission.old > head.size:
        raise _malformed_submission()
    seen = node.db.read(
        lambda connection: _check_sizes(connection, member.id, submission, head.size)
    )
    if submission.old < head.size:
        _check_path(seen, submission, head)
        note = witnessing.bare(node, member.id, submission.note)
        _put_down(node, Submitted(member.id, head.size, note, node.now()))
        raise _leaves_missing()
    evidence = Evidence(submission.note.decode())
    return "".join(f"{line}\n" for line in _cosign(node, member.id, evidence)).encode()


def _cosign(node: Node, peer: str, evidence: Evidence) -> list[str]:
    """Examine a head with its leaves, cosign it, store it; returns the cosignature lines."""
    try:
        examined = node.db.read(
            lambda connection: witnessing.examine(node, connection, peer, evidence)
        )
    except Invalid as error:
        if error.code == witnessing.INCONSISTENT:
            misbehaviour.refused(node, peer, evidence.checkpoint.encode())
        raise
    cosigned = witnessing.cosign(node, examined, examined.substantive)
    node.db.write(lambda unit: witnessing.persist(unit, examined, cosigned))
    return cosigned.lines


def _check_path(seen: PeerLog | None, submission: Submission, head: Checkpoint) -> None:
    """Check the consistency proof of a head whose leaves are not here yet.

    A good head with a bad proof is no misbehaviour of its log, whoever handed it in.
    """
    if seen is None:
        return
    path = list(submission.path)
    try:
        verify_consistency(seen.size, head.size, seen.root_hash, head.root, path)
    except LogError as error:
        raise Invalid(witnessing.INCONSISTENT, f"The log does not continue: {error}.") from error


def _put_down(node: Node, wanted: Submitted) -> None:
    """Keep a head until its leaf hashes are here; of one log only the largest."""
    known = node.db.read(lambda connection: peer_logs.submitted(connection, wanted.peer))
    if known is not None and known.size >= wanted.size:
        return

    def write(unit: Unit) -> None:
        log.upsert(unit.connection, peer_logs.SUBMITTED, [asdict(wanted)])
        unit.ring("submitted")

    node.db.write(write)


def cosign_submitted(node: Node, peer: str) -> bool:
    """Read the leaf hashes of a head that a log submitted, then cosign it; for the watch job.

    Returns:
        Whether there was one.

    Raises:
        Unavailable, NotFound: the log's own door does not answer; it is tried again.
        Invalid: ``log.inconsistent``: its leaves make another root; the head is judged and dropped.
    """
    wanted = node.db.read(lambda connection: peer_logs.submitted(connection, peer))
    if wanted is None:
        return False
    seen = node.db.read(lambda connection: peer_logs.peer_log(connection, peer))
    old = seen.size if seen is not None else 0
    try:
        if old < wanted.size <= old + _MOST_LEAVES:
            leaves = b"".join(RemoteTiles(node, peer, peer).leaf_hashes(old, wanted.size))
            evidence = node.db.read(
                lambda connection: witnessing.evidence_of(
                    connection, peer, wanted.note, wanted.size, leaves
                )
            )
            _cosign(node, peer, evidence)
    except (Invalid, Refused, LogError):
        _take_up(node, wanted)
        raise
    _take_up(node, wanted)
    return True


def _take_up(node: Node, wanted: Submitted) -> None:
    key = {"peer": wanted.peer, "size": wanted.size}
    node.db.write(lambda unit: unit.delete(peer_logs.SUBMITTED, key))


def _member(node: Node, note: bytes) -> Member:
    """Return the other member whose log this is."""
    origin = parse_note(note).text.partition("\n")[0]
    for member in node.membership.members:
        if member.origin == origin and member.id != node.ministry:
            return member
    raise NotFound("submission.origin", "This witness does not cosign that log.")


def _signed_head(node: Node, member: Member, submission: Submission) -> Checkpoint:
    try:
        return witnessing.open_head(node, member.id, submission.note)
    except Invalid:
        pass
    # Tell the empty tree with a root, which no parser accepts, from a missing signature.
    try:
        parse_checkpoint(parse_note(submission.note).text)
    except LogError as error:
        ed25519 = [key for key in log_verifiers(member) if key.kind is KeyKind.ED25519]
        if error.code == "checkpoint.empty-root" and _opens(submission.note, ed25519):
            raise Invalid(
                witnessing.INCONSISTENT, "An empty tree has the hash of nothing."
            ) from None
        if error.code != "checkpoint.empty-root":
            raise _malformed_submission() from None
    raise Invalid("submission.signature", "The log has not signed this checkpoint with all keys.")


def _opens(note: bytes, keys: list[VerifierKey]) -> bool:
    try:
        open_note(note, keys)
    except LogError:
        return False
    return True


def _check_sizes(
    connection: Connection, peer: str, submission: Submission, size: int
) -> PeerLog | None:
    """Check that the submission starts where this witness stands; returns what it has seen."""
    witnessing.require_trust(connection, peer)
    seen = peer_logs.peer_log(connection, peer)
    old = seen.size if seen is not None else 0
    if submission.old != old:
        raise Conflict("log.size", "Submit from the size last cosigned.", size=old)
    if submission.old in {0, size} and submission.path:
        raise Invalid(witnessing.INCONSISTENT, "There is nothing to prove from this size.")
    return seen


def _leaves_missing() -> Unavailable:
    return Unavailable(
        "log.leaves-missing",
        "The leaf hashes up to this head are being read at the log's own door; try again.",
    )


class CosigningOutcome(StrEnum):
    """What a witness did with a submission."""

    COSIGNED = "cosigned"
    OTHER_SIZE = "other-size"
    CONTRADICTION = "contradiction"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Answered:
    """A witness's answer: cosignature lines without line feeds, or the size to start from."""

    outcome: CosigningOutcome
    lines: tuple[str, ...] = ()
    size: int = 0


def submit(node: Node, witness: str, old: int, head: checkpoints.Head) -> Answered:
    """Submit a head of this node's log to a member's witness, following one hint at the size.

    Args:
        node: this node.
        witness: the member that is to cosign.
        old: size that it cosigned last, as far as is known here.
        head: the head.

    Returns:
        The last answer; the lines are not verified yet.

    Raises:
        Unavailable: ``peer.unreachable``.
    """
    answered = _submit_once(node, witness, old, head)
    if answered.outcome is CosigningOutcome.OTHER_SIZE and answered.size <= head.size:
        return _submit_once(node, witness, answered.size, head)
    return answered


def _submit_once(node: Node, witness: str, old: int, head: checkpoints.Head) -> Answered:
    path = node.db.read(
        lambda connection: checkpoints.prove_consistency(connection, old, head.size)
    )
    body = format_submission(Submission(old, tuple(path), head.note))
    reply = node.transport.post(witness, PATH, body, content_type="text/plain; charset=utf-8")
    return read_answer(reply)


def read_answer(reply: PeerReply) -> Answered:
    """Read a witness's answer by the tagged (v1.0.0) and the current status codes."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip()
    if reply.status == 200:  # noqa: PLR2004
        lines = tuple(line for line in reply.body.decode("utf-8", "replace").split("\n") if line)
        return Answered(CosigningOutcome.COSIGNED, lines)
    if reply.status == 409 and kind == SIZE_TYPE:  # noqa: PLR2004
        try:
            text = reply.body.decode("ascii").removesuffix("\n")
            return Answered(CosigningOutcome.OTHER_SIZE, size=decode_decimal(text, _MALFORMED))
        except (UnicodeDecodeError, LogError):
            return Answered(CosigningOutcome.REFUSED)
    if reply.status in {409, 422}:
        return Answered(CosigningOutcome.CONTRADICTION)
    if reply.status in {400, 401, 403, 404, 405, 413}:
        return Answered(CosigningOutcome.REFUSED)
    return Answered(CosigningOutcome.LATER)


def check_lines(node: Node, witness: str, lines: tuple[str, ...], note: bytes) -> bool:
    """Tell whether lines are this witness's cosignatures of a head, one by each of its keys."""
    member = node.membership.member(witness)
    wanted = witness_verifiers(member, current=True)
    signed = note + "".join(f"{line}\n" for line in lines).encode()
    try:
        opened = open_head_of(node.me, signed, wanted, strict=True)
    except LogError:
        return False
    kinds = {each.key.kind for each in opened.cosignatures if each.timestamp}
    return kinds == {key.kind for key in wanted}
