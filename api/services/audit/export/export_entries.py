"""What an audit export is asked to hold, and the lines that its entries become.

Owns the request's form and its filter, and the way from stored rows to export lines. Commitments
are taken from the bundles that were hashed, openings from the events: a row that was changed since
is found when the two are put together. Must not choose a head or make the file
(``services/audit/export/exporting.py``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.audit_export import ExportRefused
from api.domain.errors import Invalid
from api.domain.events import Act
from api.records import audit, audit_reading
from api.services.log import checkpoints
from api.tlog.merkle import leaf_hash
from api.tlog.tiles import TILE_WIDTH, decode_bundle
from api.wire.canonical import Json
from api.wire.encoding import format_instant, parse_instant
from api.wire.errors import WireError
from api.wire.export.lines import Disclosed, Line, Withheld

_CHUNK: Final = 16 * TILE_WIDTH
_ENTRY: Final = re.compile(r'\{"e":"([0-9a-f]{64})","s":"([0-9a-f]{64})","v":1\}')
_ONE_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,1000}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INDEX: Final = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an auditor asks for.

    Attributes:
        purpose: why, in one line; stands in the sealed manifest.
        start: first leaf index, or an instant: the first event recorded then or later.
        end: leaf index after the last, or an instant: events recorded before it. ``None`` for
            everything that is witnessed.
        acts: only entries with these acts are disclosed; empty for all.
        object_id: only entries about this object are disclosed.
    """

    purpose: str
    start: int | str = 0
    end: int | str | None = None
    acts: tuple[str, ...] = ()
    object_id: str | None = None

    def parameters(self) -> dict[str, Json]:
        """Return what the event's digest covers."""
        return {
            "purpose": self.purpose,
            "from": self.start,
            "to": self.end,
            "filter": self.filter(),
        }

    def filter(self) -> dict[str, Json] | None:
        """Return the filter as the manifest states it; ``None`` for everything."""
        members: dict[str, Json] = {}
        if self.acts:
            members["acts"] = [*sorted(self.acts)]
        if self.object_id is not None:
            members["object"] = self.object_id
        return members or None

    def discloses(self, act: str, object_id: str) -> bool:
        """Tell whether the filter lets an entry be read."""
        return (not self.acts or act in self.acts) and self.object_id in {None, object_id}


def bound(text: str | None, *, last: bool = False) -> int | str | None:
    """Read one end of a range: a leaf index, a day or an instant.

    Args:
        text: ``120``, ``2026-11-23`` or ``2026-11-23T17:25:39.123Z``; ``None`` for no bound.
        last: the later end, where a day means that whole day.

    Returns:
        The index, or the instant from which (before which) events count.

    Raises:
        Invalid: ``export.range``.
    """
    if text is None or _INDEX.fullmatch(text):
        return None if text is None else int(text)
    try:
        if _DAY.fullmatch(text):
            return format_instant(_midnight(text, last=last))
        return format_instant(parse_instant(text))
    except WireError as error:
        raise Invalid(
            "export.range",
            "Give a bound as an index, a day such as 2026-11-23, or 2026-11-23T17:25:39.123Z.",
        ) from error


def _midnight(day: str, *, last: bool) -> datetime:
    """Return the beginning of a day, or its end for the later bound of a range."""
    begin = parse_instant(f"{day}T00:00:00.000Z")
    if not last:
        return begin
    try:
        return begin + timedelta(days=1)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)  # the last day there is


def check_wanted(wanted: Wanted) -> None:
    """Refuse a request that no export could answer.

    Raises:
        Invalid: ``export.purpose``, ``export.filter``.
    """
    if not _ONE_LINE.fullmatch(wanted.purpose) or not wanted.purpose.strip():
        raise Invalid("export.purpose", "State the purpose in one line of at most 1,000 letters.")
    known = {act.value for act in Act}
    if not known.issuperset(wanted.acts):
        raise Invalid("export.filter", "Filter by acts that this node records.")


def export_lines(connection: Connection, start: int, end: int, wanted: Wanted) -> Iterator[Line]:
    """Yield the export line of each leaf in ``[start, end)``; commitments come from the bundles."""
    at = start
    while at < end:
        until = min(end, (at // _CHUNK + 1) * _CHUNK)
        entries = _entries(connection, at, until)
        bare = _bare_hashes(connection, entries, at)
        if len(entries) != until - at:
            raise ExportRefused("export.bundle", "Leaf entries are missing.", index=at)
        everything = wanted.filter() is None
        for row in audit_reading.lines(connection, at, until):
            shown = everything or wanted.discloses(row.act, row.object_id)
            yield _line(row, entries[row.leaf_index - at], bare, shown=shown)
        at = until


def _entries(connection: Connection, first: int, until: int) -> list[bytes]:
    """Return the leaf entries ``[first, until)`` as they were hashed."""
    if first >= until:
        return []
    low, high = first // TILE_WIDTH, -(-until // TILE_WIDTH)
    stored = audit_reading.bundles(connection, low, high)
    entries: list[bytes] = []
    for n in range(low, high):
        width = min(TILE_WIDTH, until - n * TILE_WIDTH)
        entries += decode_bundle(stored.get(n, b""))[:width]
    return entries[first - low * TILE_WIDTH :]


def _bare_hashes(connection: Connection, entries: list[bytes], at: int) -> dict[int, bytes]:
    """Return the leaf hashes of empty entries, which only the tiles know."""
    if all(entries):
        return {}
    hashes = checkpoints.leaf_hashes(connection, at, at + len(entries))
    pairs = enumerate(zip(entries, hashes, strict=True), at)
    return {index: leaf for index, (entry, leaf) in pairs if not entry}


def bare_leaves(connection: Connection, start: int, end: int) -> int:
    """Return how many leaves of a range are known by their hash alone."""
    return sum(
        not entry
        for first, last in audit.lost_ranges(connection)
        for entry in _entries(connection, max(first, start), min(last, end))
    )


def _line(row: Any, entry: bytes, bare: Mapping[int, bytes], *, shown: bool) -> Line:
    index, event_id, _, _, event, salt_e, salt_s, statement, envelope = row
    if not entry:
        # Recovered by its hash alone (api.services.recovery.regrown_log): nothing of it can be
        # disclosed.
        return Withheld(index, bare[index].hex())
    if not shown:
        return Withheld(index, leaf_hash(entry).hex())
    parts = _ENTRY.fullmatch(entry.decode("ascii", "replace"))
    if parts is None or (event is None) is not (salt_e is None):
        raise ExportRefused("leaf.malformed", "A leaf cannot be opened.", index=index)
    e, s = parts.groups()
    salt = gap = None
    if event is None:
        gap = "erased" if audit.is_erased(event_id) else "lost"
    else:
        salt = salt_e.hex()
    if envelope is None or statement is None:
        return Disclosed(index, e, s, event, salt, gap)
    return Disclosed(index, e, s, event, salt, gap, envelope[7:], salt_s.hex(), statement[7:])
