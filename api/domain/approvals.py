"""Who approved whose draft, after how long, having seen it: told from events alone.

Owns the pairing of ``draft.previewed`` and ``draft.approved`` events (PROTOCOL §6), for the log of
a node and for exports alike, so that an auditor gets the same answer offline. Reads no database.

An approval counts as *seen* if the same account previewed the same version of that draft before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.domain.events import Act

Seen = dict[tuple[str, int, str], str]


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval of one version of a draft.

    Attributes:
        draft: id of the draft.
        version: its version.
        approver: account that approved, ``iss sub``.
        authors: accounts that wrote any version up to this one.
        approved_at: RFC 3339 UTC.
        previewed_at: when the approver last previewed that version before; ``None`` if never.
        index: leaf of the approval; ``None`` while it is not in the log yet.
    """

    draft: str
    version: int
    approver: str
    authors: tuple[str, ...]
    approved_at: str
    previewed_at: str | None
    index: int | None

    @property
    def seconds(self) -> float | None:
        """How long after the preview it was approved; ``None`` without a preview."""
        if self.previewed_at is None:
            return None
        since = datetime.fromisoformat(self.approved_at) - datetime.fromisoformat(self.previewed_at)
        return since.total_seconds()


ACTS = (Act.DRAFT_CREATED, Act.DRAFT_REPLACED, Act.DRAFT_PREVIEWED, Act.DRAFT_APPROVED)
"""What must be known to tell: an export that withholds one of these tells less."""


def approvals(events: Iterable[tuple[int | None, Mapping[str, Any]]]) -> Iterator[Approval]:
    """Yield the approvals among events.

    Args:
        events: leaf index and content of each event, oldest first.
    """
    seen: Seen = {}
    authors: dict[str, tuple[str, ...]] = {}
    for index, event in events:
        act = event.get("act")
        if act not in ACTS:
            continue
        draft, version = str(event["object"]["id"]), int(event["object"]["version"])
        account = f"{event['actor'].get('iss', '')} {event['actor'].get('sub', '')}".strip()
        if act in {Act.DRAFT_CREATED, Act.DRAFT_REPLACED}:
            known = authors.get(draft, ())
            authors[draft] = known if account in known else (*known, account)
        elif act == Act.DRAFT_PREVIEWED:
            seen[draft, version, account] = str(event["time"])
        else:
            yield Approval(
                draft=draft,
                version=version,
                approver=account,
                authors=authors.get(draft, ()),
                approved_at=str(event["time"]),
                previewed_at=seen.get((draft, version, account)),
                index=index,
            )
