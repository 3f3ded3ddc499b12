#!/usr/bin/env python3
"""Second verifier of Comity: audit exports, proof files and misbehaviour proofs, in one file.

Written from PROTOCOL and docs/protocol-export.md; shares no code with the node. Needs Python 3.11
and `cryptography` 50 or newer, no network, and memory for one piece of the file at a time.

    python3 comity_verify.py FILE --membership membership.json [--statement statement.json]

Exit status: 0 verified, 3 not verified (with a code and a reason), 2 usage or no library.
"""

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, utils
except ImportError as problem:
    print(f"Install cryptography 50 or newer: nothing was verified ({problem}).", file=sys.stderr)
    sys.exit(2)

MIB = 1 << 20
SAFE = 2**53 - 1
EMPTY_TREE = hashlib.sha256(b"").digest()
LONG = ["entries.jsonl", "review.csv"]
SMALL = ["checkpoint", "proof/range.json", "policy", "keys.json", "membership.json"]
ORDER = [*LONG, *SMALL, "streams.json", "VERIFY.md", "comity_verify.py"]
MEMBER_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
HEX32 = re.compile(r"[0-9a-f]{64}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
MEMBER_NAME = re.compile(rb"(?=.{1,255}$)[A-Za-z][A-Za-z0-9_.]*(/[A-Za-z][A-Za-z0-9_.]*)?")
PURPOSES = {
    "seal": ("ES384", "ML-DSA-87"),
    "message": ("ES384", "ML-DSA-87"),
    "log": ("Ed25519",),
    "log-pq": ("ML-DSA-44",),
    "witness": ("Ed25519",),
    "witness-pq": ("ML-DSA-44",),
    "encryption": ("ML-KEM-1024",),
}


class VerificationError(Exception):
    """The file does not verify."""

    def __init__(self, code: str, reason: str, index: int | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.index = code, reason, index


def refuse(code: str, reason: str, index: int | None = None) -> NoReturn:
    """Stop with a code and a sentence."""
    raise VerificationError(code, reason, index)


# --- Encodings ---------------------------------------------------------------------


def b64(text: str, code: str) -> bytes:
    """Standard padded base64 that re-encodes to the same text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        refuse(code, "not base64")
    if base64.b64encode(data).decode() != text:
        refuse(code, "base64 in another spelling")
    return data


def b64u(text: Any, code: str) -> bytes:
    """Unpadded base64url that re-encodes to the same text."""
    if not isinstance(text, str):
        refuse(code, "base64url expected")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        refuse(code, "not base64url")
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        refuse(code, "base64url in another spelling")
    return data


def strict_json(data: bytes, *, floats: bool = False, canonical: bool = True) -> Any:
    """Read JSON: UTF-8, no duplicate members, safe integers; JCS unless told otherwise."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            refuse("json.duplicate-member", "a member is given twice")
        return found

    def integer(text: str) -> int:
        if len(text) > 17 or abs(int(text)) > SAFE:
            refuse("json.integer-range", "a number is beyond 2^53-1")
        return int(text)

    def real(text: str) -> float:
        if not floats:
            refuse("json.malformed", "a number is not an integer")
        return float(text)

    def constant(_: str) -> NoReturn:
        refuse("json.non-finite", "a number is not finite")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members,
            parse_int=integer,
            parse_float=real,
            parse_constant=constant,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        refuse("json.malformed", "not JSON in UTF-8")
    if canonical and jcs(value) != data:
        refuse("json.not-canonical", "not in canonical form")
    return value


def jcs(value: Any) -> bytes:
    """RFC 8785 for values without fractions and with plain member names."""
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()
    except UnicodeEncodeError:
        refuse("json.lone-surrogate", "a text holds half a character")


def closed(value: Any, names: str, code: str) -> dict[str, Any]:
    """An object of exactly these members."""
    if not isinstance(value, dict) or set(value) != set(names.split()):
        refuse(code, f"an object of exactly {names} is expected")
    return value


def whole(value: Any, code: str) -> int:
    """An integer from 0."""
    if type(value) is not int or value < 0:
        refuse(code, "a number from 0 is expected")
    return value


def hash_list(value: Any, code: str) -> list[bytes]:
    """A list of 32-byte hashes in hex."""
    if not isinstance(value, list) or len(value) > 128:
        refuse(code, "a list of hashes is expected")
    if not all(isinstance(item, str) and HEX32.fullmatch(item) for item in value):
        refuse(code, "a hash is 64 hex digits")
    return [bytes.fromhex(item) for item in value]


def digest(data: bytes) -> str:
    """The digest of bytes as the protocol writes it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


# --- Membership and signatures -----------------------------------------------------


class Key:
    """A key record."""

    def __init__(self, value: Any) -> None:
        code = "key.malformed"
        record = closed(value, "kid alg purpose public from until revoked_from", code)
        jwk = record["public"]
        kty = str(jwk.get("kty")) if isinstance(jwk, dict) else "?"
        texts = [record["purpose"], record["alg"], *(jwk.values() if kty != "?" else ())]
        if not all(isinstance(text, str) for text in texts):
            refuse(code, "a key record holds texts")
        parts = {"EC": "crv kty x y", "OKP": "crv kty x", "AKP": "alg kty pub"}.get(kty, "?")
        closed(jwk, parts, code)
        name = jwk["alg"] if kty == "AKP" else jwk["crv"]
        alg = {"P-384": "ES384", "P-256": "ES256"}.get(name, name)
        if record["alg"] != alg or alg not in PURPOSES.get(record["purpose"], ()):
            refuse("key.algorithm", "algorithm, key and purpose do not belong together")
        self.kid = base64.urlsafe_b64encode(hashlib.sha256(jcs(jwk)).digest()).rstrip(b"=").decode()
        if record["kid"] != self.kid:
            refuse(code, "a key is not named by its thumbprint")
        self.alg, self.purpose, self.jwk = alg, record["purpose"], jwk
        self.start = whole(record["from"], code)
        self.until, self.revoked = record["until"], record["revoked_from"]
        for bound in (self.until, self.revoked):
            if bound is not None:
                whole(bound, code)

    @property
    def raw(self) -> bytes:
        """Public key bytes of Ed25519 and ML-DSA keys."""
        return b64u(self.jwk.get("x") or self.jwk.get("pub"), "key.malformed")

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check a signature of a seal or message key."""
        try:
            if self.alg == "ML-DSA-87":
                mldsa.MLDSA87PublicKey.from_public_bytes(self.raw).verify(signature, data)
                return
            curve = ec.SECP384R1()
            point = b"\x04" + b"".join(b64u(self.jwk[axis], "key.malformed") for axis in "xy")
            key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
            r, s = (int.from_bytes(half) for half in (signature[:48], signature[48:]))
            if len(signature) != 96 or r == 0 or not 0 < s <= curve.group_order // 2:
                refuse("signature.malformed", "an ECDSA signature is not in its one form")
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA384()))
        except (InvalidSignature, ValueError):
            refuse("signature.false", "a signature is false")

    def signs_head(self, size: int | None) -> bool:
        """Whether a log key may have signed a head of this size (None: some head)."""
        if size is None:
            return True
        return self.start <= size and (self.until is None or size <= self.until)

    def check_bounds(self, index: int | None) -> None:
        """Whether the key was in force at an index of its owner's log."""
        if index is None:
            if self.until is not None or self.revoked is not None:
                refuse("time-unproven", "the signing key is no longer in use")
        elif index < self.start:
            refuse("key.not-yet-valid", "the key was not in use yet")
        elif self.revoked is not None and index >= self.revoked:
            refuse("key.revoked", "the key was revoked")
        elif self.until is not None and index >= self.until:
            refuse("key.retired", "the key was retired")


