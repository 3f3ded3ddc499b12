"""Every list as a CSV file (RFC 4180), for people who count in a spreadsheet.

Owns the files. Columns bear the names that the HTTP interface uses, in both languages, so that a
sheet made from one fits the other. A cell that a spreadsheet would take for a formula is quoted
with an apostrophe; bytes begin with the mark by which spreadsheets know UTF-8.
"""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.ports.policy import Action
from api.records.threads import Wanted as WantedThreads
from api.services.audit import audit_samples, auditing
from api.services.desk import (
    coverage,
    designations,
    evidence,
    lists,
    mirroring,
    officers,
    proposals,
    subject_lines,
)
from api.services.road import peering
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    DESK,
    EVERYONE,
    Answer,
    Page,
    Sending,
    Visit,
)
from api.web.console.pages import audit

_STEP: Final = 200
_MOST: Final = 20_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_MARK: Final = "\ufeff"
Rows = Iterable[Sequence[object]]
Place = tuple[str, str]


def _cell(value: object) -> str:
    """Return a cell's text; what a spreadsheet would run is made text (OWASP, CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | frozenset | set):
        value = "; ".join(str(one) for one in value)
    text = str(getattr(value, "value", value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def encoded(heads: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """Yield the lines of a CSV file."""
    line = io.StringIO()
    writer = csv.writer(line)
    yield _MARK.encode()
    for row in itertools.chain((heads,), rows):
        writer.writerow([_cell(one) for one in row])
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()


@dataclass(frozen=True, slots=True)
class _Table:
    """One list: its columns, and what yields its rows."""

    name: str
    heads: tuple[str, ...]
    rows: Callable[[Visit], Rows]

    def send(self, visit: Visit) -> Answer:
        """Answer with the file; the use case is asked before the first byte."""
        found = list(self.rows(visit))
        return Sending(encoded(self.heads, found), f"{self.name}.csv", "text/csv; charset=utf-8")


def _picked(heads: Sequence[str], found: Iterable[Any]) -> Iterator[tuple[object, ...]]:
    for one in found:
        yield tuple(getattr(one, head) for head in heads)


def _all(
    fetch: Callable[[int, Place | None], Sequence[Any]], place: Callable[[Any], Place]
) -> Iterator[Any]:
    """Yield all items of a list, page by page, up to a bound."""
    at: Place | None = None
    for _ in range(_MOST // _STEP):
        found = fetch(_STEP, at)
        yield from found
        if len(found) < _STEP:
            return
        at = place(found[-1])


_PACKAGES: Final = ("id", "originator", "title", "state", "submitted_at", "supersedes")
_THREADS: Final = ("id", "requester", "addressee", "phase", "opened_at")
_PROPOSALS: Final = ("id", "ministry", "regime", "title", "state", "version", "created_at")
_DESIGNATIONS: Final = (
    "id", "issuer", "jurisdiction", "regime", "name", "list_reference", "since", "ended_on",
)  # fmt: skip
_EDITIONS: Final = ("id", "layout", "number", "as_of", "as_of_from", "source", "count", "sha256")
_APPROVALS: Final = (
    "index", "act", "object", "version", "digest", "approver", "approved_at", "previewed_at",
)  # fmt: skip
_SAMPLES: Final = ("id", "officer", "name", "size", "root", "entries", "saved_at")
_WATCHES: Final = ("id", "ref", "name", "reason", "by", "at")
_VERDICTS: Final = ("id", "one", "other", "outcome", "reason", "by", "at", "replaced_by")
_SHARED: Final = (
    "statement", "ministry", "one", "other", "outcome", "reason", "prepared_by", "approved_by",
    "issued_at",
)  # fmt: skip
_CELL: Final = ("designation", "since", "regime", "lag_days")
_EVENTS: Final = ("leaf", "time", "act", "actor", "kind", "object", "outcome", "code")


def _packages(visit: Visit) -> Rows:
    found = _all(
        lambda size, at: evidence.packages_page(visit.node, visit.caller, limit=size, before=at),
        lambda one: (one.submitted_at, one.id),
    )
    return _picked(_PACKAGES, found)


def _threads(visit: Visit) -> Rows:
    found = _all(
        lambda size, at: mirroring.threads_page(
            visit.node, visit.caller, WantedThreads(), limit=size, before=at
        ),
        lambda one: (one.opened_at, one.id),
    )
    return _picked(_THREADS, found)


def _proposals(visit: Visit) -> Rows:
    found = _all(
        lambda size, at: proposals.proposals_page(visit.node, visit.caller, limit=size, before=at),
        lambda one: (one.created_at, one.id),
    )
    return _picked(_PROPOSALS, found)


def _designations(visit: Visit) -> Rows:
    found = _all(
        lambda size, at: designations.designations_page(
            visit.node, visit.caller, limit=size, before=at
        ),
        lambda one: (one.stored_at, one.id),
    )
    return _picked(_DESIGNATIONS, found)


def _watches(visit: Visit) -> Rows:
    for one in subject_lines.watch_lines(visit.node, visit.caller):
        watch = one.watch
        yield (watch.id, watch.ref, one.name, watch.reason, one.officer, watch.at)


def _verdicts(visit: Visit) -> Rows:
    found = _all(
        lambda size, at: subject_lines.verdict_lines(
            visit.node, visit.caller, limit=size, before=at
        ),
        lambda one: (one.verdict.at, one.verdict.id),
    )
    return _picked(_VERDICTS, (one.verdict for one in found))


def _shared(visit: Visit) -> Rows:
    found = subject_lines.shared_lines(visit.node, visit.caller)
    return _picked(_SHARED, (one.verdict for one in found))


def _coverage(visit: Visit) -> Rows:
    found = coverage.board(visit.node, visit.caller, visit.query.get("as_of") or None)
    for subject in found.subjects:
        for home, cell in subject.jurisdictions.items():
            yield (subject.name, home, *(getattr(cell, name, None) for name in _CELL))


def _editions(visit: Visit) -> Rows:
    found = lists.editions(visit.node, visit.caller)
    for one, row in zip(found, _picked(_EDITIONS, found), strict=True):
        yield (one.series.id, one.series.publisher, one.series.jurisdiction, *row)


def _events(visit: Visit) -> Rows:
    wanted = audit.asked_in(visit)
    before: int | None = None
    for _ in range(_MOST // _STEP):
        found = auditing.events(visit.node, visit.caller, wanted, limit=_STEP, before=before)
        for one in found:
            event = one.event or {"actor": {}, "object": {}}
            actor, about = event["actor"], event["object"]
            yield (
                one.index,
                event.get("time"),
                event.get("act", one.gap),
                actor.get("sub", actor.get("kind")),
                about.get("kind"),
                about.get("id"),
                event.get("outcome"),
                event.get("code"),
            )
        if len(found) < _STEP:
            return
        before = found[-1].seq


def _approvals(visit: Visit) -> Rows:
    found = audit.approvals_in(visit)
    rows = _picked(_APPROVALS, (one.approval for one in found))
    for one, row in zip(found, rows, strict=True):
        yield (*row, one.type, ", ".join(part for part in (one.title, one.role) if part))


def _people(visit: Visit) -> Rows:
    for one in officers.register(visit.node, visit.caller):
        roles = [each.role for each in one.grants if each.state == "active"]
        accounts = [each.sub for each in one.identities]
        keys = [each.kid for each in one.keys if each.state == "active"]
        officer = one.officer
        yield (officer.id, officer.name, officer.state, accounts, roles, keys, officer.expires_at)


def _partners(visit: Visit) -> Rows:
    for one in peering.listed(visit.node, visit.caller):
        queue = one.queue
        yield (
            one.ministry,
            one.jurisdiction,
            one.name,
            one.url,
            one.cosigned_our_log,
            queue.get("waiting", 0),
            queue.get("unreceipted", 0),
            queue.get("dead", 0),
        )


def _page(path: str, roles: frozenset[str], action: Action, table: _Table) -> Page:
    return Page(f"{table.name}_csv", f"{path}.csv", roles, action, table.send, download=True)


_WATCHED: Final = DESK | {AUDITOR}
_AUDITORS: Final = frozenset({AUDITOR})
_REGISTER: Final = frozenset({AUDITOR, ADMINISTRATOR})
PAGES: Final = (
    _page("/packages", DESK, Action.PACKAGE_LIST, _Table("packages", _PACKAGES, _packages)),
    _page("/mirror-requests", DESK, Action.MIRROR_LIST, _Table("requests", _THREADS, _threads)),
    _page("/proposals", DESK, Action.PROPOSAL_LIST, _Table("proposals", _PROPOSALS, _proposals)),
    _page(
        "/designations",
        _WATCHED,
        Action.DESIGNATION_LIST,
        _Table("designations", _DESIGNATIONS, _designations),
    ),
    _page("/subjects/watches", DESK, Action.SUBJECT_SEARCH, _Table("watches", _WATCHES, _watches)),
    _page(
        "/subjects/verdicts", DESK, Action.SUBJECT_SEARCH, _Table("verdicts", _VERDICTS, _verdicts)
    ),
    _page(
        "/subjects/shared-verdicts",
        DESK,
        Action.SUBJECT_SEARCH,
        _Table("shared_verdicts", _SHARED, _shared),
    ),
    _page(
        "/coverage",
        _WATCHED,
        Action.COVERAGE_READ,
        _Table("coverage", ("name", "jurisdiction", *_CELL), _coverage),
    ),
    _page(
        "/lists",
        _WATCHED,
        Action.LIST_READ,
        _Table("lists", ("series", "publisher", "jurisdiction", *_EDITIONS), _editions),
    ),
    _page("/audit/events", _AUDITORS, Action.AUDIT_LIST, _Table("events", _EVENTS, _events)),
    _page(
        "/audit/approvals",
        _AUDITORS,
        Action.AUDIT_LIST,
        _Table(
            "approvals",
            (*_APPROVALS, "type", "title"),
            _approvals,
        ),
    ),
    _page(
        "/audit/samples",
        _AUDITORS,
        Action.AUDIT_LIST,
        _Table(
            "samples",
            _SAMPLES,
            lambda visit: _picked(_SAMPLES, audit_samples.listed(visit.node, visit.caller)),
        ),
    ),
    _page(
        "/people",
        _REGISTER,
        Action.OFFICER_LIST,
        _Table(
            "people", ("id", "name", "state", "accounts", "roles", "keys", "expires_at"), _people
        ),
    ),
    _page(
        "/partners",
        EVERYONE,
        Action.PEER_LIST,
        _Table(
            "partners",
            (
                "ministry",
                "jurisdiction",
                "name",
                "url",
                "cosigned_our_log",
                "waiting",
                "unreceipted",
                "dead",
            ),
            _partners,
        ),
    ),
)
