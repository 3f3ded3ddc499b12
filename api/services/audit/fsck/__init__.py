"""The offline check of a node's whole database: ``comity audit fsck``.

Owns the order of the check and its report. It trusts nothing that is stored but what signatures of
the pinned membership bear out, changes nothing, and needs neither the node nor its keys:

1. The tables are this program's, with every column and unique index (``schema``).
2. Heads and cosignatures are genuine and none is gone; leaf entries, tiles and events agree with
   each other and with the heads; every column of an event says what its body says (``own_log``).
3. The events' change sets, replayed in log order, give every row of every recorded table
   (``rows``).
4. What is kept of partners' logs is what they signed (``partners``).
5. Messages, receipts and statements are what they are called (``messages``); no partner's head
   is older than one that a receipt cosigned or an event anchored (``partners``).
6. The exhibits are in the store, byte for byte (``exhibits``).

What this cannot see is in docs/auditing.md.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.ports.store import ExhibitStore
from api.records import audit_reading, memberships
from api.services.audit.fsck.exhibits import check_exhibits
from api.services.audit.fsck.findings import Findings, FsckFinding
from api.services.audit.fsck.messages import check_messages
from api.services.audit.fsck.own_log import check_own_log
from api.services.audit.fsck.partners import check_floors, check_partners
from api.services.audit.fsck.rows import check_rows, check_statements
from api.services.audit.fsck.schema import check_tables
from api.services.audit.fsck.scope import Scope, Trust
from api.wire.membership import Member

_ASKED: Final = 9

__all__ = ["Findings", "FsckFinding", "Report", "Trust", "check"]


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        ministry: whose database it is.
        findings: everything that does not fit.
        size: leaves in the newest signed head.
        rows: rows of recorded tables.
        erased: events erased under an order.
        lost: leaves recovered by their hash alone.
        waiting: events that have no place in the log yet.
        unclaimed: whole files in the store that no exhibit's row knows.
    """

    ministry: str
    findings: Findings
    size: int = 0
    rows: int = 0
    erased: int = 0
    lost: int = 0
    waiting: int = 0
    unclaimed: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.findings.count == 0

    @property
    def first(self) -> FsckFinding | None:
        """The finding to look at first."""
        return self.findings.first


def check(
    connection: Connection,
    trust: Trust,
    *,
    ministry: str | None = None,
    store: ExhibitStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check a database.

    Args:
        connection: a consistent view of it; nothing is written.
        trust: judges signatures by the pinned membership.
        ministry: whose database it is; taken from its first event if not given.
        store: the exhibits; ``None`` leaves them out.
        progress: told of (done, total) leaves now and then.

    Raises:
        Invalid: ``fsck.ministry``: the database is of no member.
    """
    findings = Findings()
    if not check_tables(connection, findings):
        return Report(ministry or "", findings)
    trust = trust.and_former(lambda pinned: memberships.former(connection, pinned))
    me = trust.membership.find(ministry) if ministry else _whose(connection, trust)
    if me is None:
        raise Invalid("fsck.ministry", "Name the member whose database this is with --ministry.")
    scope = Scope(connection, trust, me, findings, store=store, progress=progress)
    try:
        size = check_own_log(scope)
        rows = check_rows(scope)
        check_statements(scope)
        check_partners(scope)
        check_floors(scope, check_messages(scope))
        if store is not None:
            check_exhibits(scope, store)
    finally:
        scope.journal.close()
    gaps = scope.gaps
    counts = (gaps["erased"], gaps["lost"], gaps["waiting"], gaps["unclaimed"])
    return Report(me.id, findings, size, rows, *counts)


def _whose(connection: Connection, trust: Trust) -> Member | None:
    """Return the member that most of the newest heads and oldest events name.

    One altered row does not make a database another ministry's.
    """
    named = Counter(audit_reading.stated_ministries(connection, _ASKED))
    origins = Counter(audit_reading.stated_origins(connection, _ASKED))
    votes = Counter[str]()
    for member in trust.membership.members:
        votes[member.id] = named[member.id] + origins[member.origin]
    ((winner, count),) = votes.most_common(1)
    return trust.membership.find(winner) if count else None