class Member:
    """A ministry of the membership."""

    def __init__(self, value: Any) -> None:
        code = "membership.malformed"
        entry = closed(value, "id jurisdiction name url origin keys", code)
        self.id, self.origin = entry["id"], entry["origin"]
        if not all(isinstance(entry[name], str) for name in entry if name != "keys"):
            refuse(code, "a member's entries are texts")
        if not MEMBER_ID.fullmatch(self.id) or not isinstance(entry["keys"], list):
            refuse(code, "a member has an id and a list of keys")
        self.keys = [Key(key) for key in entry["keys"]]

    def note_keys(
        self, purposes: tuple[str, str], name: str, size: int | None = None
    ) -> list["NoteKey"]:
        """Note keys of two purposes in order of the records, without revoked ones."""
        kinds = {"log": 1, "log-pq": 6, "witness": 4, "witness-pq": 6}
        return [
            NoteKey(name, kinds[key.purpose], key.raw)
            for key in self.keys
            if key.purpose in purposes and key.revoked is None and key.signs_head(size)
        ]

    @property
    def log_keys(self) -> list["NoteKey"]:
        """Keys of the log."""
        return self.note_keys(("log", "log-pq"), self.origin)

    def log_keys_at(self, size: int) -> list["NoteKey"]:
        """Keys of the log that were in use at a size."""
        return self.note_keys(("log", "log-pq"), self.origin, size)

    def check_in_use(self, size: int, signed: Iterable[tuple[str, bytes]]) -> None:
        """Whether each log key that signed a head of this size was in use at it."""
        in_use = {(key.name, key.id) for key in self.log_keys_at(size)}
        if any(each[0] == self.origin and each not in in_use for each in signed):
            refuse("checkpoint.retired-key", "a key of this log was not in use at this size")

    @property
    def witness_keys(self) -> list["NoteKey"]:
        """Keys of the witness."""
        return self.note_keys(("witness", "witness-pq"), self.origin + "/witness")


class Membership:
    """A membership file."""

    def __init__(self, raw: bytes) -> None:
        file = closed(strict_json(raw), "comity serial previous members", "membership.malformed")
        if file["comity"] != "1" or not isinstance(file["members"], list) or not file["members"]:
            refuse("membership.malformed", "a membership of protocol 1 lists members")
        self.raw, self.digest, self.previous = raw, digest(raw), file["previous"]
        self.members = [Member(value) for value in file["members"]]
        names = [m.origin for m in self.members] + [m.origin + "/witness" for m in self.members]
        kids = [key.kid for member in self.members for key in member.keys]
        for found in ([member.id for member in self.members], names, kids):
            if len(set(found)) != len(found):
                refuse("membership.duplicate", "an id, origin or key is listed twice")

    def member(self, name: Any) -> Member:
        """The member with this id."""
        for found in self.members:
            if found.id == name:
                return found
        refuse("membership.unknown-member", "the ministry is not a member")

    def partners(self, name: str) -> list[Member]:
        """All other members."""
        return [found for found in self.members if found.id != name]


def open_envelope(raw: bytes, typ: str) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """Payload of an envelope and its (kid, signature, signed bytes), ES384 first."""
    code = "envelope.malformed"
    value = strict_json(raw)
    extra = {"endorsements"} if isinstance(value, dict) and typ == "comity-statement" else set()
    if not isinstance(value, dict) or set(value) - extra != {"payload", "signatures"}:
        refuse(code, "an envelope has a payload and signatures")
    payload = b64u(value["payload"], code)
    algorithms = ("ES384", "ML-DSA-87")
    if not isinstance(value["signatures"], list) or len(value["signatures"]) != len(algorithms):
        refuse("envelope.signatures", "two signatures are needed")
    found = []
    for alg, item in zip(algorithms, value["signatures"], strict=True):
        entry = closed(item, "protected signature", "envelope.signatures")
        protected = b64u(entry["protected"], "envelope.protected")
        try:
            header = closed(strict_json(protected), "alg kid typ", "envelope.protected")
        except VerificationError:
            refuse("envelope.protected", "a header is not exactly alg, kid and typ")
        if header["alg"] != alg:
            refuse("envelope.signatures", "the signatures are ES384 and ML-DSA-87, in that order")
        if header["typ"] != typ:
            refuse("envelope.typ", "another kind of envelope belongs here")
        signed = f"{entry['protected']}.{value['payload']}".encode()
        found.append((header["kid"], b64u(entry["signature"], "envelope.signatures"), signed))
    return payload, found


