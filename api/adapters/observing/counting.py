"""Counters and durations of this process, as Prometheus knows them.

Owns the names and labels of what is counted while it happens. Labels come from closed lists: route
templates, methods, jobs, partners of the membership, acts and stable codes; never an id, a path or
a name. Figures about the node as a whole are read at each scrape by ``web/metrics``, which also
serves both.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from api.ports.observing import IDLE, Piece, PieceKind

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STATUS_DIGITS: Final = 3

# Series that say when another one was made: twice the text for nothing anyone asks.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Counting:
    """Counts what this process does; implements ``ports/observing``.

    Attributes:
        registry: what a scrape reads; nothing is registered globally.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = self._counter(
            "comity_http_requests",
            "Requests answered, by route template, method and class of status.",
            *("route", "method", "status"),
        )
        self._request_seconds = self._durations(
            "comity_http_request_seconds",
            "Time from the request's head to the answer's end.",
            *("route", "method"),
        )
        self._jobs = self._counter(
            "comity_jobs", "Pieces of background work, by how they ended.", "job", "outcome"
        )
        self._job_seconds = self._durations(
            "comity_job_seconds", "Duration of background work that did something.", "job"
        )
        self._job_ended = Gauge(
            "comity_job_last_end_timestamp_seconds",
            "When a job last ended a piece of work or found none, seconds since 1970.",
            ("job",),
            registry=self.registry,
        )
        self._calls = self._counter(
            "comity_peer_calls",
            "Calls to partners' nodes, by HTTP status or code of failure.",
            *("peer", "outcome"),
        )
        self._call_seconds = self._durations(
            "comity_peer_call_seconds", "Duration of calls to partners' nodes.", "peer"
        )
        self._acts = self._counter(
            "comity_acts",
            "Events committed by this process: what was published, sent, receipted, applied.",
            *("act", "outcome"),
        )
        self._refused = self._counter(
            "comity_refused_accesses",
            "Callers whom nobody knows, refused at a door.",
            *("door", "code"),
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _durations(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=_SECONDS, registry=self.registry)

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Count a piece and measure how long it took."""
        return self._observe(piece)

    @contextmanager
    def _observe(self, piece: Piece) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._count(piece, time.perf_counter() - started)

    def _count(self, piece: Piece, seconds: float) -> None:
        if piece.kind is PieceKind.REQUEST:
            method = piece.method if piece.method in _METHODS else "other"
            self._requests.labels(piece.name, method, status_class(piece.outcome)).inc()
            self._request_seconds.labels(piece.name, method).observe(seconds)
        elif piece.kind is PieceKind.JOB:
            self._jobs.labels(piece.name, piece.outcome or "failed").inc()
            self._job_ended.labels(piece.name).set_to_current_time()
            if piece.outcome != IDLE:
                self._job_seconds.labels(piece.name).observe(seconds)
        else:
            self._calls.labels(piece.peer, piece.outcome or "failed").inc()
            self._call_seconds.labels(piece.peer).observe(seconds)

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Count committed events."""
        for act, outcome in acts:
            self._acts.labels(act, outcome).inc()

    def refused(self, door: str, code: str) -> None:
        """Count a refused stranger."""
        self._refused.labels(door, code).inc()


def status_class(status: str) -> str:
    """Return ``2xx`` for ``204`` and so on; ``none`` if no answer was begun."""
    is_status = len(status) == _STATUS_DIGITS and status.isdigit()
    return f"{status[0]}xx" if is_status else "none"
