"""Whether the node can do its work now; each check is cheap and named.

Owns the meaning of ``/readyz``:

========== =====================================================================================
check      passes when
========== =====================================================================================
database   a trivial read works
schema     the database is at this program's revision
keys       every signing purpose has all of its keys, and the membership knows them as current
store      the exhibit store takes writes
clock      the time is not before this program's own year, nor before the newest event
sequencer  no event waits for its leaf longer than a bound: some worker is alive
disk       the local disks of database and store have room
use-cases  no request waits longer than a bound for a thread of this process
in-time    all of this was known within two seconds
========== =====================================================================================

A partner that is away never makes a node unready: that is a gap, shown and closed later. Nor does a
restore: the node then reads, and says of each write why not; nor a proof of misbehaviour: that is
an alarm for people. All are told beside the checks (:func:`details`).
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import ComityError
from api.records import log, migrating, node_state
from api.records.partner_memberships import partner_memberships
from api.services.log import heads
from api.services.node import Node
from api.services.operations.status import age
from api.wire.encoding import parse_instant
from api.wire.keys import ALGORITHMS, Purpose

_log = logging.getLogger(__name__)

Checks = dict[str, bool]
Details = dict[str, Any]

_OWN_YEAR: Final = 2026
_PATIENCE: Final = 2.0
_FRESH: Final = 1.0
_IN_TIME: Final = "in-time"
_USE_CASES: Final = "use-cases"


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found.

    Attributes:
        checks: check name → passed.
        details: see :func:`details`; empty unless every check passed.
    """

    checks: Checks
    details: Details

    @property
    def ready(self) -> bool:
        """Every check passed."""
        return all(self.checks.values())

    @property
    def failing(self) -> list[str]:
        """Names of the checks that did not pass."""
        return sorted(name for name, passed in self.checks.items() if not passed)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What still counts as ready.

    Attributes:
        sequencing: seconds that an event may wait for its leaf.
        skew: seconds by which the newest event may be ahead of this machine's clock; another
            machine may have written it.
        waiting: seconds that a request may wait for a thread.
        room: free bytes that each disk needs.
        places: local folders by name whose disks need room.
    """

    sequencing: float = 120.0
    skew: float = 5.0
    waiting: float = 5.0
    room: int = 64 * 1024 * 1024
    places: Mapping[str, Path] = field(default_factory=dict)


_BOUNDS: Final = Bounds()


def checks(node: Node, bounds: Bounds = _BOUNDS) -> Checks:
    """Return check name → passed; raises nothing."""
    looks: dict[str, Callable[[], bool]] = {
        "database": node.db.healthy,
        "schema": lambda: bool(migrating.at_head(node.db.engine)),
        "keys": lambda: _keys(node),
        "store": lambda: _store_answers(node),
        "clock": lambda: _clock(node, bounds),
        "sequencer": lambda: _sequencer(node, bounds),
        "disk": lambda: all(_room(path) >= bounds.room for path in bounds.places.values()),
    }
    return {name: _passes(look) for name, look in looks.items()}


def details(node: Node) -> Details:
    """Return what a ready node is not whole in.

    Returns:
        ``restoring``: it is read-only until its partners have answered; ``unwitnessed``: leaves
        that no quorum of partners has cosigned, and the age of the oldest in seconds;
        ``misbehaviour``: how many proofs against partners await a ruling (not against whom);
        ``partners``: how many are never called, for want of an https address, and how many run
        with another membership.
    """

    def read(connection: Connection) -> Details:
        tail = heads.tail(node, connection, heads.public_head(node, connection))
        return {
            "restoring": node_state.restoring(connection),
            "unwitnessed": {"leaves": tail.leaves, "seconds": tail.seconds},
            "misbehaviour": node_state.awaiting_ruling(connection),
            "partners": _partners(node, connection),
        }

    return node.db.read(read)


def _partners(node: Node, connection: Connection) -> dict[str, int]:
    said = partner_memberships(connection).values()
    digests = [one.digest for one in said if one.digest is not None]
    return {
        "insecure": sum(one.code == "peer.insecure" for one in said),
        "other_membership": sum(one != node.membership.digest for one in digests),
    }


def _passes(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except Exception:  # noqa: BLE001 - whatever stops the look, the node is not ready
        return False


def _keys(node: Node) -> bool:
    known = {key.kid: key for key in node.me.keys}
    for purpose, algorithms in ALGORITHMS.items():
        if purpose is Purpose.ENCRYPTION:
            continue
        current = node.signer.keys(purpose)
        if tuple(key.alg for key in current) != algorithms:
            return False
        entries = [known.get(key.kid) for key in current]
        if any(entry is None or entry.revoked_from is not None for entry in entries):
            return False
    return True


def _store_answers(node: Node) -> bool:
    try:
        node.store.probe()
    except ComityError:
        return False
    return True


def _clock(node: Node, bounds: Bounds) -> bool:
    newest = node.db.read(lambda connection: log.events_page(connection, limit=1))
    now = node.clock.now()
    if now.year < _OWN_YEAR:
        return False
    skew = timedelta(seconds=bounds.skew)
    return not newest or parse_instant(newest[0].time) <= now + skew


def _sequencer(node: Node, bounds: Bounds) -> bool:
    def waiting_since(connection: Connection) -> str:
        if node_state.restoring(connection):
            return ""
        head = log.newest_head(connection)
        return log.oldest_beyond(connection, head.size if head is not None else 0)

    return age(node.db.read(waiting_since), node.now()) <= bounds.sequencing


def _room(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_frsize * found.f_bavail


def look(node: Node, bounds: Bounds = _BOUNDS) -> Found:
    """Return what holds now; raises nothing."""
    found = checks(node, bounds)
    if not all(found.values()):
        return Found(found, {})
    try:
        return Found(found, details(node))
    except ComityError:
        return Found({**found, "database": False}, {})


class _Look:
    """One look, in a thread that nobody has to wait for."""

    def __init__(self, node: Node, bounds: Bounds) -> None:
        self.found: Found | None = None
        self._done = threading.Event()
        threading.Thread(
            target=self._run, args=(node, bounds), name="comity-readiness", daemon=True
        ).start()

    def _run(self, node: Node, bounds: Bounds) -> None:
        self.found = look(node, bounds)
        self._done.set()

    def ended(self, seconds: float) -> Found | None:
        self._done.wait(seconds)
        return self.found


class Readiness:
    """What one process knows of its readiness: looked up at most once a second.

    Args:
        node: this node.
        bounds: what still counts as ready.
        longest_wait: seconds for which some request of this process has waited for a thread.
    """

    def __init__(
        self,
        node: Node,
        bounds: Bounds = _BOUNDS,
        longest_wait: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._longest_wait = longest_wait
        self._queued = False
        self._node = node
        self._bounds = bounds
        self._lock = threading.Lock()
        self._look: _Look | None = None
        self._known: Found | None = None
        self._known_at = 0.0

    def now(self) -> Found:
        """Return what was found, not longer than a second ago; waiting requests are counted now.

        A look that takes longer than two seconds fails the check ``in-time``; one that hangs (a
        database that does not answer) is not started a second time.
        """
        found = self._looked()
        in_time = self._longest_wait() <= self._bounds.waiting
        if in_time is self._queued:
            self._queued = not in_time
            if self._queued:
                _log.warning("requests wait")
            else:
                _log.info("requests wait no more")
        return Found({**found.checks, _USE_CASES: in_time}, found.details)

    def _looked(self) -> Found:
        with self._lock:
            if self._known is not None and time.monotonic() - self._known_at < _FRESH:
                return self._known
            if self._look is None:
                self._look = _Look(self._node, self._bounds)
            under_way = self._look
        found = under_way.ended(_PATIENCE)
        if found is None:
            return self._keep(Found({_IN_TIME: False}, {}))
        with self._lock:
            if self._look is under_way:
                self._look = None
        return self._keep(Found({**found.checks, _IN_TIME: True}, found.details))

    def _keep(self, found: Found) -> Found:
        with self._lock:
            before = self._known.failing if self._known is not None else []
            self._known, self._known_at = found, time.monotonic()
        if found.failing and found.failing != before:
            _log.warning("not ready", extra={"reason": " ".join(found.failing)})
        elif before and found.ready:
            _log.info("ready again")
        return found