def check_seal(
    raw: bytes, typ: str, member: Member, *, index: int | None = None, retired: bool = False
) -> bytes:
    """Verify an envelope by a member's keys; returns the payload."""
    payload, signatures = open_envelope(raw, typ)
    purpose = "message" if typ == "comity-message" else "seal"
    for alg, (kid, signature, signed) in zip(("ES384", "ML-DSA-87"), signatures, strict=True):
        key = next((key for key in member.keys if key.kid == kid), None)
        if key is None or key.purpose != purpose:
            refuse("key.unknown", "the signing key is not listed for this ministry and purpose")
        if key.alg != alg:
            refuse("key.algorithm", "the key has another algorithm")
        if not retired or key.revoked is not None:
            key.check_bounds(index)
        key.verify(signature, signed)
    return payload


# --- Signed notes, checkpoints, policies -------------------------------------------


class NoteKey:
    """A verifier key of C2SP signed-note."""

    def __init__(self, name: str, kind: int, public: bytes) -> None:
        self.name, self.kind, self.public = name, kind, public
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
        material = base64.b64encode(bytes([kind]) + public).decode()
        self.vkey = f"{name}+{self.id.hex()}+{material}"
        self.label = "ml-dsa-44" if kind == 6 else "ed25519"

    def verify(self, blob: bytes, text: str, head: "Head") -> int | None:
        """Check a signature blob over a checkpoint; returns its time."""
        when, message, signature = None, text.encode(), blob
        if self.kind != 1:
            when, signature = int.from_bytes(blob[:8]), blob[8:]
            message = f"cosignature/v1\ntime {when}\n{text}".encode()
        if self.kind == 6:
            name, origin = self.name.encode(), head.origin.encode()
            sizes = (when or 0, len(origin)), (0, head.size)
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + struct.pack(">QB", *sizes[0])
            message += origin + struct.pack(">QQ", *sizes[1]) + head.root
        wanted = 2420 if self.kind == 6 else 64
        if len(signature) != wanted or (when or 0) >= 2**63:
            refuse("note.signature", "a signature by a known key is malformed")
        try:
            if self.kind == 6:
                mldsa.MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            refuse("note.signature", "a signature by a known key is false")
        return when


class Head:
    """The body of a checkpoint."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines):
            refuse("checkpoint.malformed", "a checkpoint has three or more lines")
        self.origin, self.extensions = lines[0], lines[3:]
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1], re.ASCII) or int(lines[1]) >= 2**63:
            refuse("checkpoint.size", "the size is no plain number")
        self.size, self.root = int(lines[1]), b64(lines[2], "checkpoint.root")
        if len(self.root) != 32 or len(self.origin.encode()) > 255:
            refuse("checkpoint.root", "a root has 32 bytes")
        if self.size == 0 and self.root != EMPTY_TREE:
            refuse("checkpoint.empty-root", "the empty tree has another root")


def split_note(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Text of a note and its signature lines (name, key id, blob)."""
    try:
        body, gap, tail = note.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        refuse("note.malformed", "a note is UTF-8")
    if not gap or not tail.endswith("\n") or len(note) > MIB:
        refuse("note.malformed", "a note is text, an empty line and signatures")
    if any(c < " " and c != "\n" for c in body + tail):
        refuse("note.malformed", "a note holds no control characters")
    lines: list[tuple[str, bytes, bytes]] = []
    for line in tail[:-1].split("\n"):
        name, space, encoded = line.removeprefix("\u2014 ").partition(" ")
        if not line.startswith("\u2014 ") or not space or not name:
            refuse("note.signature-line", "a signature line is malformed")
        data = b64(encoded, "note.signature-line")
        if "+" in name or any(c.isspace() for c in name) or len(data) < 5 or len(lines) >= 128:
            refuse("note.signature-line", "a signature line is malformed")
        lines.append((name, data[:4], data[4:]))
    return body + "\n", lines


def open_head(
    note: bytes, log_keys: list[NoteKey], cosigners: list[NoteKey], *, strict: bool
) -> tuple[Head, dict[tuple[str, bytes], int | None]]:
    """Verify a checkpoint; returns it and the times of all verified signatures by (name, id)."""
    text, lines = split_note(note)
    head = Head(text)
    own = [key for key in log_keys if key.name == head.origin]
    if not own:
        refuse("checkpoint.unknown-origin", "no key is known for this log")
    known = {(key.name, key.id): key for key in [*own, *cosigners]}
    times: dict[tuple[str, bytes], int | None] = {}
    unknown = False
    for name, key_id, blob in lines:
        key = known.get((name, key_id))
        if key is None:
            unknown = True
            continue
        if strict and (name, key_id) in times:
            refuse("note.repeated-line", "a key has signed twice")
        times.setdefault((name, key_id), key.verify(blob, text, head))
    if not times:
        refuse("note.unsigned", "no known key has signed")
    if strict and unknown:
        refuse("note.unknown-line", "an unknown key has signed")
    if {key.kind for key in own if (key.name, key.id) in times} != {key.kind for key in own}:
        refuse("checkpoint.log-signature", "a signature of the log itself is missing")
    if strict and head.extensions:
        refuse("checkpoint.extension", "extension lines are not covered by all signatures")
    return head, times


def policy_text(membership: Membership, ministry: str, threshold: int) -> str:
    """The one policy that a membership gives for a ministry's log and a threshold."""
    lines = [f"log {key.vkey}" for key in membership.member(ministry).log_keys]
    partners = membership.partners(ministry)
    for member in partners:
        labels: dict[str, list[NoteKey]] = {}
        for key in member.witness_keys:
            labels.setdefault(key.label, []).append(key)
        for label, keys in labels.items():
            names = [f"{member.id}/{label}/{key.id.hex()}" for key in keys]
            lines += [f"witness {name} {key.vkey}" for name, key in zip(names, keys, strict=True)]
            lines.append(f"group {member.id}/{label} any {' '.join(names)}")
        lines.append(f"group {member.id} all {' '.join(f'{member.id}/{x}' for x in labels)}")
    if threshold:
        lines.append(f"group partners {threshold} {' '.join(member.id for member in partners)}")
    return "\n".join([*lines, "quorum partners" if threshold else "quorum none", ""])


