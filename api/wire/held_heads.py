"""A ministry's signed word on the largest head of another's log that it holds (PROTOCOL §9).

Owns the body of a ``held`` message, which is an answer and never sent by itself: ``{size, root,
stated_at}``. Size 0 without a root: it holds none. Refusal code: ``message.held``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.wire.canonical import Json
from api.wire.members import Members

_CODE: Final = "message.held"
_ROOT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HeldHead:
    """What a ministry says it holds of the asker's log.

    Attributes:
        size: leaves of the largest head it cosigned; 0 for none.
        root: hex; ``None`` for none.
        stated_at: its clock.
    """

    size: int
    root: str | None
    stated_at: str

    def to_json(self) -> dict[str, Json]:
        """Return the body of a ``held`` message."""
        return {"size": self.size, "root": self.root, "stated_at": self.stated_at}

    @classmethod
    def from_json(cls, body: Mapping[str, Json]) -> "HeldHead":
        """Read the body of a ``held`` message.

        Raises:
            WireError: ``message.held``.
        """
        members = Members(dict(body), _CODE, ("size", "root", "stated_at"))
        size = members.integer("size")
        root = None if members.raw("root") is None else members.text("root", _ROOT)
        if (size == 0) is not (root is None):
            raise members.refusal("Name the root of every head, and none without one.")
        return cls(size, root, members.instant("stated_at"))
