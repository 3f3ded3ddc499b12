"""Misbehaviour proofs need only the membership, and both verifiers judge them alike."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from api.domain.errors import Invalid
from api.domain.misbehaviour import heads_proof, verify_misbehaviour
from api.tlog.merkle import EMPTY_ROOT, leaf_hash
from api.tlog.proofs import root_at
from api.wire import canonical
from api.wire.encoding import format_instant
from api.wire.envelope import MESSAGE, STATEMENT, seal
from api.wire.errors import WireError
from api.wire.held_heads import HeldHead
from api.wire.keys import Purpose
from api.wire.membership import Membership
from api.wire.messages import MessageBody, MessageKind
from api.wire.misbehaviour import (
    MisbehaviourKind,
    MisbehaviourProof,
    compose_misbehaviour,
    parse_misbehaviour,
)
from tests.support.exports import MEMBERS, second_verifier, signed_head
from tests.support.exports import NOW as AT
from tests.support.signing import CA, UK, US, SealingMinistry, membership, with_bounds
from tests.tlog.trees import MemoryTree

HEADS = MisbehaviourKind.INCONSISTENT_HEADS
REUSE = MisbehaviourKind.MESSAGE_NUMBER_REUSE
EQUIVOCATION = MisbehaviourKind.STATEMENT_EQUIVOCATION


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


def tree(size: int, fork_at: int | None = None) -> MemoryTree:
    """A tree that may differ from the true one from a leaf on."""
    grown = MemoryTree()
    grown.append(
        [
            leaf_hash(b"%d %s" % (at, b"forked" if fork_at is not None and at >= fork_at else b""))
            for at in range(size)
        ]
    )
    return grown


def head(size: int, fork_at: int | None = None, ministry: SealingMinistry = US) -> bytes:
    return signed_head(ministry, size, root_at(size, tree(size, fork_at)), ())


def both(second: ModuleType, raw: bytes, pinned: Membership = MEMBERS) -> str:
    """The code on which both verifiers agree; empty when the proof holds."""
    try:
        verify_misbehaviour(raw, pinned)
        first = ""
    except Invalid as refusal:
        first = refusal.code
    try:
        second.check_misbehaviour(raw, second.Membership(pinned.raw))
        other = ""
    except second.VerificationError as refusal:
        other = refusal.code
    assert first == other
    return first


def heads(one: bytes, other: bytes, tiles: MemoryTree, ministry: str = "us-treasury") -> bytes:
    return heads_proof(ministry, one, other, tiles)


def test_equal_size_other_root(second: ModuleType) -> None:
    assert both(second, heads(head(9), head(9, 3), tree(9))) == ""
    assert both(second, heads(head(9), head(9), tree(9))) == "misbehaviour.not-shown"


@pytest.mark.parametrize(("small", "large"), [(1, 2), (5, 9), (8, 16), (255, 700), (256, 700)])
def test_a_forked_history(second: ModuleType, small: int, large: int) -> None:
    fork = small - 1
    proof = heads(head(large), head(small, fork), tree(large))
    assert both(second, proof) == ""
    assert parse_misbehaviour(proof).ministry == "us-treasury"
    turned = heads(head(small), head(large, fork), tree(large, fork))
    assert both(second, turned) == ""
    assert both(second, heads(head(small), head(large), tree(large))) == "misbehaviour.not-shown"
    late = heads(head(small), head(large, small), tree(large, small))
    assert both(second, late) == "misbehaviour.not-shown"
    invented = heads(head(small), head(large), tree(large, fork))
    assert both(second, invented) == "misbehaviour.not-shown"


def test_the_empty_tree_contradicts_nothing(second: ModuleType) -> None:
    empty = signed_head(US, 0, EMPTY_ROOT, ())
    assert both(second, heads(empty, head(5), tree(5))) == "misbehaviour.not-shown"


def change(raw: bytes, **changes: Any) -> bytes:
    value = json.loads(raw)
    value["evidence"].update(changes)
    return canonical.canonical(value)


def test_heads_must_be_signed_by_the_accused(second: ModuleType) -> None:
    proof = heads(head(9), head(9, 3), tree(9))
    accused = json.loads(proof)
    accused["ministry"] = "uk-fcdo"
    code = both(second, canonical.canonical(accused))
    assert code == "checkpoint.unknown-origin"
    note = json.loads(proof)["evidence"]["second"]
    one_line = "\n".join(note.split("\n")[:5]) + "\n"
    assert both(second, change(proof, second=one_line)) == "checkpoint.log-signature"
    other_root = note.replace("\n9\n", "\n8\n")
    assert both(second, change(proof, first=other_root)) == "note.signature"
    outsiders = membership(UK)
    assert both(second, proof, outsiders) == "membership.unknown-member"


def test_cosignatures_in_the_notes_do_not_matter(second: ModuleType) -> None:
    cosigned = signed_head(US, 9, root_at(9, tree(9, 3)), (UK,))
    assert both(second, heads(head(9), cosigned, tree(9))) == ""


def test_hashes_that_do_not_fit(second: ModuleType) -> None:
    proof = heads(head(9), head(5, 4), tree(9))
    evidence = json.loads(proof)["evidence"]
    assert both(second, change(proof, left=evidence["left"][:-1])) == "range.proof"
    assert both(second, change(proof, right=[*evidence["right"], "00" * 32])) == "range.proof"
    turned = change(proof, first=evidence["second"], second=evidence["first"])
    assert both(second, turned) == "misbehaviour.malformed"
    equal = heads(head(9), head(9, 3), tree(9))
    assert both(second, change(equal, left=["00" * 32])) == "misbehaviour.malformed"


def message(seq: int = 4, mark: str = "a", **changes: Any) -> bytes:
    payload = {
        "comity": "1",
        "from": "us-treasury",
        "to": "uk-fcdo",
        "id": f"m-{mark}",
        "kind": "deliver",
        "epoch": 1,
        "seq": seq,
        "prev": "sha256:" + "1" * 64,
        "body": {"items": []},
        "substantive_size": 7,
        **changes,
    }
    return sealed(payload, MESSAGE, Purpose.MESSAGE)


def statement(seq: int = 2, mark: str = "a", **changes: Any) -> bytes:
    payload = {
        "comity": "1",
        "issuer": "us-treasury",
        "thread": "sha256:" + "2" * 64,
        "seq": seq,
        "body": {"text": mark, "share": 0.5},
        **changes,
    }
    return sealed(payload, STATEMENT, Purpose.SEAL)


def sealed(payload: Mapping[str, Any], typ: str, purpose: Purpose) -> bytes:
    kept = {name: part for name, part in payload.items() if part is not None}
    return seal(canonical.canonical(kept), typ, US.records_for(purpose), US.sign)


def pair(kind: MisbehaviourKind, first: bytes, other: bytes) -> bytes:
    return compose_misbehaviour(MisbehaviourProof("us-treasury", kind, first, other))


Make = Callable[..., bytes]
PAIRS: list[tuple[MisbehaviourKind, Make]] = [(REUSE, message), (EQUIVOCATION, statement)]


@pytest.mark.parametrize(("kind", "make"), PAIRS, ids=[kind.value for kind, _ in PAIRS])
def test_two_contents_under_one_number(
    second: ModuleType, kind: MisbehaviourKind, make: Make
) -> None:
    assert both(second, pair(kind, make(mark="a"), make(mark="b"))) == ""
    not_shown = "misbehaviour.not-shown"
    again = pair(kind, make(mark="a"), make(mark="a"))
    assert again.count(b'"payload"') == 2
    assert both(second, again) == not_shown
    assert both(second, pair(kind, make(seq=4), make(seq=5, mark="b"))) == not_shown
    assert both(second, pair(kind, make(seq=None), make(seq=None, mark="b"))) == not_shown
    others = {"from": "ca-gac", "issuer": "ca-gac"}
    assert both(second, pair(kind, make(**others), make(mark="b", **others))) == not_shown


def test_other_places_are_no_reuse(second: ModuleType) -> None:
    not_shown = "misbehaviour.not-shown"
    assert both(second, pair(REUSE, message(), message(mark="b", epoch=2))) == not_shown
    assert both(second, pair(REUSE, message(), message(mark="b", to="ca-gac"))) == not_shown
    other = statement(mark="b", thread="sha256:" + "3" * 64)
    assert both(second, pair(EQUIVOCATION, statement(), other)) == not_shown
    opener = pair(EQUIVOCATION, statement(thread=None), statement(thread=None, mark="b"))
    assert both(second, opener) == not_shown


@pytest.mark.parametrize(("kind", "make"), PAIRS, ids=[kind.value for kind, _ in PAIRS])
def test_envelopes_must_be_the_accuseds(
    second: ModuleType, kind: MisbehaviourKind, make: Make
) -> None:
    proof = pair(kind, make(mark="a"), make(mark="b"))
    accused = json.loads(proof)
    accused["ministry"] = "uk-fcdo"
    assert both(second, canonical.canonical(accused)) == "key.unknown"
    swapped = json.loads(proof)
    first, other = (swapped["evidence"][name] for name in ("first", "second"))
    first["signatures"], other["signatures"] = other["signatures"], first["signatures"]
    assert both(second, canonical.canonical(swapped)) == "signature.false"
    wrong = EQUIVOCATION if kind is REUSE else REUSE
    assert both(second, pair(wrong, make(mark="a"), make(mark="b"))) == "envelope.typ"


@pytest.mark.parametrize("purpose", [Purpose.MESSAGE, Purpose.SEAL])
def test_retiring_a_key_does_not_undo_what_it_signed(second: ModuleType, purpose: Purpose) -> None:
    proof = (
        pair(REUSE, message(mark="a"), message(mark="b"))
        if purpose is Purpose.MESSAGE
        else pair(EQUIVOCATION, statement(mark="a"), statement(mark="b"))
    )
    key = US.records_for(purpose)[0].kid
    assert both(second, proof, with_bounds(MEMBERS, {key: {"until": 1}})) == ""
    revoked = with_bounds(MEMBERS, {key: {"revoked_from": 1}})
    assert both(second, proof, revoked) == "time-unproven"


def test_malformed_proofs(second: ModuleType) -> None:
    good = json.loads(heads(head(9), head(9, 3), tree(9)))
    for name, value in (("comity", "2"), ("kind", "rudeness"), ("evidence", {}), ("more", 1)):
        assert both(second, canonical.canonical({**good, name: value})) == "misbehaviour.malformed"
    assert both(second, json.dumps(good).encode()) == "json.not-canonical"
    assert both(second, b"{") == "json.malformed"
    with pytest.raises(WireError, match=r"misbehaviour\.malformed"):
        compose_misbehaviour(MisbehaviourProof("us-treasury", HEADS, b"\xff", b"x"))


def test_the_command_judges_a_proof(
    second: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "proof.json").write_bytes(heads(head(9), head(9, 3), tree(9)))
    (tmp_path / "membership.json").write_bytes(MEMBERS.raw)
    arguments = [str(tmp_path / "proof.json"), "--membership", str(tmp_path / "membership.json")]
    assert second.main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["misbehaviour"] == "inconsistent-heads"
    assert second.main(arguments[:1]) == 3
    assert json.loads(capsys.readouterr().out)["code"] == "origin-unproven"


# ---- an answer that a head denies --------------------------------------------------------------


def answer(size: int, ministry: SealingMinistry = UK, *, at: datetime, **changes: Any) -> bytes:
    """A member's signed word on what it holds of Washington's log."""
    held = HeldHead(size, None if size == 0 else f"{7:064x}", format_instant(at))
    members: dict[str, Any] = {
        "from_": ministry.id,
        "to": "us-treasury",
        "id": "a" * 32,
        "kind": MessageKind.HELD,
        "epoch": 1,
        "seq": None,
        "prev": None,
        "body": held.to_json(),
        "substantive_size": 0,
    }
    return ministry.seal_message(MessageBody(**members | changes))


def denial(answered: bytes, cosigned: bytes) -> bytes:
    kind = MisbehaviourKind.HELD_DENIED
    return compose_misbehaviour(MisbehaviourProof("uk-fcdo", kind, answered, cosigned))


def test_who_denies_a_head_that_it_cosigned_is_convicted_by_both(second: ModuleType) -> None:
    signed = datetime.fromtimestamp(AT, UTC)
    cosigned = signed_head(US, 9, root_at(9, tree(9)), (UK,), at=AT)
    later = signed + timedelta(seconds=1)
    assert both(second, denial(answer(5, at=later), cosigned)) == ""
    assert both(second, denial(answer(0, at=later), cosigned)) == ""
    not_shown = "misbehaviour.not-shown"
    # It held that much and said so; it cosigned afterwards; somebody else cosigned, or half of it.
    assert both(second, denial(answer(9, at=later), cosigned)) == not_shown
    assert both(second, denial(answer(5, at=signed), cosigned)) == not_shown
    others = signed_head(US, 9, root_at(9, tree(9)), (CA,), at=AT)
    assert both(second, denial(answer(5, at=later), others)) == not_shown
    half = cosigned.decode().rstrip("\n").rpartition("\n")[0].encode() + b"\n"
    assert both(second, denial(answer(5, at=later), half)) == not_shown
    # Another's words, another's log, and what is no answer at all.
    assert both(second, denial(answer(5, CA, at=later, from_="ca-gac"), cosigned)) == "key.unknown"
    foreign = denial(answer(5, at=later, to="ca-gac"), cosigned)
    assert both(second, foreign) == "checkpoint.unknown-origin"
    receipt = MessageBody(
        "uk-fcdo", "us-treasury", "a" * 32, MessageKind.RECEIPT, 1, None, None, {}, 0
    )
    assert both(second, denial(UK.seal_message(receipt), cosigned)) == not_shown
    malformed = change(denial(answer(5, at=later), cosigned), second=7)
    assert both(second, malformed) == "misbehaviour.malformed"
