"""Independent software accepts what the log makes and refuses a tampered twin of each."""

import base64
from pathlib import Path
from typing import Any

import pytest

from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.note import parse_note, signed_message
from api.tlog.proofs import consistency_proof, inclusion_proof, root_at
from tests.oracles.tlog import judges
from tests.support import foreign
from tests.tlog.signers import CA, CA_PQ, LOG, LOG_PQ, NOW, ORIGIN, UK, UK_PQ, sign
from tests.tlog.trees import MemoryTree

ENTRIES = [b'{"e":"%064x"}' % number for number in range(700)]
TREE = MemoryTree(ENTRIES)
SIZE = TREE.size
TEXT = format_checkpoint(Checkpoint(ORIGIN, SIZE, root_at(SIZE, TREE)))
COSIGNED = sign(TEXT, LOG, LOG_PQ, UK, UK_PQ, CA, CA_PQ)


def flipped(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@foreign.needs("sigstore")
@pytest.mark.parametrize("index", [0, 255, 256, 511, 699])
def test_sigstore_reads_checkpoint_and_inclusion(index: int) -> None:
    log = (LOG.key.public, LOG.key.key_id)
    proof = inclusion_proof(index, SIZE, TREE)
    entry = ENTRIES[index]
    assert judges.sigstore_accepts(COSIGNED, log, (index, entry), proof)
    assert not judges.sigstore_accepts(COSIGNED, log, (index, entry + b" "), proof)
    assert not judges.sigstore_accepts(COSIGNED, log, (index ^ 1, entry), proof)
    spoilt = [flipped(proof[0]), *proof[1:]]
    assert not judges.sigstore_accepts(COSIGNED, log, (index, entry), spoilt)
    grown = COSIGNED.replace(b"\n700\n", b"\n701\n")
    assert not judges.sigstore_accepts(grown, log, (index, entry), proof)


@foreign.needs("openssl")
def test_openssl_verifies_the_note(tmp_path: Path) -> None:
    line = parse_note(COSIGNED).signatures[0]
    message = TEXT.encode()
    assert judges.openssl_verifies(LOG.key.public, message, line.blob, tmp_path)
    assert not judges.openssl_verifies(LOG.key.public, message + b"\n", line.blob, tmp_path)


@foreign.needs("openssl")
def test_openssl_verifies_the_cosignature(tmp_path: Path) -> None:
    line = parse_note(COSIGNED).signatures[2]
    assert line.name == UK.key.name
    at, signature = int.from_bytes(line.blob[:8], "big"), line.blob[8:]
    assert at == NOW
    message = f"cosignature/v1\ntime {at}\n".encode() + TEXT.encode()
    assert judges.openssl_verifies(UK.key.public, message, signature, tmp_path)
    later = message.replace(b"time 1", b"time 2")
    assert not judges.openssl_verifies(UK.key.public, later, signature, tmp_path)


@foreign.needs("dilithium-py")
def test_dilithium_py_verifies_the_cosignature() -> None:
    assert judges.dilithium_public_key(bytes([4]) * 32) == UK_PQ.key.public
    line = parse_note(COSIGNED).signatures[3]
    message = signed_message(UK_PQ.key.kind, line.name, NOW, TEXT)
    assert judges.dilithium_verifies(UK_PQ.key.public, message, line.blob[8:])
    assert not judges.dilithium_verifies(UK_PQ.key.public, flipped(message, -1), line.blob[8:])
    assert not judges.dilithium_verifies(LOG_PQ.key.public, message, line.blob[8:])


@foreign.needs("dilithium-py")
def test_dilithium_py_verifies_the_logs_own_signature() -> None:
    line = parse_note(COSIGNED).signatures[1]
    assert line.name == ORIGIN
    message = signed_message(LOG_PQ.key.kind, ORIGIN, NOW, TEXT)
    assert judges.dilithium_verifies(LOG_PQ.key.public, message, line.blob[8:])
    assert not judges.dilithium_verifies(LOG_PQ.key.public, message, flipped(line.blob[8:]))


@foreign.needs("pymerkle")
def test_pymerkle_has_the_same_roots_and_paths() -> None:
    peer = judges.pymerkle_tree(ENTRIES)
    for size in (1, 2, 3, 255, 256, 257, 512, 699, 700):
        assert peer.get_root(size) == root_at(size, TREE)
    for index in (0, 300, 699):
        path = peer.prove_inclusion(index + 1, SIZE).path
        assert path[1:] == inclusion_proof(index, SIZE, TREE)
    assert peer.get_root(SIZE) != root_at(SIZE - 1, TREE)


def packed(*items: bytes) -> list[str]:
    return [base64.b64encode(item).decode() for item in items]


def aics_cases() -> list[tuple[dict[str, Any], bool]]:
    """Each case twice: as we make it, and tampered with."""
    witnesses = [UK.key.format(), CA.key.format()]
    head = {"what": "checkpoint", "log": LOG.key.format(), "witnesses": witnesses, "quorum": 2}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({**head, "note": packed(COSIGNED)[0]}, True),
        ({**head, "note": packed(sign(TEXT, LOG, LOG_PQ, UK, UK_PQ))[0]}, False),
        ({**head, "note": packed(COSIGNED.replace(b"\n700\n", b"\n699\n"))[0]}, False),
    ]
    root = root_at(SIZE, TREE)
    for index in (0, 256, 699):
        proof = inclusion_proof(index, SIZE, TREE)
        for entry, good in ((ENTRIES[index], True), (ENTRIES[index] + b" ", False)):
            entry64, root64 = packed(entry, root)
            case = {"what": "inclusion", "entry": entry64, "root": root64}
            cases.append(({**case, "index": index, "size": SIZE, "proof": packed(*proof)}, good))
    for old in (1, 256, 333, 699, 700):
        proof = consistency_proof(old, SIZE, TREE)
        old_root = root_at(old, TREE)
        for claimed, good in ((old_root, True), (flipped(old_root), False)):
            old64, root64 = packed(claimed, root)
            case = {"what": "consistency", "old_root": old64, "root": root64}
            cases.append(({**case, "old": old, "size": SIZE, "proof": packed(*proof)}, good))
    return cases


@foreign.needs("aics-tlog")
def test_aics_tlog_agrees_on_every_case() -> None:
    cases = aics_cases()
    verdicts = judges.aics_verdicts([case for case, _ in cases])
    assert verdicts == [wanted for _, wanted in cases]
