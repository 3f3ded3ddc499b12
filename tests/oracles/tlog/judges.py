"""Other people's software, asked about our checkpoints, cosignatures and proofs.

Each function returns that software's verdict. They take plain bytes, so that a test can feed
them what a running node serves as well as what a test made.
"""

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.foreign import ORACLE_PYTHON, oracle, require


def sigstore_accepts(
    checkpoint: bytes, log: tuple[bytes, bytes], entry: tuple[int, bytes], proof: Sequence[bytes]
) -> bool:
    """Signed note, root and inclusion proof in sigstore's Rekor client.

    `log` is (Ed25519 public key, four-byte key id); `entry` is (index, entry bytes).
    """
    require("sigstore")
    from sigstore._internal.merkle import verify_merkle_inclusion
    from sigstore._internal.rekor.checkpoint import verify_checkpoint
    from sigstore._internal.trust import Keyring
    from sigstore.errors import VerificationError
    from sigstore_models.common.v1 import PublicKey, PublicKeyDetails

    public, key_id = log
    spki = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    ring = Keyring(
        [PublicKey(raw_bytes=base64.b64encode(spki), key_details=PublicKeyDetails.PKIX_ED25519)]
    )
    _, size, root, *_ = checkpoint.decode().split("\n")
    index, body = entry
    inner = SimpleNamespace(
        canonicalized_body=body,
        log_id=SimpleNamespace(key_id=key_id),
        inclusion_proof=SimpleNamespace(
            log_index=index,
            tree_size=int(size),
            root_hash=base64.b64decode(root),
            hashes=list(proof),
            checkpoint=SimpleNamespace(envelope=checkpoint.decode()),
        ),
    )
    asked: Any = SimpleNamespace(_inner=inner)
    trusted: Any = ring
    try:
        verify_checkpoint(trusted, asked)
        verify_merkle_inclusion(asked)
    except VerificationError:
        return False
    return True


def openssl_verifies(public: bytes, message: bytes, signature: bytes, folder: Path) -> bool:
    """An Ed25519 signature by ``openssl pkeyutl -verify -rawin``."""
    pem = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    files = {"key": pem, "message": message, "signature": signature}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    paths = {name: str(folder / name) for name in files}
    command = [oracle("openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", paths["key"], "-rawin"]
    command += ["-in", paths["message"], "-sigfile", paths["signature"]]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


def dilithium_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """An ML-DSA-44 signature by dilithium-py."""
    require("dilithium-py")
    from dilithium_py.ml_dsa import ML_DSA_44

    return bool(ML_DSA_44.verify(public, message, signature))


def dilithium_public_key(seed: bytes) -> bytes:
    """The ML-DSA-44 public key of a seed, by dilithium-py."""
    require("dilithium-py")
    from dilithium_py.ml_dsa import ML_DSA_44

    public, _ = ML_DSA_44.key_derive(seed)
    return bytes(public)


def pymerkle_tree(entries: Sequence[bytes]) -> Any:
    """An in-memory pymerkle tree over the same entries."""
    require("pymerkle")
    from pymerkle import InmemoryTree

    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def pymerkle_consistent(tree: Any, size: int, old_root: bytes, root: bytes) -> bool:
    """Whether pymerkle, by its own proof from its own tree, leads from one root to the other."""
    from pymerkle import InvalidProof, verify_consistency

    proof = tree.prove_consistency(size, tree.get_size())
    try:
        verify_consistency(old_root, root, proof)
    except InvalidProof:
        return False
    return True


def aics_verdicts(cases: Sequence[dict[str, Any]]) -> list[bool]:
    """Verdicts of aics-tlog, which needs Python 3.12: named by an environment variable."""
    require("aics-tlog")
    script = Path(__file__).with_name("aics_check.py")
    done = subprocess.run(
        [os.environ[ORACLE_PYTHON], str(script)],
        input=json.dumps(list(cases)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdicts: list[bool] = json.loads(done.stdout)
    return verdicts
