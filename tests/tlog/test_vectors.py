"""The published vectors of trees, notes, checkpoints and cosignatures."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash, root_of
from api.tlog.note import (
    KeyKind,
    VerifierKey,
    format_note,
    key_id,
    open_note,
    parse_vkey,
    signed_message,
)
from api.tlog.policy import parse_policy, witness_policy
from api.tlog.proof_file import ProofFile, format_proof_file, verify_proof_file
from api.tlog.proofs import (
    consistency_proof,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from api.tlog.tiles import encode_bundle, tile_path, widths
from tests.tlog import vectors as v
from tests.tlog.trees import MemoryTree

HASHES = [leaf_hash(leaf) for leaf in v.LEAVES]
UNPACKED = [base64.b64decode(item) for item in v.CONSISTENCY_5_8]


def test_roots_of_the_reference_tree() -> None:
    assert v.ROOTS[0] == EMPTY_ROOT
    assert [root_of(HASHES[:size]) for size in range(9)] == v.ROOTS
    tree = MemoryTree(v.LEAVES)
    assert [root_at(size, tree) for size in range(9)] == v.ROOTS
    single = Frontier()
    for size, leaf in enumerate(HASHES, start=1):
        single.append(leaf)
        assert single.root() == v.ROOTS[size]


def test_reference_leaf_and_node_hash() -> None:
    assert (
        leaf_hash(b"L123456").hex()
        == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


def test_bundle_and_partial_tile() -> None:
    assert encode_bundle(v.LEAVES[:3]).hex() == "0000000100000110"
    tile = MemoryTree(v.LEAVES[:3]).read_tile(0, 0, 3)
    assert (
        sha256(tile).hexdigest()
        == "b4860d306660697301d0255e2601394ac7212ff4700f65437584b6466a9b118c"
    )


def test_tile_numbers_of_the_specification() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(0, 1000) == "tile/0/x001/000"
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert widths(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert widths(256) == [(0, 1, 0), (1, 0, 1)]


def test_signed_note_vector() -> None:
    key = parse_vkey(v.NOTE_VKEY)
    opened = open_note(v.NOTE, [key], strict=True)
    assert opened.text == "This is an example message.\n"
    assert key.key_id.hex() == "530d903a"
    assert key.format() == v.NOTE_VKEY


def test_keys_from_seeds_give_the_published_vkeys() -> None:
    for seed, kind, text in (
        (1, KeyKind.ED25519, v.LOG_VKEY),
        (2, KeyKind.COSIGNATURE_ED25519, v.UK_VKEY),
        (3, KeyKind.COSIGNATURE_ED25519, v.CA_VKEY),
    ):
        public = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32).public_key()
        key = VerifierKey(text.split("+")[0], kind, public.public_bytes_raw())
        assert key.format() == text
        assert parse_vkey(text) == key


def test_checkpoint_is_rebuilt_byte_for_byte() -> None:
    text = format_checkpoint(Checkpoint(v.ORIGIN, 8, v.ROOTS[8]))
    lines = []
    for seed, vkey, at in (
        (1, v.LOG_VKEY, None),
        (2, v.UK_VKEY, v.COSIGNED_AT),
        (3, v.CA_VKEY, v.COSIGNED_AT),
    ):
        key = parse_vkey(vkey)
        private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        lines.append(key.line(private.sign(signed_message(key.kind, key.name, at, text)), at))
    assert format_note(text, lines) == v.CHECKPOINT


def test_checkpoint_opens_with_both_cosignatures() -> None:
    cosigners = [parse_vkey(v.UK_VKEY), parse_vkey(v.CA_VKEY)]
    opened = open_checkpoint(v.CHECKPOINT, [parse_vkey(v.LOG_VKEY)], cosigners, strict=True)
    assert opened.checkpoint == Checkpoint(v.ORIGIN, 8, v.ROOTS[8])
    assert [signed.timestamp for signed in opened.cosignatures] == [v.COSIGNED_AT] * 2
    assert (
        sha256(opened.checkpoint.origin.encode()).hexdigest()
        == "a8c21067fb07c7ce7e7f46b680de95f84af32c55f503f8f360834444d5506f5a"
    )


def test_consistency_and_inclusion_vectors() -> None:
    tree = MemoryTree(v.LEAVES)
    assert consistency_proof(5, 8, tree) == UNPACKED
    assert inclusion_proof(4, 8, tree) == UNPACKED[1:]
    verify_consistency(5, 8, v.ROOTS[5], v.ROOTS[8], UNPACKED)
    verify_inclusion(4, 8, HASHES[4], UNPACKED[1:], v.ROOTS[8])


def test_ml_dsa_message_and_key_id() -> None:
    private = MLDSA44PrivateKey.from_seed_bytes(b"\x04" * 32)
    public = private.public_key().public_bytes_raw()
    assert sha256(public).hexdigest() == v.PQ_PUBLIC_SHA256
    assert key_id(v.PQ_NAME, KeyKind.COSIGNATURE_ML_DSA_44, public).hex() == v.PQ_KEY_ID
    text = format_checkpoint(Checkpoint(v.ORIGIN, 8, v.ROOTS[8]))
    message = signed_message(KeyKind.COSIGNATURE_ML_DSA_44, v.PQ_NAME, v.COSIGNED_AT, text)
    assert message == v.PQ_MESSAGE
    key = VerifierKey(v.PQ_NAME, KeyKind.COSIGNATURE_ML_DSA_44, public)
    assert parse_vkey(key.format()) == key
    line = key.line(private.sign(message), v.COSIGNED_AT)
    assert key.verify(line.blob, text) == v.COSIGNED_AT
    with pytest.raises(LogError, match=r"note\.signature"):
        key.verify(line.blob, text.replace("audit", "audiT"))


def test_proof_file_of_the_vectors() -> None:
    policy = parse_policy(
        witness_policy(
            [parse_vkey(v.LOG_VKEY)],
            [("uk", parse_vkey(v.UK_VKEY)), ("ca", parse_vkey(v.CA_VKEY))],
            2,
        ).encode()
    )
    data = format_proof_file(ProofFile(4, tuple(UNPACKED[1:]), v.CHECKPOINT))
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 4\nQnGia+DYqE8L1Uy")
    verify_proof_file(data, HASHES[4], policy)
    with pytest.raises(LogError, match=r"proof\.root-mismatch"):
        verify_proof_file(data, HASHES[5], policy)