def open_witnessed(
    note: bytes, membership: Membership, ministry: str, threshold: int
) -> tuple[Head, list[str], int | None]:
    """Verify a head strictly; returns it, the partners that cosigned and the newest time."""
    partners = membership.partners(ministry)
    cosigners = [key for member in partners for key in member.witness_keys]
    log_keys = membership.member(ministry).log_keys
    head, times = open_head(note, log_keys, cosigners, strict=True)
    membership.member(ministry).check_in_use(head.size, times)
    counted = []
    for member in partners:
        keys = member.witness_keys
        good = {key.label for key in keys if times.get((key.name, key.id))}
        if keys and good == {key.label for key in keys}:
            counted.append(member.id)
    if len(counted) < threshold:
        refuse("policy.quorum", "too few partners have cosigned")
    seen = [times[key.name, key.id] or 0 for key in cosigners if (key.name, key.id) in times]
    return head, counted, max(seen, default=None)


# --- Trees (RFC 6962) --------------------------------------------------------------


class Tree:
    """The right edge of a growing tree: roots of perfect subtrees by height."""

    def __init__(self, size: int, left: list[bytes], code: str) -> None:
        heights = [bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
        if len(heights) != len(left):
            refuse(code, "the left hashes do not fit the range")
        self.size, self.peaks = size, dict(zip(heights, left, strict=True))

    def add(self, nodes: list[bytes], height: int = 0) -> None:
        """Append subtrees of one height."""
        sha = hashlib.sha256
        self.size += len(nodes) << height
        while nodes:
            waiting = self.peaks.pop(height, None)
            row = nodes if waiting is None else [waiting, *nodes]
            if len(row) % 2:
                self.peaks[height] = row[-1]
            nodes = [
                sha(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)
            ]
            height += 1

    def add_right(self, size: int, right: list[bytes], code: str) -> None:
        """Append what lies between here and `size`."""
        for node in right:
            room = (size - self.size).bit_length() - 1
            if room < 0:
                refuse(code, "the right hashes do not fit the range")
            aligned = (self.size & -self.size).bit_length() - 1 if self.size else room
            self.add([node], min(room, aligned))
        if self.size != size:
            refuse(code, "the right hashes do not fit the range")

    def root(self) -> bytes:
        """The root."""
        result = None
        for height in sorted(self.peaks):
            peak = self.peaks[height]
            joined = b"\x01" + peak + (result or b"")
            result = peak if result is None else hashlib.sha256(joined).digest()
        return EMPTY_TREE if result is None else result


def inclusion_root(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """Root that an inclusion path leads to (RFC 6962 section 2.1.1, read recursively)."""
    if size == 1:
        if path:
            refuse("proof.length", "the path is too long")
        return leaf
    if not path:
        refuse("proof.length", "the path is too short")
    half = 1 << ((size - 1).bit_length() - 1)
    if index < half:
        pair = inclusion_root(index, half, leaf, path[:-1]) + path[-1]
    else:
        pair = path[-1] + inclusion_root(index - half, size - half, leaf, path[:-1])
    return hashlib.sha256(b"\x01" + pair).digest()


# --- Audit exports -----------------------------------------------------------------


class Container:
    """The zip of an export, compared byte for byte with the only one its directory allows."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        size = file.seek(0, 2)
        end = self.at(max(0, size - 22), 22)
        if len(end) != 22 or size >= 1 << 32:
            refuse("container.malformed", "not an export")
        count, length, start = struct.unpack("<4x4x2xHLL2x", end)
        directory = self.at(start, length)
        if start + length + 22 != size or count > 64:
            refuse("container.malformed", "not an export")
        self.places: dict[str, tuple[int, int, int]] = {}
        records, read = [], 0
        for _ in range(count):
            record = directory[read : read + 46]
            if len(record) != 46:
                refuse("container.malformed", "the directory is cut short")
            crc, stored, _, name_size = struct.unpack("<16xLLLH16x", record)
            name = directory[read + 46 : read + 46 + name_size]
            read += 46 + name_size
            if not MEMBER_NAME.fullmatch(name):
                refuse("container.member", "a member has a name that none may have")
            records.append((crc, stored, name))
        offset, rebuilt = 0, b""
        for crc, stored, name in records:
            name_size = len(name)
            varying = struct.pack("<LLLH", crc, stored, stored, name_size)
            head = b"\x14\0\0\0\0\0\0\0\x21\0" + varying + b"\0\0"
            if self.at(offset, 30 + name_size) != b"PK\3\4" + head + name:
                refuse("container.malformed", "a local header says something else")
            tail = struct.pack("<HHHLL", 0, 0, 0, 0o600 << 16, offset)
            rebuilt += b"PK\1\2\x14\3" + head + tail + name
            offset += 30 + name_size
            self.places[name.decode("ascii", "replace")] = (offset, stored, crc)
            offset += stored
            if offset > size:
                refuse("container.malformed", "a member is longer than the file")
        rebuilt += b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, count, count, len(rebuilt), offset, 0)
        if offset != start or rebuilt != directory + end or len(self.places) != count:
            refuse("container.malformed", "the container holds something else")

    def at(self, offset: int, length: int) -> bytes:
        """Bytes of the file."""
        self.file.seek(offset)
        return self.file.read(length)

    def pieces(self, name: str) -> Iterator[bytes]:
        """A member in pieces of at most a mebibyte."""
        if name not in self.places:
            refuse("container.missing", f"{name} is missing")
        offset, left, wanted = self.places[name]
        crc = 0
        while left:
            piece = self.at(offset, min(left, MIB))
            crc, offset, left = zlib.crc32(piece, crc), offset + len(piece), left - len(piece)
            yield piece
        if crc != wanted:
            refuse("container.checksum", f"{name} has changed")

    def small(self, name: str) -> bytes:
        """A whole member of at most 4 MiB."""
        if name in self.places and self.places[name][1] > 4 * MIB:
            refuse("container.too-large", f"{name} is too large")
        return b"".join(self.pieces(name))


def repacked(file: BinaryIO) -> BinaryIO | None:
    """The members of a zip that another program packed, in an export's container again."""
    try:
        with zipfile.ZipFile(file) as found:
            listed = found.infolist()
            if sum(each.file_size for each in listed) > 64 * MIB:
                return None
            order = [*ORDER, "manifest.json"]
            rank = {name: at for at, name in enumerate(order)}
            listed.sort(key=lambda each: rank.get(each.filename, len(order)))
            members = {each.filename.encode("ascii"): found.read(each) for each in listed}
    except (
        *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, ArithmeticError),
        *(EOFError, LookupError, NotImplementedError, OSError, RuntimeError, ValueError),
    ):
        return None
    if len(members) != len(listed) or not all(map(MEMBER_NAME.fullmatch, members)):
        return None
    target, directory = io.BytesIO(), b""
    for name, data in members.items():
        varying = struct.pack("<LLLH", zlib.crc32(data), len(data), len(data), len(name))
        head = b"\x14\0\0\0\0\0\0\0\x21\0" + varying + b"\0\0"
        tail = struct.pack("<HHHLL", 0, 0, 0, 0o600 << 16, target.tell())
        directory += b"PK\1\2\x14\3" + head + tail + name
        target.write(b"PK\3\4" + head + name + data)
    counts = (0, 0, len(members), len(members), len(directory), target.tell(), 0)
    target.write(directory + b"PK\5\6" + struct.pack("<HHHHLLH", *counts))
    return target


def check_export(file: BinaryIO, pinned: Membership | None, quorum: int) -> dict[str, Any]:
    """Check an export; one that was packed anew is refused for what is wrong inside, if it can."""
    try:
        Container(file)
    except VerificationError:
        inside = repacked(file)
        if inside is not None:
            Export(inside, pinned, quorum).run()
        raise
    return Export(file, pinned, quorum).run()


def read_manifest(payload: bytes) -> dict[str, Any]:
    """The manifest, its form checked."""
    code = "export.manifest"
    names = "comity ministry made_by tool purpose made_at range filter left_out tree_size"
    found = closed(strict_json(payload), names + " unwitnessed membership files", code)
    by = found["made_by"]
    closed(by, "node" if isinstance(by, dict) and "node" in by else "iss sub", code)
    closed(found["tool"], "name version", code)
    span = closed(found["range"], "from to", code)
    wanted, purpose = found["filter"], found["purpose"]
    texts = [found["ministry"], found["membership"], *by.values(), *found["tool"].values()]
    if found["comity"] != "1" or not all(isinstance(text, str) and text for text in texts):
        refuse(code, "a text is missing")
    if not isinstance(purpose, str) or not re.fullmatch(r"[^\x00-\x1f\x7f]{1,1000}", purpose):
        refuse(code, "the purpose is one line")
    if not isinstance(found["made_at"], str) or not INSTANT.fullmatch(found["made_at"]):
        refuse(code, "the time is malformed")
    numbers = [span["from"], span["to"], found["tree_size"], found["left_out"]]
    start, end, size, left_out = (whole(number, code) for number in numbers)
    whole(found["unwitnessed"], code)
    if not start <= end <= size or left_out > (0 if wanted is None else end - start):
        refuse(code, "the numbers contradict each other")
    if wanted is not None and not isinstance(wanted, dict):
        refuse(code, "the filter is no object")
    for part in (wanted or {}).values():
        items = part if isinstance(part, list) else [part]
        if type(part) is not int and not all(isinstance(item, str) for item in items):
            refuse(code, "the filter is malformed")
    files = found["files"]
    optional = {"streams.json"} if isinstance(files, dict) and "streams.json" in files else set()
    closed(files, " ".join(n for n in ORDER if n != "streams.json" or n in optional), code)
    for entry in files.values():
        item = closed(entry, "sha256 size", code)
        whole(item["size"], code)
        if not isinstance(item["sha256"], str) or not HEX32.fullmatch(item["sha256"]):
            refuse(code, "a file's hash is malformed")
    return found


def check_listed(member: Member, pinned: Membership | None) -> None:
    """Compare a member with the pinned membership."""
    members = pinned.members if pinned else []
    known = next((found for found in members if found.id == member.id), None)
    if known is None or known.origin != member.origin:
        refuse("export.unlisted", "the pinned membership lists another member")
    listed = {key.vkey for key in known.log_keys + known.witness_keys}
    if not listed.issuperset(key.vkey for key in member.log_keys + member.witness_keys):
        refuse("export.unlisted", "the pinned membership does not list a key used")


class Export:
    """An audit export under judgement."""

    def __init__(self, file: BinaryIO, pinned: Membership | None, quorum: int) -> None:
        self.zip, self.pinned, self.quorum = Container(file), pinned, quorum
        self.envelope = self.zip.small("manifest.json")
        self.manifest = read_manifest(open_envelope(self.envelope, "comity-manifest")[0])
        files = self.manifest["files"]
        if list(self.zip.places) != [*(name for name in ORDER if name in files), "manifest.json"]:
            refuse("export.members", "the members are not those of the manifest")
        self.small = {name: self.zip.small(name) for name in ORDER[2:] if name in files}
        for name, data in self.small.items():
            self.compare(name, hashlib.sha256(data).hexdigest(), len(data))
        self.inside = Membership(self.small["membership.json"])

    def compare(self, name: str, sha256: str, size: int) -> None:
        """Compare a member with the manifest."""
        if self.manifest["files"][name] != {"sha256": sha256, "size": size}:
            refuse("export.digest", f"{name} is not the one that the manifest names")

    def run(self) -> dict[str, Any]:
        """All steps of protocol-export section 7."""
        inside, pinned, ministry = self.inside, self.pinned, self.manifest["ministry"]
        if inside.digest != self.manifest["membership"]:
            refuse("export.membership", "the membership is not the manifest's")
        if pinned is not None and inside.digest not in (pinned.digest, pinned.previous):
            refuse("export.membership", "pin the membership in force when the export was made")
        inside.member(ministry)
        for member in inside.members if pinned is not None else ():
            check_listed(member, pinned)
        check_seal(self.envelope, "comity-manifest", (pinned or inside).member(ministry))
        threshold = self.check_policy(ministry)
        note = self.small["checkpoint"]
        head, cosigners, when = open_witnessed(note, inside, ministry, threshold)
        if head.size != self.manifest["tree_size"]:
            refuse("export.tree-size", "manifest and head name different sizes")
        counts = self.check_entries(ministry, head)
        span = self.manifest["range"]
        return {
            "kind": "export",
            "origin_proven": pinned is not None,
            "ministry": ministry,
            "from": span["from"],
            "to": span["to"],
            "tree_size": head.size,
            "root": head.root.hex(),
            "purpose": self.manifest["purpose"],
            "made_at": self.manifest["made_at"],
            "threshold": threshold,
            "partners": len(inside.partners(ministry)),
            "cosigned_by": cosigners,
            "witnessed_at": when,
            **counts,
        }

    def check_policy(self, ministry: str) -> int:
        """Derive policy and keys again; returns the threshold."""
        count = len(self.inside.partners(ministry))
        text = self.small["policy"]
        options = range(1, count + 1) if count else [0]
        found = [k for k in options if policy_text(self.inside, ministry, k).encode() == text]
        if not found:
            refuse("export.policy", "the policy does not follow from the membership")
        if found[0] < min(self.quorum, count):
            refuse("export.quorum", "the policy asks for too few partners")
        keys = {
            "comity": "1",
            "ministry": ministry,
            "membership": self.inside.digest,
            "log": [key.vkey for key in self.inside.member(ministry).log_keys],
            "witnesses": {
                member.id: [key.vkey for key in member.witness_keys]
                for member in self.inside.partners(ministry)
            },
        }
        if jcs(keys) != self.small["keys.json"]:
            refuse("export.keys", "the keys do not follow from the membership")
        return found[0]

    def check_entries(self, ministry: str, head: Head) -> dict[str, int]:
        """Follow the entries to the root and compare both long members."""
        manifest, code = self.manifest, "export.range"
        proof = strict_json(self.small["proof/range.json"])
        proof = closed(proof, "from to tree_size left right", code)
        start, end = manifest["range"]["from"], manifest["range"]["to"]
        if (proof["from"], proof["to"], proof["tree_size"]) != (start, end, head.size):
            refuse(code, "manifest and range proof differ")
        tree = Tree(start, hash_list(proof["left"], code), "range.proof")
        right = hash_list(proof["right"], code)
        walk = Walk(ministry, start)
        sha = hashlib.sha256()
        for lines in self.lines(sha):
            tree.add([walk.leaf(line) for line in lines])
        self.compare("entries.jsonl", sha.hexdigest(), self.zip.places["entries.jsonl"][1])
        if walk.next != end:
            refuse("export.order", "entries are missing or too many", walk.next)
        tree.add_right(head.size, right, "range.proof")
        if tree.root() != head.root:
            refuse("export.root", "the entries do not lead to the cosigned head")
        if walk.counts["withheld"] != manifest["left_out"]:
            refuse("export.left-out", "another number of entries is left out")
        actual, size = hashlib.sha256(), 0
        for piece in self.zip.pieces("review.csv"):
            actual.update(piece)
            size += len(piece)
        self.compare("review.csv", actual.hexdigest(), size)
        if actual.digest() != walk.review.digest():
            refuse("export.review", "the review copy does not follow from the entries")
        return walk.counts

    def lines(self, sha: Any) -> Iterator[list[bytes]]:
        """Lines of entries.jsonl, as many at once as one piece holds."""
        rest = b""
        for piece in self.zip.pieces("entries.jsonl"):
            sha.update(piece)
            *found, rest = (rest + piece).split(b"\n")
            yield found
            if len(rest) > MIB:
                refuse("export.line", "a line is too long")
        if rest:
            refuse("export.line", "the last line has no end")


SHOWN = re.compile(
    rb'{"e":"([0-9a-f]{64})",(?:"envelope":"sha256:([0-9a-f]{64})",)?'
    rb'"event":(?:"([A-Za-z0-9_-]+)"|null,"gap":"(erased|lost)"),"index":(0|[1-9][0-9]{0,15}),'
    rb'"s":"([0-9a-f]{64})","salt_e":(?:"([0-9a-f]{64})"|null)'
    rb'(?:,"salt_s":"([0-9a-f]{64})","statement":"(sha256:[0-9a-f]{64})")?}'
)
HIDDEN = re.compile(rb'{"index":(0|[1-9][0-9]{0,15}),"leaf":"([0-9a-f]{64})"}')
HEADER = (
    "index,time,act,outcome,code,actor,issuer,role,object,object_id,version,origin,statement,note"
)


class Walk:
    """Lines in order: leaf hashes, counts, and the review copy they give."""

    def __init__(self, ministry: str, start: int) -> None:
        self.ministry, self.next = ministry, start
        self.counts = {"disclosed": 0, "gaps": 0, "withheld": 0}
        header = ",".join(f'"{name}"' for name in HEADER.split(",")) + "\r\n"
        self.review = hashlib.sha256(header.encode())

    def step(self, index: bytes) -> int:
        """Compare a line's index with the one that must come next; returns it."""
        here = self.next
        if int(index) != here:
            refuse("export.order", "an entry is missing, repeated or out of order", here)
        self.next += 1
        return here

    def leaf(self, line: bytes) -> bytes:
        """Leaf hash of the next line."""
        found = SHOWN.fullmatch(line)
        if found is None:
            return self.hidden(line)
        e, envelope, event, gap, index, s, salt_e, salt_s, statement = found.groups()
        if (event is None) is not (salt_e is None) or (envelope is None) is not (salt_s is None):
            refuse("export.line", "an opening is incomplete", self.next)
        body = b"" if event is None else self.event(event)
        here = self.step(index)
        if event is not None:
            self.check(e, b"comity/event/v1\n", salt_e, body, here)
        if envelope is not None:
            self.check(s, b"comity/statement/v1\n", salt_s, bytes.fromhex(envelope.decode()), here)
        named = (statement or b"").decode()
        if event is None:
            self.counts["gaps"] += 1
            self.review.update(f'"{here}"{HOLES},"{named}","{gap.decode()}"\r\n'.encode())
        else:
            self.counts["disclosed"] += 1
            self.review.update(self.row(body, named, here))
        return hashlib.sha256(b'\0{"e":"' + e + b'","s":"' + s + b'","v":1}').digest()

    def hidden(self, line: bytes) -> bytes:
        """Leaf hash of a line that the filter left out."""
        found = HIDDEN.fullmatch(line)
        if found is None:
            refuse("export.line", "a line is not in its one form", self.next)
        here = self.step(found[1])
        self.counts["withheld"] += 1
        self.review.update(f'"{here}"{HOLES},"","withheld"\r\n'.encode())
        return bytes.fromhex(found[2].decode())

    def check(self, wanted: bytes, prefix: bytes, salt: bytes, body: bytes, index: int) -> None:
        """Compare a commitment with its opening."""
        opened = hashlib.sha256(prefix + bytes.fromhex(salt.decode()) + body).hexdigest()
        if opened != wanted.decode():
            what = "event" if prefix.startswith(b"comity/event") else "statement"
            refuse(f"export.{what}", f"the {what} is not the one committed to", index)

    def event(self, text: bytes) -> bytes:
        """Event bytes from base64url with zero unused bits."""
        rest = len(text) % 4
        last = {0: None, 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}.get(rest, b"")
        if last is not None and text[-1] not in last:
            refuse("export.line", "an event is not in its one form", self.next)
        return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))

    def row(self, body: bytes, statement: str, index: int) -> bytes:
        """The review row of a disclosed event."""
        try:
            event = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            refuse("export.event", "an event is no JSON object", index)
        if event.get("ministry") != self.ministry:
            refuse("export.ministry", "an event was recorded by another ministry", index)
        actor, about = event.get("actor"), event.get("object")
        actor = actor if isinstance(actor, dict) else {}
        about = about if isinstance(about, dict) else {}
        who, thing, get = actor.get, about.get, event.get
        values = (
            *(get("time"), get("act"), get("outcome"), get("code")),
            *(actor["sub"] if "sub" in actor else who("kind"), who("iss"), who("role")),
            *(thing("kind"), thing("id"), thing("version"), get("origin")),
        )
        cells = [str(index), *map(cell, values), statement, ""]
        return ('"' + '","'.join(cells) + '"\r\n').encode("utf-8", "surrogatepass")


