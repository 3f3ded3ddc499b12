"""Documents of an audit export other than its entries: manifest, range proof, keys.

Owns their exact forms. The manifest is the payload of an envelope of typ ``comity-manifest``,
sealed by the ministry; it names the SHA-256 and size of every other member. Must not do Merkle
mathematics or judge signatures (`api.domain.audit_export`).

Format: docs/protocol-export.md. Refusal codes: ``export.manifest``, ``export.range``,
``export.keys``; ``json.*``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.wire import canonical
from api.wire.canonical import Json
from api.wire.errors import WireError
from api.wire.members import MINISTRY, Members

VERSION: Final = "1"

MANIFEST: Final = "manifest.json"
ENTRIES: Final = "entries.jsonl"
CHECKPOINT: Final = "checkpoint"
RANGE: Final = "proof/range.json"
POLICY: Final = "policy"
KEYS: Final = "keys.json"
MEMBERSHIP: Final = "membership.json"
REVIEW: Final = "review.csv"
STREAMS: Final = "streams.json"
GUIDE: Final = "VERIFY.md"
VERIFIER: Final = "comity_verify.py"

COVERED: Final = (
    ENTRIES,
    REVIEW,
    CHECKPOINT,
    RANGE,
    POLICY,
    KEYS,
    MEMBERSHIP,
    STREAMS,
    GUIDE,
    VERIFIER,
)
"""Members that the manifest covers, in the order of the file; only `STREAMS` may be absent."""

SMALL: Final = 4 << 20
"""Most bytes of any member but `ENTRIES` and `REVIEW`."""

_MOST_HASHES: Final = 64
_PURPOSE: Final = re.compile(r"[^\x00-\x1f\x7f]+")
_TOOL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileDigest:
    """SHA-256 (hex) and size in bytes of a member."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a ministry seals about an export.

    Attributes:
        ministry: Whose log is exported.
        made_by: ``{"iss", "sub"}`` of the officer, or ``{"node": ministry}``.
        tool: Name of the program.
        tool_version: Its version.
        purpose: Why the export was made, in one line.
        made_at: Instant, by the node's clock.
        start: First leaf index.
        end: Leaf index after the last.
        filter: What was asked for, None for everything.
        left_out: Number of withheld lines.
        tree_size: Size of the cosigned head in the export.
        unwitnessed: Leaves the node had beyond that head when the export was made.
        membership: Digest of the membership in the export.
        files: SHA-256 and size of every member but the manifest.
    """

    ministry: str
    made_by: Mapping[str, str] = field(hash=False)
    tool: str
    tool_version: str
    purpose: str
    made_at: str
    start: int
    end: int
    filter: Mapping[str, Json] | None = field(hash=False)
    left_out: int
    tree_size: int
    unwitnessed: int
    membership: str
    files: Mapping[str, FileDigest] = field(hash=False)

    def payload(self) -> bytes:
        """JCS bytes to seal.

        Raises:
            WireError: ``export.manifest`` when they would not read back.
        """
        files = {
            name: {"sha256": file.sha256, "size": file.size} for name, file in self.files.items()
        }
        data = canonical.canonical(
            {
                "comity": VERSION,
                "ministry": self.ministry,
                "made_by": dict(self.made_by),
                "tool": {"name": self.tool, "version": self.tool_version},
                "purpose": self.purpose,
                "made_at": self.made_at,
                "range": {"from": self.start, "to": self.end},
                "filter": None if self.filter is None else dict(self.filter),
                "left_out": self.left_out,
                "tree_size": self.tree_size,
                "unwitnessed": self.unwitnessed,
                "membership": self.membership,
                "files": files,
            }
        )
        parse_manifest(data)
        return data


_CODE: Final = "export.manifest"
_MEMBERS: Final = (
    "comity",
    "ministry",
    "made_by",
    "tool",
    "purpose",
    "made_at",
    "range",
    "filter",
    "left_out",
    "tree_size",
    "unwitnessed",
    "membership",
    "files",
)


def parse_manifest(payload: bytes) -> Manifest:
    """Read the payload of a manifest strictly.

    Raises:
        WireError: ``export.manifest`` or ``json.*``.
    """
    value = canonical.parse_canonical(payload, limit=SMALL)
    members = Members(value, _CODE, _MEMBERS)
    members.word("comity", (VERSION,))
    tool = Members(members.raw("tool"), _CODE, ("name", "version"))
    bounds = Members(members.raw("range"), _CODE, ("from", "to"))
    manifest = Manifest(
        ministry=members.text("ministry", MINISTRY),
        made_by=_made_by(members.raw("made_by")),
        tool=tool.text("name", _TOOL, 100),
        tool_version=tool.text("version", _TOOL, 100),
        purpose=members.text("purpose", _PURPOSE, 1000),
        made_at=members.instant("made_at"),
        start=bounds.integer("from"),
        end=bounds.integer("to"),
        filter=None if members.raw("filter") is None else _filter(members.raw("filter")),
        left_out=members.integer("left_out"),
        tree_size=members.integer("tree_size"),
        unwitnessed=members.integer("unwitnessed"),
        membership=members.digest("membership"),
        files=_files(members.raw("files")),
    )
    if not manifest.start <= manifest.end <= manifest.tree_size:
        raise members.refusal("Keep the range within the tree.")
    if manifest.left_out > (manifest.end - manifest.start if manifest.filter is not None else 0):
        raise members.refusal("Leave entries out only where a filter says which.")
    return manifest


def _filter(value: Json) -> dict[str, Json]:
    """A filter has texts, whole numbers and lists of texts: nothing that is written two ways."""
    refusal = WireError(_CODE, "Give the filter as an object of texts, numbers and lists.")
    if not isinstance(value, dict):
        raise refusal
    for part in value.values():
        texts = part if isinstance(part, list) else [part]
        if not all(isinstance(text, str) for text in texts) and type(part) is not int:
            raise refusal
    return value


def _made_by(value: Json) -> dict[str, str]:
    names = ("node",) if isinstance(value, dict) and "node" in value else ("iss", "sub")
    entry = Members(value, _CODE, names)
    return {name: entry.text(name) for name in names}


def _files(value: Json) -> dict[str, FileDigest]:
    present = set(value) if isinstance(value, dict) else set()
    names = [name for name in COVERED if name != STREAMS or name in present]
    members = Members(value, _CODE, names)
    files = {}
    for name in names:
        entry = Members(members.raw(name), _CODE, ("sha256", "size"))
        files[name] = FileDigest(entry.text("sha256", _SHA256), entry.integer("size"))
    return files


@dataclass(frozen=True, slots=True)
class RangeProof:
    """Hashes (32 bytes each) that stand for the leaves left and right of a range."""

    start: int
    end: int
    tree_size: int
    left: tuple[bytes, ...]
    right: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """JCS bytes of ``proof/range.json``."""
        return canonical.canonical(
            {
                "from": self.start,
                "to": self.end,
                "tree_size": self.tree_size,
                "left": [item.hex() for item in self.left],
                "right": [item.hex() for item in self.right],
            }
        )


def parse_range(data: bytes) -> RangeProof:
    """Read ``proof/range.json``.

    Raises:
        WireError: ``export.range`` or ``json.*``.
    """
    value = canonical.parse_canonical(data, limit=SMALL)
    members = Members(value, "export.range", ("from", "to", "tree_size", "left", "right"))
    return RangeProof(
        members.integer("from"),
        members.integer("to"),
        members.integer("tree_size"),
        members.hashes("left", _MOST_HASHES),
        members.hashes("right", 2 * _MOST_HASHES),
    )


def keys_document(
    ministry: str, membership: str, log: Sequence[str], witnesses: Mapping[str, Sequence[str]]
) -> bytes:
    """JCS bytes of ``keys.json``.

    Args:
        ministry: Whose log is exported.
        membership: Digest of the membership that lists the keys.
        log: Verifier keys (vkey texts) of the log.
        witnesses: Verifier keys of the other members' witnesses, by member.
    """
    return canonical.canonical(
        {
            "comity": VERSION,
            "ministry": ministry,
            "membership": membership,
            "log": list(log),
            "witnesses": {name: list(keys) for name, keys in witnesses.items()},
        }
    )
