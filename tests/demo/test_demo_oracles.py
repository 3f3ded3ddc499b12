"""Other people's software judges the logs of a running demo, over HTTP, and a tampered twin of all it reads.

Proofs are made from the tiles that the nodes serve; keys are those of `/.well-known/comity.json`. How a signature's
bytes are put together is written here once more, from the C2SP pages and not with the package under test.
"""

import base64
import io
import json
import struct
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.tlog.proofs import consistency_proof, inclusion_proof
from tests.oracles.tlog import judges
from tests.support import foreign
from tests.support.demo import MINISTRIES, Demo

US, UK, CA = MINISTRIES
pytestmark = [pytest.mark.processes]
ED25519, COSIGNATURE, ML_DSA_44 = 1, 4, 6
WIDTH = 256


def flipped(data: bytes, at: int = 0) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@dataclass(frozen=True)
class Key:
    """A verifier key, read as C2SP signed-note says."""

    text: str

    @property
    def name(self) -> str:
        return self.text.split("+")[0]

    @property
    def key_id(self) -> bytes:
        return bytes.fromhex(self.text.split("+")[1])

    @property
    def kind(self) -> int:
        return base64.b64decode(self.text.split("+", 2)[2])[0]

    @property
    def public(self) -> bytes:
        return base64.b64decode(self.text.split("+", 2)[2])[1:]


@dataclass(frozen=True)
class Head:
    """A checkpoint as it was served."""

    note: bytes

    @property
    def text(self) -> str:
        return self.note.decode().split("\n\n")[0] + "\n"

    @property
    def size(self) -> int:
        return int(self.text.split("\n")[1])

    @property
    def root(self) -> bytes:
        return base64.b64decode(self.text.split("\n")[2])

    def signature(self, key: Key) -> bytes:
        """What a key signed it with: the bytes after the key id of its one line."""
        found = []
        for line in self.note.decode().split("\n\n")[1].splitlines():
            name, encoded = line.removeprefix("\u2014 ").split(" ")
            blob = base64.b64decode(encoded)
            if (name, blob[:4]) == (key.name, key.key_id):
                found.append(blob[4:])
        (one,) = found
        return one


@dataclass
class Served:
    """One node's log, read as a member's auditor reads it; a `HashReader`."""

    client: httpx2.Client
    keys: dict[str, Any]
    raw: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        answer = self.client.get(f"/log/{path}")
        assert answer.status_code == 200, answer.text
        self.raw[path] = answer.content
        return answer.content

    def head(self) -> Head:
        return Head(self.read("checkpoint"))

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        assert index < 1000
        return self.read(f"tile/{level}/{index:03}" + (f".p/{width}" if width < WIDTH else ""))

    def entries(self, size: int) -> list[bytes]:
        """All leaf entries, from the bundles: each behind its length in two bytes."""
        found = []
        for first in range(0, size, WIDTH):
            width = min(WIDTH, size - first)
            part = f".p/{width}" if width < WIDTH else ""
            data = self.read(f"tile/entries/{first // WIDTH:03}{part}")
            while data:
                (length,) = struct.unpack(">H", data[:2])
                found.append(data[2 : 2 + length])
                data = data[2 + length :]
        return found

    def log_key(self, kind: int) -> Key:
        return next(key for key in map(Key, self.keys["vkeys"]) if key.kind == kind)

    def witness_key(self, kind: int) -> Key:
        return next(key for key in map(Key, self.keys["witness_vkeys"]) if key.kind == kind)


@dataclass(frozen=True)
class Seen:
    """Two heads of Washington's log with what lies under them, and who cosigned."""

    us: Served
    partners: tuple[Served, ...]
    first: Head
    head: Head
    entries: list[bytes]


@pytest.fixture(scope="module")
def logs(demo: Demo) -> Iterator[dict[str, Served]]:
    with ExitStack() as stack:
        found = {}
        for ministry, short in MINISTRIES.items():
            url = demo.document["nodes"][ministry]["url"]
            headers = {"authorization": f"Bearer {demo.token(f'{short}-auditor')}"}
            client = httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=30)
            stack.enter_context(client)
            keys = client.get("/.well-known/comity.json").json()["log"]
            found[ministry] = Served(client, keys)
        yield found


@pytest.fixture(scope="module")
def seen(demo: Demo, logs: dict[str, Served]) -> Seen:
    us, partners = logs[US], (logs[UK], logs[CA])
    names = [each.witness_key(COSIGNATURE).name for each in partners]
    first = us.head()
    # A refusal is an event, too: the log grows, and partners cosign what it has become.
    assert demo.call("us-analyst", "GET", "/audit/events").status_code == 403
    end = time.monotonic() + 90
    while True:
        head = us.head()
        signed = {line.split(" ")[1] for line in lines(head)}
        if head.size > first.size and signed >= {*names}:
            return Seen(us, partners, first, head, us.entries(head.size))
        assert time.monotonic() < end, head.note
        time.sleep(0.2)