HOLES = ',""' * 11


def cell(value: Any) -> str:
    """A value as a spreadsheet may see it."""
    if value is None:
        return ""
    text = value if type(value) is str else str(value) if type(value) is int else ""
    if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        text = "'" + text
    return text.replace('"', '""') if '"' in text else text


# --- Proof files and misbehaviour proofs -------------------------------------------


def read_proof(data: bytes) -> tuple[bytes | None, int, list[bytes], bytes]:
    """The extra data, index, path and checkpoint of a proof file."""
    code = "proof-file.malformed"
    head_part, gap, note = data.partition(b"\n\n")
    lines = head_part.decode("ascii", "replace").split("\n")
    if not gap or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        refuse(code, "not a proof file")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64(lines.pop(0)[6:], "proof-file.extra")
    if not lines or not re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[0]):
        refuse("proof-file.index", "the index is missing")
    index = int(lines.pop(0)[6:])
    path = [b64(line, "proof-file.hash") for line in lines]
    if len(path) > 64 or any(len(item) != 32 for item in path):
        refuse("proof-file.hash", "a hash has 32 bytes")
    return extra, index, path, note


def check_proof(
    data: bytes, membership: Membership, quorum: int, statement: bytes | None, leaf: bytes | None
) -> dict[str, Any]:
    """A tlog-proof of a sealed statement, or of a leaf hash."""
    extra, index, path, note = read_proof(data)
    if (statement is None) is not (extra is None):
        refuse("proof-file.extra", "an extra line holds the opening of a statement, or is absent")
    if statement is not None:
        leaf = statement_leaf(extra or b"", statement)
    origin = Head(split_note(note)[0]).origin
    owner = next((m for m in membership.members if m.origin == origin), None)
    if owner is None:
        refuse("checkpoint.unknown-origin", "no member has this log")
    threshold = min(quorum, len(membership.partners(owner.id)))
    head, cosigners, when = open_witnessed(note, membership, owner.id, threshold)
    if index >= head.size:
        refuse("proof.range", "the index lies beyond the tree")
    if inclusion_root(index, head.size, leaf or b"", path) != head.root:
        refuse("proof.root-mismatch", "the proof does not lead to the head")
    if statement is not None:
        payload = check_seal(statement, "comity-statement", owner, index=index)
        sealed = strict_json(payload, floats=True, canonical=False)
        if not isinstance(sealed, dict) or sealed.get("issuer") != owner.id:
            refuse("proof.issuer", "the statement was issued by another ministry")
    return {
        "kind": "proof",
        "ministry": owner.id,
        "index": index,
        "tree_size": head.size,
        "cosigned_by": cosigners,
        "witnessed_at": when,
    }


