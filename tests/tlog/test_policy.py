"""Policies and proof files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.policy import parse_policy, witness_policy
from api.tlog.proof_file import (
    ProofFile,
    format_proof_file,
    parse_proof_file,
    verify_proof_file,
)
from api.tlog.proofs import inclusion_proof, root_at
from tests.tlog.signers import (
    CA,
    CA_PQ,
    LOG,
    LOG_KEYS,
    LOG_PQ,
    ORIGIN,
    STRANGER,
    UK,
    UK_PQ,
    WITNESSES,
    sign,
)
from tests.tlog.trees import MemoryTree

ENTRIES = [b"entry %d" % number for number in range(11)]
TREE = MemoryTree(ENTRIES)
TEXT = format_checkpoint(Checkpoint(ORIGIN, 11, root_at(11, TREE)))
ALL = (LOG, LOG_PQ, UK, UK_PQ, CA, CA_PQ)


def policy(threshold: int) -> str:
    return witness_policy(LOG_KEYS, WITNESSES, threshold)


def test_generated_policy_needs_both_keys_of_a_member() -> None:
    two = parse_policy(policy(2).encode())
    assert two.satisfied_by([UK.key, UK_PQ.key, CA.key, CA_PQ.key])
    assert not two.satisfied_by([UK.key, UK_PQ.key, CA.key])
    one = parse_policy(policy(1).encode())
    assert one.satisfied_by([CA.key, CA_PQ.key])
    assert not one.satisfied_by([UK.key, CA_PQ.key, STRANGER.key])
    assert parse_policy(policy(0).encode()).satisfied_by([])
    with pytest.raises(LogError, match=r"policy\.threshold"):
        policy(3)


def test_policy_opens_only_a_head_with_its_quorum() -> None:
    two = parse_policy(policy(2).encode())
    assert two.open(sign(TEXT, *ALL), strict=True).checkpoint.size == 11
    with pytest.raises(LogError, match=r"policy\.quorum"):
        two.open(sign(TEXT, LOG, LOG_PQ, UK, UK_PQ, CA), strict=True)
    with pytest.raises(LogError, match=r"policy\.quorum"):
        two.open(sign(TEXT, *ALL, at=0), strict=True)


def test_nested_groups_and_comments() -> None:
    text = (
        "# who we trust\n\n"
        f"log {LOG.key.format()} https://us.example/log/\n"
        f"\twitness uk {UK.key.format()}  https://uk.example/log/ \n"
        f"witness ca {CA.key.format()}\n"
        "group other any ca\n"
        "group q all uk other\n"
        "quorum q\n"
    )
    parsed = parse_policy(text.encode())
    assert parsed.satisfied_by([UK.key, CA.key])
    assert not parsed.satisfied_by([UK.key])
    assert parsed.urls[LOG.key.format()] == "https://us.example/log/"
    assert parsed.logs == (LOG.key,)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["quorum none", "quorum none"], "quorum-line"),
        ([], "quorum-line"),
        (["quorum uk"], "name"),
        (["witness uk {uk}", "witness uk {ca}", "quorum none"], "name"),
        (["witness none {uk}", "quorum none"], "name"),
        (["group g any uk", "witness uk {uk}", "quorum none"], "name"),
        (["witness uk {uk}", "group g any uk uk", "quorum g"], "member"),
        (["witness uk {uk}", "group g any uk", "group h any uk", "quorum g"], "member"),
        (["witness uk {uk}", "group g 2 uk", "quorum g"], "threshold"),
        (["witness uk {uk}", "group g 0 uk", "quorum g"], "threshold"),
        (["witness uk {uk}", "group g 01 uk", "quorum g"], "threshold"),
        (["witness uk {uk}", "group g any", "quorum g"], "line"),
        (["group g any none", "quorum g"], "name"),
        (["witness uk {uk}", "witness twin {uk}", "quorum none"], "duplicate-key"),
        (["log {log}", "log {log}", "quorum none"], "duplicate-key"),
        (["log {uk}", "witness uk {uk}", "quorum none"], "duplicate-key"),
        (["witness uk {log}", "quorum none"], "witness-key"),
        (["trust uk", "quorum none"], "line"),
        (["log {log} a b", "quorum none"], "line"),
        (["quorum\u000bnone"], "characters"),
        (["quorum none\r"], "characters"),
        (["quorum none\u007f"], "characters"),
    ],
)
def test_malformed_policies_are_refused(lines: list[str], code: str) -> None:
    keys = {"uk": UK.key.format(), "ca": CA.key.format(), "log": LOG.key.format()}
    text = "".join(f"{line.format(**keys)}\n" for line in lines)
    with pytest.raises(LogError, match=rf"policy\.{code}\b"):
        parse_policy(text.encode())


def test_policy_bytes_that_are_no_policy() -> None:
    for data, code in ((b"quorum none", "line"), (b"# \xff\nquorum none\n", "characters")):
        with pytest.raises(LogError, match=rf"policy\.{code}"):
            parse_policy(data)
    with pytest.raises(LogError, match=r"policy\.too-large"):
        parse_policy(b"#" * (1 << 21))


def proof_file(index: int = 4) -> ProofFile:
    proof = tuple(inclusion_proof(index, 11, TREE))
    return ProofFile(index, proof, sign(TEXT, *ALL))


def test_proof_file_verifies_and_only_for_its_leaf() -> None:
    trusted = parse_policy(policy(2).encode())
    data = format_proof_file(proof_file())
    verify_proof_file(data, leaf_hash(ENTRIES[4]), trusted)
    with pytest.raises(LogError, match=r"proof\.root-mismatch"):
        verify_proof_file(data, leaf_hash(ENTRIES[5]), trusted)
    moved = data.replace(b"index 4\n", b"index 5\n")
    with pytest.raises(LogError, match=r"proof\.root-mismatch"):
        verify_proof_file(moved, leaf_hash(ENTRIES[4]), trusted)


def test_extra_is_read_but_refused_in_strict_mode() -> None:
    plain = proof_file()
    data = format_proof_file(ProofFile(plain.index, plain.proof, plain.checkpoint, b"context"))
    assert parse_proof_file(data).extra == b"context"
    trusted = parse_policy(policy(2).encode())
    verify_proof_file(data, leaf_hash(ENTRIES[4]), trusted, strict=False)
    with pytest.raises(LogError, match=r"proof-file\.extra"):
        verify_proof_file(data, leaf_hash(ENTRIES[4]), trusted)


def test_a_proof_under_a_weaker_head_is_refused() -> None:
    file = proof_file()
    weak = ProofFile(file.index, file.proof, sign(TEXT, LOG, LOG_PQ, UK, UK_PQ))
    with pytest.raises(LogError, match=r"policy\.quorum"):
        verify_proof_file(
            format_proof_file(weak), leaf_hash(ENTRIES[4]), parse_policy(policy(2).encode())
        )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"index 4", b"index -4"),
        (b"index 4", b"index four"),
        (b"index 4", b"index 04"),
        (b"index 4\n", b""),
        (b"index 4\n", b"extra ?\nindex 4\n"),
        (b"index 4\n", b"index 4\nAAAA\n"),
        (b"index 4\n", b"index 4\nnot base64\n"),
        (b"index 4\n", b"index 4\n\xff\n"),
        (b"=\n\n", b"=\n"),
    ],
)
def test_malformed_proof_files_are_refused(old: bytes, new: bytes) -> None:
    data = format_proof_file(proof_file())
    assert old in data
    with pytest.raises(LogError, match=r"proof-file\."):
        parse_proof_file(data.replace(old, new, 1))


def test_values_that_no_proof_file_can_carry() -> None:
    file = proof_file()
    for broken in (
        ProofFile(-1, file.proof, file.checkpoint),
        ProofFile(1, (b"short",), file.checkpoint),
        ProofFile(1, (b"\x00" * 32,) * 65, file.checkpoint),
        ProofFile(1, file.proof, b"no note"),
    ):
        with pytest.raises(LogError):
            format_proof_file(broken)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    for parse in (parse_policy, parse_proof_file):
        with pytest.raises(LogError):
            parse(b"?" + data)
