"""The membership: who takes part, where, and with which keys.

Owns the pinned file of PROTOCOL §4, JCS ``{comity, serial, previous, members}``. A node pins its
digest; every key used to verify anything comes from here. It must not decide whether a key was
valid at some index (`api.wire.keys.check_bounds`) nor whether this membership is the pinned one.

Refusal codes: ``membership.malformed``, ``membership.duplicate``, ``membership.unknown-member``;
``key.*`` and ``json.*``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from api.wire import canonical, digests, limits
from api.wire.canonical import Json
from api.wire.errors import WireError
from api.wire.keys import KeyRecord, Purpose
from api.wire.members import JURISDICTION, MINISTRY, Members

VERSION: Final = "1"
WITNESS_SUFFIX: Final = "/witness"

_CODE: Final = "membership.malformed"
_MOST_MEMBERS: Final = 256
_MOST_KEYS: Final = 256
# A log's key name (C2SP signed-note): no spaces, no plus; 255 bytes with the witness suffix.
_ORIGIN: Final = re.compile(r"[a-z0-9][a-z0-9./:_-]{0,246}", re.ASCII)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_URL: Final = re.compile(r"https?://[!-~]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """One ministry.

    Attributes:
        id: Such as ``us-treasury``.
        jurisdiction: Such as ``US``.
        name: For people.
        url: Base address of its node, without trailing slash.
        origin: Origin of its log, and key name of the log's signatures.
        keys: Every key it has used, with bounds.
    """

    id: str
    jurisdiction: str
    name: str
    url: str
    origin: str
    keys: tuple[KeyRecord, ...]

    @property
    def witness_name(self) -> str:
        """Key name of the ministry's cosignatures."""
        return self.origin + WITNESS_SUFFIX

    def keys_for(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        """Return the records of one purpose, current and former."""
        return tuple(record for record in self.keys if record.purpose is purpose)

    def to_json(self) -> dict[str, Json]:
        """Return the member as protocol JSON."""
        return {
            "id": self.id,
            "jurisdiction": self.jurisdiction,
            "name": self.name,
            "url": self.url,
            "origin": self.origin,
            "keys": [record.to_json() for record in self.keys],
        }

    @classmethod
    def from_json(cls, value: Json) -> "Member":
        """Read one member.

        Raises:
            WireError: ``membership.malformed``, ``key.*``.
        """
        entry = Members(value, _CODE, ("id", "jurisdiction", "name", "url", "origin", "keys"))
        return cls(
            id=entry.text("id", MINISTRY),
            jurisdiction=entry.text("jurisdiction", JURISDICTION),
            name=entry.text("name", _NAME, longest=300),
            url=_address(entry),
            origin=entry.text("origin", _ORIGIN),
            keys=tuple(map(KeyRecord.from_json, entry.items("keys", 1, _MOST_KEYS))),
        )


@dataclass(frozen=True, slots=True)
class Membership:
    """A parsed membership file; `raw` are its bytes and `digest` is what a node pins."""

    serial: int
    previous: str | None
    members: tuple[Member, ...]
    raw: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """Digest of the file."""
        return digests.digest(self.raw)

    def find(self, member_id: str) -> Member | None:
        """Return a member, or None."""
        return next((member for member in self.members if member.id == member_id), None)

    def member(self, member_id: str) -> Member:
        """Return a member.

        Raises:
            WireError: ``membership.unknown-member``.
        """
        found = self.find(member_id)
        if found is None:
            raise WireError(
                "membership.unknown-member",
                f"The membership with serial {self.serial} does not list this ministry.",
            )
        return found

    def keys(self, member_id: str, purpose: Purpose) -> tuple[KeyRecord, ...]:
        """Return a member's records of one purpose, current and former.

        Raises:
            WireError: ``membership.unknown-member``.
        """
        return self.member(member_id).keys_for(purpose)


def compose_membership(serial: int, previous: str | None, members: Sequence[Member]) -> Membership:
    """Compose the bytes of a membership and read them back.

    Raises:
        WireError: Whatever `parse_membership` would refuse.
    """
    return parse_membership(
        canonical.canonical(
            {
                "comity": VERSION,
                "serial": serial,
                "previous": previous,
                "members": [member.to_json() for member in members],
            }
        )
    )


def parse_membership(raw: bytes) -> Membership:
    """Read a membership file strictly.

    Raises:
        WireError: ``membership.*``, ``key.*``, ``json.*``.
    """
    value = canonical.parse_canonical(raw, limit=limits.MEMBERSHIP)
    file = Members(value, _CODE, ("comity", "serial", "previous", "members"))
    file.word("comity", (VERSION,))
    serial = file.integer("serial", 1)
    previous = None if file.raw("previous") is None else file.digest("previous")
    if (serial == 1) is not (previous is None):
        raise file.refusal("Name the previous membership in every serial but the first.")
    members = tuple(map(Member.from_json, file.items("members", 1, _MOST_MEMBERS)))
    _check_distinct([member.id for member in members])
    _check_distinct([name for m in members for name in (m.origin, m.witness_name)])
    _check_distinct([record.kid for member in members for record in member.keys])
    return Membership(serial, previous, members, raw)


def _check_distinct(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise WireError("membership.duplicate", "List every id, origin and key once.")


def _address(entry: Members) -> str:
    url = entry.text("url", _URL)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise entry.refusal("Give a well-formed address.") from None
    if not parts.hostname or "@" in url or "?" in url or "#" in url or url.endswith("/"):
        raise entry.refusal("Give an address of scheme, host and path only.")
    return url