def statement_leaf(extra: bytes, statement: bytes) -> bytes:
    """Leaf hash of a sealed statement by its opening."""
    opening = closed(strict_json(extra), "e salt_s", "leaf.opening")
    e, salt = hash_list([opening["e"], opening["salt_s"]], "leaf.opening")
    raw = hashlib.sha256(statement).digest()
    s = hashlib.sha256(b"comity/statement/v1\n" + salt + raw).hexdigest()
    return hashlib.sha256(b"\0" + jcs({"e": e.hex(), "s": s, "v": 1})).digest()


def check_misbehaviour(data: bytes, membership: Membership) -> dict[str, Any]:
    """A misbehaviour proof."""
    code = "misbehaviour.malformed"
    proof = closed(strict_json(data), "comity kind ministry evidence", code)
    kind, member = proof["kind"], membership.member(proof["ministry"])
    if proof["comity"] != "1":
        refuse(code, "another protocol version")
    if kind == "inconsistent-heads":
        check_heads(closed(proof["evidence"], "first second left right", code), member)
    elif kind in ("message-number-reuse", "statement-equivocation"):
        typ = "comity-message" if kind.startswith("message") else "comity-statement"
        evidence = closed(proof["evidence"], "first second", code)
        check_pair([jcs(evidence[name]) for name in ("first", "second")], typ, member)
    elif kind == "held-denied":
        check_denial(closed(proof["evidence"], "first second", code), member, membership)
    else:
        refuse(code, "an unknown kind")
    return {"kind": "misbehaviour", "ministry": member.id, "misbehaviour": kind}