def lines(head: Head) -> list[str]:
    return head.note.decode().split("\n\n")[1].splitlines()


def places(size: int) -> list[int]:
    return sorted({0, 1, size // 2, size - 1})


@foreign.needs("sigstore")
def test_sigstore_reads_the_checkpoint_and_every_kind_of_place(seen: Seen) -> None:
    key = seen.us.log_key(ED25519)
    log = (key.public, key.key_id)
    assert len(seen.entries) == seen.head.size
    for index in places(seen.head.size):
        proof = inclusion_proof(index, seen.head.size, seen.us)
        entry = seen.entries[index]
        assert judges.sigstore_accepts(seen.head.note, log, (index, entry), proof)
        assert not judges.sigstore_accepts(seen.head.note, log, (index, flipped(entry, 7)), proof)
        spoilt = [*proof[:-1], flipped(proof[-1])]
        assert not judges.sigstore_accepts(seen.head.note, log, (index, entry), spoilt)
        other = seen.head.note.replace(b"\n%d\n" % seen.head.size, b"\n%d\n" % (seen.head.size + 1))
        assert not judges.sigstore_accepts(other, log, (index, entry), proof)


@foreign.needs("openssl")
def test_openssl_verifies_the_note_and_each_cosignature(seen: Seen, tmp_path: Path) -> None:
    key, text = seen.us.log_key(ED25519), seen.head.text.encode()
    signature = seen.head.signature(key)
    assert judges.openssl_verifies(key.public, text, signature, tmp_path)
    assert not judges.openssl_verifies(key.public, flipped(text, -3), signature, tmp_path)
    for partner in seen.partners:
        witness = partner.witness_key(COSIGNATURE)
        blob = seen.head.signature(witness)
        (at,) = struct.unpack(">Q", blob[:8])
        message = f"cosignature/v1\ntime {at}\n".encode() + text
        assert abs(at - time.time()) < 3600
        assert judges.openssl_verifies(witness.public, message, blob[8:], tmp_path)
        later = f"cosignature/v1\ntime {at + 1}\n".encode() + text
        assert not judges.openssl_verifies(witness.public, later, blob[8:], tmp_path)
        assert not judges.openssl_verifies(key.public, message, blob[8:], tmp_path)


def ml_dsa_message(name: str, at: int, head: Head) -> bytes:
    """C2SP tlog-cosignature, ML-DSA-44: the cosigned message of a whole tree."""
    origin = head.text.split("\n")[0]
    parts = [b"subtree/v1\n\0"]
    parts += [bytes([len(name)]), name.encode(), struct.pack(">Q", at)]
    parts += [bytes([len(origin)]), origin.encode()]
    parts += [struct.pack(">QQ", 0, head.size), head.root]
    return b"".join(parts)


@foreign.needs("dilithium-py")
def test_dilithium_py_verifies_the_log_and_each_cosignature(seen: Seen) -> None:
    signers = [seen.us.log_key(ML_DSA_44)]
    signers += [partner.witness_key(ML_DSA_44) for partner in seen.partners]
    for key in signers:
        blob = seen.head.signature(key)
        (at,) = struct.unpack(">Q", blob[:8])
        message = ml_dsa_message(key.name, at, seen.head)
        assert judges.dilithium_verifies(key.public, message, blob[8:])
        assert not judges.dilithium_verifies(key.public, flipped(message, -1), blob[8:])
        assert not judges.dilithium_verifies(key.public, message, flipped(blob[8:], 99))


@foreign.needs("pymerkle")
def test_pymerkle_builds_the_same_tree_and_relates_both_heads(seen: Seen) -> None:
    first, head = seen.first, seen.head
    assert 0 < first.size < head.size
    tree = judges.pymerkle_tree(seen.entries)
    assert (tree.get_root(first.size), tree.get_root(head.size)) == (first.root, head.root)
    assert judges.pymerkle_consistent(tree, first.size, first.root, head.root)
    assert not judges.pymerkle_consistent(tree, first.size, flipped(first.root), head.root)
    assert not judges.pymerkle_consistent(tree, first.size, first.root, flipped(head.root))
    altered = [*seen.entries]
    altered[first.size // 2] = flipped(altered[first.size // 2], 9)
    assert judges.pymerkle_tree(altered).get_root(head.size) != head.root


def packed(*items: bytes) -> list[str]:
    return [base64.b64encode(item).decode() for item in items]


def aics_cases(seen: Seen) -> list[tuple[dict[str, Any], bool]]:
    """Each case as served, and tampered with."""
    head, first = seen.head, seen.first
    witnesses = [each.witness_key(COSIGNATURE).text for each in seen.partners]
    log = seen.us.log_key(ED25519).text
    asked = {"what": "checkpoint", "log": log, "witnesses": witnesses, "quorum": len(witnesses)}
    moved = head.note.replace(b"\n%d\n" % head.size, b"\n%d\n" % (head.size + 1))
    mark = f"\u2014 {seen.partners[0].witness_key(COSIGNATURE).name} "
    lone = "".join(f"{line}\n" for line in lines(head) if not line.startswith(mark))
    less = f"{head.text}\n{lone}".encode()
    cases: list[tuple[dict[str, Any], bool]] = [
        ({**asked, "note": packed(note)[0]}, good)
        for note, good in ((head.note, True), (moved, False), (less, False))
    ]
    for index in places(head.size):
        proof = packed(*inclusion_proof(index, head.size, seen.us))
        for entry, good in ((seen.entries[index], True), (flipped(seen.entries[index], 7), False)):
            entry64, root64 = packed(entry, head.root)
            case = {"what": "inclusion", "entry": entry64, "root": root64, "proof": proof}
            cases.append(({**case, "index": index, "size": head.size}, good))
    path = packed(*consistency_proof(first.size, head.size, seen.us))
    for old, good in ((first.root, True), (flipped(first.root, 5), False)):
        old64, root64 = packed(old, head.root)
        case = {"what": "consistency", "old_root": old64, "root": root64, "proof": path}
        cases.append(({**case, "old": first.size, "size": head.size}, good))
    tiles = {path: data for path, data in seen.us.raw.items() if path.startswith("tile/")}
    for name in (None, "tile/0/000", "tile/entries/000"):
        twin = {
            path: packed(flipped(data, 40) if name and path.startswith(name) else data)[0]
            for path, data in tiles.items()
        }
        case = {"what": "tiles", "size": head.size, "root": packed(head.root)[0], "tiles": twin}
        cases.append((case, name is None))
    return cases


@foreign.needs("aics-tlog")
def test_aics_tlog_agrees_on_every_case(seen: Seen) -> None:
    cases = aics_cases(seen)
    verdicts = judges.aics_verdicts([case for case, _ in cases])
    assert verdicts == [wanted for _, wanted in cases]


def proven(proof: bytes, statement: bytes) -> tuple[Head, int, bytes, list[bytes]]:
    """Head, index, leaf entry and path of a C2SP tlog-proof about a sealed statement."""
    top, note = proof.split(b"\n\n", 1)
    version, extra, index, *path = top.decode().split("\n")
    assert version == "c2sp.org/tlog-proof@v1"
    opening = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    salted = bytes.fromhex(opening["salt_s"]) + sha256(statement).digest()
    s = sha256(b"comity/statement/v1\n" + salted).hexdigest()
    entry = f'{{"e":"{opening["e"]}","s":"{s}","v":1}}'.encode()
    place = int(index.removeprefix("index "))
    return Head(note), place, entry, [base64.b64decode(line) for line in path]


@foreign.needs("sigstore", "openssl")
def test_sigstore_reads_the_proof_that_a_partner_holds(
    demo: Demo, logs: dict[str, Served], tmp_path: Path
) -> None:
    """Of the release that London was given: its place in Washington's log, without asking anyone."""
    held = next(
        item["id"]
        for item in demo.call("uk-analyst", "GET", "/packages").json()["items"]
        if item["state"] == "received"
    )
    file = demo.call("uk-analyst", "GET", f"/packages/{held}/file").content
    with zipfile.ZipFile(io.BytesIO(file)) as container:
        proof, release = (container.read(name) for name in ("proof.tlog-proof", "release.json"))
    key = logs[US].log_key(ED25519)
    log = (key.public, key.key_id)
    head, index, entry, path = proven(proof, release)
    assert judges.sigstore_accepts(head.note, log, (index, entry), path)
    blob = head.signature(logs[UK].witness_key(COSIGNATURE))
    message = f"cosignature/v1\ntime {int.from_bytes(blob[:8], 'big')}\n{head.text}".encode()
    witness = logs[UK].witness_key(COSIGNATURE)
    assert judges.openssl_verifies(witness.public, message, blob[8:], tmp_path)
    _, _, other, _ = proven(proof, flipped(release, 100))
    assert not judges.sigstore_accepts(head.note, log, (index, other), path)
    assert not judges.sigstore_accepts(head.note, log, (index ^ 1, entry), path)
