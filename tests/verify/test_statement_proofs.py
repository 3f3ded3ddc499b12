"""Proof files of statements: both verifiers accept the true one and refuse its twins alike."""

import base64
import json
from pathlib import Path
from types import ModuleType

import pytest

from api.domain.errors import Invalid
from api.domain.verification.statement_proof import statement_proof, verify_statement_proof
from api.tlog.merkle import leaf_hash
from api.tlog.proofs import inclusion_proof, root_at
from api.wire.keys import Purpose
from api.wire.leaf import LeafOpening
from api.wire.membership import Membership
from api.wire.statements import Content
from tests.support.bodies import body
from tests.support.exports import MEMBERS, second_verifier, signed_head
from tests.support.signing import ANALYST, CA, UK, US, SealingMinistry, with_bounds
from tests.tlog.trees import MemoryTree

INDEX, SIZE = 6, 11
STATEMENT = US.statement(Content("evidence-package/1", (), body("evidence-package/1")), ANALYST)
OPENING = LeafOpening(b"\x0e" * 32, b"\x05" * 32)


def tree_with(statement: bytes) -> MemoryTree:
    from hashlib import sha256

    leaves = [leaf_hash(b"%d" % at) for at in range(SIZE)]
    leaves[INDEX] = leaf_hash(OPENING.entry(sha256(statement).digest()))
    grown = MemoryTree()
    grown.append(leaves)
    return grown


TREE = tree_with(STATEMENT)


def proof(
    cosigners: tuple[SealingMinistry, ...] = (UK, CA),
    owner: SealingMinistry = US,
    opening: LeafOpening = OPENING,
    tree: MemoryTree = TREE,
) -> bytes:
    note = signed_head(owner, SIZE, root_at(SIZE, tree), cosigners)
    return statement_proof(INDEX, inclusion_proof(INDEX, SIZE, tree), note, opening)


GOOD = proof()


@pytest.fixture(scope="module")
def second() -> ModuleType:
    return second_verifier()


def both(
    second: ModuleType,
    data: bytes,
    statement: bytes = STATEMENT,
    pinned: Membership = MEMBERS,
    quorum: int = 1,
) -> str:
    try:
        verify_statement_proof(data, statement, pinned, quorum=quorum)
        first = ""
    except Invalid as refusal:
        first = refusal.code
    try:
        second.check_proof(data, second.Membership(pinned.raw), quorum, statement, None)
        other = ""
    except second.VerificationError as refusal:
        other = refusal.code
    assert first == other
    return first


def test_a_statement_is_proven(second: ModuleType) -> None:
    assert both(second, GOOD, quorum=2) == ""
    proven = verify_statement_proof(GOOD, STATEMENT, MEMBERS, quorum=2)
    assert (proven.ministry, proven.index, proven.tree_size) == ("us-treasury", 6, 11)
    assert len(proven.cosigners) == 2


def test_twins_are_refused(second: ModuleType) -> None:
    other = US.statement(
        Content("evidence-package/1", (), body("evidence-package/1", title="Another")), ANALYST
    )
    assert both(second, GOOD, other) == "proof.root-mismatch"
    for opening in (LeafOpening(b"\x0f" * 32, OPENING.salt_s), LeafOpening(OPENING.e, bytes(32))):
        assert both(second, proof(opening=opening)) == "proof.root-mismatch"
    assert both(second, GOOD.replace(b"index 6\n", b"index 5\n")) == "proof.root-mismatch"
    assert both(second, GOOD.replace(b"index 6\n", b"index 11\n")) == "proof.range"
    lines = GOOD.split(b"\n")
    assert both(second, b"\n".join(lines[:3] + lines[4:])) == "proof.length"
    assert both(second, b"\n".join(lines[:1] + lines[2:])) == "proof-file.extra"


def test_witnesses_and_log_must_have_signed(second: ModuleType) -> None:
    assert both(second, proof((UK,))) == ""
    assert both(second, proof((UK,)), quorum=2) == "policy.quorum"
    assert both(second, proof(())) == "policy.quorum"
    assert both(second, proof((UK, US))) == "note.unknown-line"
    stranger = SealingMinistry("us-treasury", "US", epoch="second")
    assert both(second, proof(owner=stranger)) == "note.unknown-line"
    nobody = SealingMinistry("nobody", "NN")
    assert both(second, proof(owner=nobody)) == "checkpoint.unknown-origin"
    extended = GOOD.replace(b"\n11\n", b"\n11\nextension\n")
    assert both(second, extended) in ("checkpoint.root", "note.signature")


def test_a_log_vouches_for_its_own_ministry_only(second: ModuleType) -> None:
    foreign = UK.statement(Content("evidence-package/1", (), body("evidence-package/1")), ANALYST)
    assert both(second, proof(tree=tree_with(foreign)), foreign) == "key.unknown"


def test_key_bounds_at_the_proven_index(second: ModuleType) -> None:
    key = US.records_for(Purpose.SEAL)[1].kid
    for bounds, code in (
        ({"until": 7}, ""),
        ({"until": 6}, "key.retired"),
        ({"revoked_from": 7}, ""),
        ({"revoked_from": 6}, "key.revoked"),
        ({"from": 7}, "key.not-yet-valid"),
    ):
        assert both(second, GOOD, pinned=with_bounds(MEMBERS, {key: bounds})) == code


def test_extra_carries_the_opening_and_nothing_else(second: ModuleType) -> None:
    extra = GOOD.split(b"\n")[1]
    for text in (
        b'{"e":"00"}',
        b"{}",
        b"words",
        json.dumps({"e": "00" * 32, "salt_s": "00" * 32}).encode(),
    ):
        line = b"extra " + base64.b64encode(text)
        assert both(second, GOOD.replace(extra, line)) in (
            "leaf.opening",
            "json.malformed",
            "json.not-canonical",
        )


def test_every_changed_byte_is_refused(second: ModuleType) -> None:
    pinned = second.Membership(MEMBERS.raw)
    places = [*range(500), *range(500, len(GOOD), 97)]
    for at in places:
        spoilt = GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :]
        with pytest.raises(Invalid):
            verify_statement_proof(spoilt, STATEMENT, MEMBERS)
    for at in places[::7]:
        spoilt = GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :]
        with pytest.raises(second.VerificationError):
            second.check_proof(spoilt, pinned, 1, STATEMENT, None)


def test_the_command_judges_a_proof_file(
    second: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (("p.tlog-proof", GOOD), ("m.json", MEMBERS.raw), ("s.json", STATEMENT)):
        (tmp_path / name).write_bytes(data)
    arguments = [str(tmp_path / "p.tlog-proof"), "--membership", str(tmp_path / "m.json")]
    assert second.main([*arguments, "--statement", str(tmp_path / "s.json")]) == 0
    assert json.loads(capsys.readouterr().out)["index"] == 6
    assert second.main(arguments) == 2
    capsys.readouterr()
    assert second.main([*arguments, "--statement", str(tmp_path / "m.json")]) == 3
    assert json.loads(capsys.readouterr().out)["code"] == "proof.root-mismatch"