def open_in_use(note: bytes, member: Member) -> Head:
    """A head by the keys that were in use at its size."""
    keys = member.log_keys_at(Head(split_note(note)[0]).size)
    if {key.kind for key in keys} != {key.kind for key in member.log_keys}:
        refuse("checkpoint.retired-key", "a key of this log was not in use at this size")
    return open_head(note, keys, [], strict=False)[0]


def check_heads(evidence: dict[str, Any], member: Member) -> None:
    """Two heads that cannot both be of one log."""
    code = "misbehaviour.malformed"
    notes = [evidence["first"], evidence["second"]]
    if not all(isinstance(note, str) for note in notes):
        refuse(code, "a head is a text")
    small, large = (open_in_use(note.encode(), member) for note in notes)
    left, right = hash_list(evidence["left"], code), hash_list(evidence["right"], code)
    if small.size > large.size or (small.size == large.size and (left or right)):
        refuse(code, "the smaller head comes first, and equal ones need no hashes")
    prefix = large.root
    if small.size != large.size:
        prefix = Tree(small.size, left, "range.proof").root()
        tree = Tree(small.size, left, "range.proof")
        tree.add_right(large.size, right, "range.proof")
        if tree.root() != large.root:
            refuse("misbehaviour.not-shown", "the hashes do not lead to the larger head")
    if prefix == small.root:
        refuse("misbehaviour.not-shown", "one head is merely older")


def check_pair(envelopes: list[bytes], typ: str, member: Member) -> None:
    """Two envelopes under one number."""
    payloads = [check_seal(raw, typ, member, retired=True) for raw in envelopes]
    texts = ["from", "to"] if typ == "comity-message" else ["issuer", "thread"]
    numbers = ["epoch", "seq"] if typ == "comity-message" else ["seq"]
    places = []
    for payload in payloads:
        value = strict_json(payload, floats=True, canonical=False)
        value = value if isinstance(value, dict) else {}
        words, counts = [value.get(n) for n in texts], [value.get(n) for n in numbers]
        good = all(type(w) is str for w in words) and all(type(n) is int for n in counts)
        if words[0] != member.id or not good:
            refuse("misbehaviour.not-shown", "it takes no number of the accused")
        places.append(words + counts)
    if payloads[0] == payloads[1] or places[0] != places[1]:
        refuse("misbehaviour.not-shown", "these are not two contents under one number")


def check_denial(evidence: dict[str, Any], member: Member, membership: Membership) -> None:
    """An answer "I hold no more than this", and a head that was cosigned before it."""
    if not isinstance(evidence["second"], str):
        refuse("misbehaviour.malformed", "a head is a text")
    body = strict_json(check_seal(jcs(evidence["first"]), "comity-message", member, retired=True))
    body = body if isinstance(body, dict) else {}
    if body.get("kind") != "held" or body.get("from") != member.id:
        refuse("misbehaviour.not-shown", "the first is no answer of the accused")
    held = closed(body.get("body"), "size root stated_at", "message.held")
    owner, witnesses = membership.member(body.get("to")), member.witness_keys
    note = evidence["second"].encode()
    in_use = owner.log_keys_at(Head(split_note(note)[0]).size)
    if {key.kind for key in in_use} != {key.kind for key in owner.log_keys}:
        refuse("checkpoint.retired-key", "a key of this log was not in use at this size")
    head, times = open_head(note, in_use, witnesses, strict=False)
    signed = {key.kind: times[key.name, key.id] for key in witnesses if (key.name, key.id) in times}
    if set(signed) != {key.kind for key in witnesses}:
        refuse("misbehaviour.not-shown", "the accused has not cosigned this head")
    try:
        stated = datetime.fromisoformat(str(held["stated_at"]))
    except ValueError:
        refuse("message.held", "an answer says when it was given")
    after = any((when or 0) >= int(stated.timestamp()) for when in signed.values())
    if after or head.size <= whole(held["size"], "message.held"):
        refuse("misbehaviour.not-shown", "the accused did not hold this head when it answered")


# --- Command line ------------------------------------------------------------------


def verify(options: argparse.Namespace) -> dict[str, Any]:
    """Judge one file by what it is."""
    pinned = Membership(Path(options.membership).read_bytes()) if options.membership else None
    with Path(options.file).open("rb") as file:
        start = file.read(8)
        if start.startswith(b"PK"):
            report = check_export(file, pinned, options.quorum)
            if pinned is None and not options.integrity_only:
                refuse("origin-unproven", "intact, origin unproven: give --membership")
            return report
        if pinned is None:
            refuse("origin-unproven", "give the pinned membership")
        data = start + file.read(64 * MIB)
    if start.startswith(b"{"):
        return check_misbehaviour(data, pinned)
    statement = Path(options.statement).read_bytes() if options.statement else None
    leaf = bytes.fromhex(options.leaf) if options.leaf else None
    if (statement is None) is (leaf is None):
        refuse("usage", "a proof file needs --statement or --leaf")
    return check_proof(data, pinned, options.quorum, statement, leaf)


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--membership", help="the pinned membership file")
    parser.add_argument("--statement", help="the sealed statement that a proof file is about")
    parser.add_argument("--leaf", help="a leaf hash in hex, in place of --statement")
    parser.add_argument("--quorum", type=int, default=1, help="least number of partners")
    parser.add_argument("--integrity-only", action="store_true", help="accept unproven origin")
    options = parser.parse_args(arguments)
    try:
        report = {"ok": True, **verify(options)}
    except VerificationError as refusal:
        report = {"ok": False, "code": refusal.code, "reason": refusal.reason}
        if refusal.index is not None:
            report["index"] = refusal.index
    except OSError as problem:
        report = {"ok": False, "code": "usage", "reason": str(problem)}
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as problem:
        # Nothing that cannot be read verifies.
        reason = f"cannot be read ({type(problem).__name__})"
        report = {"ok": False, "code": "unreadable", "reason": reason}
    print(json.dumps(report, sort_keys=True))
    if report["ok"]:
        return 0
    return 2 if report["code"] == "usage" else 3


if __name__ == "__main__":
    sys.exit(main())
